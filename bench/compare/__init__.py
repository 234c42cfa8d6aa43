"""Run the cells that comparisons still need: a method against a suite, or whatever is undecided."""
