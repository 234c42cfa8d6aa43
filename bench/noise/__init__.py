"""Noise files: making, checking and exchanging them."""
