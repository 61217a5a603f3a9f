"""What changes between two networks: layers are aligned, then names, then formulas, in which what differs is marked."""
