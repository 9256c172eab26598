"""Backups: taken whole whoever may see what, compared with what they were taken of, and put back or not at all."""
