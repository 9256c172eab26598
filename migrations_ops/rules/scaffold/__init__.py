"""A starting plan for a database that nobody has described yet, read from its catalogue. Nothing here writes to it."""
