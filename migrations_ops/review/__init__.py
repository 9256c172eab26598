"""Rows that a person decides about: which there are, and what becomes of a decision."""
