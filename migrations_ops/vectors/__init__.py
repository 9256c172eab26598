"""Nearest neighbours behind isolation: what an approximate index loses of a tenant's, and what brings it back."""
