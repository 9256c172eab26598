"""Tenants: the registry, and how a request becomes one tenant's."""
