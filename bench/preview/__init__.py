"""How long a preview takes beside plain scans of the same table."""
