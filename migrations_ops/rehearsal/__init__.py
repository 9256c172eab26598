"""The rehearsal: the migration, its undo and the migration again on a sampled copy, and what they foretell."""
