"""Questions asked of a derivation: cost, modes, paths, signal, bounds."""
