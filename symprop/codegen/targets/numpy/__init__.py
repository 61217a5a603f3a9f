"""NumPy, to read."""
