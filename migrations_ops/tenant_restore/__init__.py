"""One tenant as a backup has it: its rows compared with now, put back in batches, and undone exactly."""
