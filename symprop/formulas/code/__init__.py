"""NumPy source of an answer, and the passes that only formulas need."""
