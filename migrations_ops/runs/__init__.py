"""Runs: opened, carried on, watched, stopped, undone. The door is service.py."""
