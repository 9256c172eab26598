"""What a run would do, without doing it: the same rules, asked of the rows as they are. Nothing here writes."""
