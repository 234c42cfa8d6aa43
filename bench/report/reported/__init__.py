"""Published results, shown next to those measured here."""
