"""The plan: which tenants there are and which row goes to which of them, as data (vital.toml)."""
