"""The metadata that an image's PNG keeps: who owns the image and how it is displayed, rebuilt field by field."""
