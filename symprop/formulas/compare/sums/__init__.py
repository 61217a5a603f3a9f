"""Proofs for every size: formulas as sums of products of elements with indices, brought to one form."""
