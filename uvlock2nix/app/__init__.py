"""What each command does, callable as a library."""
