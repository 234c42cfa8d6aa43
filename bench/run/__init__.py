"""Planning a grid and carrying it out."""
