"""What people hand in: reports in LaTeX, PDF and HTML, and what changes between two networks."""
