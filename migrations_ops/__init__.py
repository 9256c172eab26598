"""The migration: phases, the engine that carries them out, and the one door to both (services/)."""
