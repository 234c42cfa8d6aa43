"""Victim networks: their names, how each family handles small images, and how they are built."""
