"""Finds the mistake in a backward pass: the right derivation with one step changed that reproduces its numbers."""

from symprop.diagnosis.diagnose import diagnose
from symprop.diagnosis.diagnosis import Diagnosis, Explanation

__all__ = ["Diagnosis", "Explanation", "diagnose"]
