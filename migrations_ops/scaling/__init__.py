"""What it would take to spread the tables over several servers, or into partitions. It only reads."""
