"""What of an image's metadata its PNG keeps: who owns the image and how it is displayed, rebuilt field by field."""
