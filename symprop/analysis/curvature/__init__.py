"""Second derivatives of a network: the derivation of its gradients, derived once more through the same tables."""
