"""Synthetic legacy data of any size: realistic, the same for the same size and seed, and never taken from real data."""
