"""The networks that learn: their names, how each family takes small images, and how one is built."""
