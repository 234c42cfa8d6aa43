"""Checks that a folder of records has to pass before others may rely on it; one idea per file."""
