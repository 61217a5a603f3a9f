"""Reports that people hand in, as LaTeX, PDF and HTML."""
