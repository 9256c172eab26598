"""What runs were: the report of one, and two beside each other. It reads VITAL's own tables, and writes nothing."""
