"""The engine that makes noise: sign steps, views, the frozen network, the surrogate and its loops, noise files."""
