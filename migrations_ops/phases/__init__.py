"""The seven phases. Each module says what is to be done, in reading order; the engine does it."""
