"""What applications send, and which of it fails or means something else once the database is isolated."""
