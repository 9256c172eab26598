"""The database backend: django-tenants' wrapper with a fixed search path and the embedded PostgreSQL."""
