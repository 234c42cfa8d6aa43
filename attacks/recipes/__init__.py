"""How methods make their noise, as data: one file per recipe."""
