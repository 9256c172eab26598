"""What isolation costs who writes."""
