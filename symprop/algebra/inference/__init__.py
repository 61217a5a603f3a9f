"""What is not declared: ranks and sizes of the arrays of a formula, found from how they fit and how people write."""
