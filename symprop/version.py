"""The version, in this one place: what builds the package reads it here."""

__version__ = "0.2.0"
