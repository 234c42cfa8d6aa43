"""Results as others have published them, to be set beside those measured here."""
