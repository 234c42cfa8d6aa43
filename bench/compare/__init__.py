"""Measure what a comparison still needs: a method against a suite, or whatever is still open."""
