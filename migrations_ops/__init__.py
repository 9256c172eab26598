"""The migration: phases, the engine that carries them out, and rooms whose doors are their service.py."""
