"""What makes noise: engine and methods. Knows nothing of datasets on disk, grids or records."""
