"""What runs are and were: one at work, one that is over, two beside each other. It reads VITAL's own tables only."""
