"""Formulas from SymPy expressions, and back."""
