"""Plan a grid and run it."""
