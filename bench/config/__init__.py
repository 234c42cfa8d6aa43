"""Frozen models of protocol, grid and cell, and the TOML files that ship with them."""
