"""What users are given: answers to questions, formulas compared, and the way from and to SymPy's matrices."""
