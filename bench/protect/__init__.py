"""Protect a user's own folder of images: noise of any bounded method, at the images' own sizes, as PNGs."""
