"""Protect a user's own folder of images: noise of any method, at the images' own sizes, as PNGs."""
