"""Noise methods and the engine that runs them; independent of datasets on disk, grids and records."""
