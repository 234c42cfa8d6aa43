"""Leaderboards and plots: pure functions of the records and of the versions in this code."""
