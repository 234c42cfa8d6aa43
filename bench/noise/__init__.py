"""Noise as a product: making it into a file, checking it, and exchanging it with others."""
