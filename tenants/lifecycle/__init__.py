"""A tenant's life after the migration: it is added, configured, put to sleep, and gets rows or gives some away."""
