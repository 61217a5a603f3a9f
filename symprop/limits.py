"""Limits that more than one room has."""

SECONDS = 60.0
"""Seconds that a certificate may take where nothing else is said."""

DTYPES = ("float64", "float32")
"""The precisions in which every target computes."""
