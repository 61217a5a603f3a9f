"""Two formulas held against each other: proofs of equality, counterexamples, and what differs."""
