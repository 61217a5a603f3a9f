"""Formulas in LaTeX in: tokens, a tree, what its shapes make of it, and the syntax tree of the text language."""
