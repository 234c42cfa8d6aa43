"""Plots, one per file, each a function that returns a figure."""
