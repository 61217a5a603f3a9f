"""Proofs for every size of identities with inverses and determinants of sums of matrices."""
