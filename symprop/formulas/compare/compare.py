"""Is my formula right? Two formulas compared: equal, with the kind of proof, or how they differ.

Numbers refute: at random and special points that satisfy the declared facts, in 120 digits, two formulas agree or they
do not; a difference that more digits do not shrink is no rounding. For two that agree a proof is looked for, one normal
form or every element zero; without one the answer is neither yes nor no, and says so. For two that differ, guesses are
tried in the same digits (`reasons.py`), and the smallest counterexample is shown.

The test at random points is that of Schwartz and Zippel (Zippel, *Probabilistic algorithms for sparse polynomials*,
1979): formulas of rational operations that differ agree at a random point with a probability close to zero.
"""

from __future__ import annotations

from typing import Any

from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.given import Given, formulas_of
from symprop.formulas.compare.judge import judged, sides_of


def compare(first: Given, second: Given, declarations: str = "", /, **shapes: Any) -> Comparison:
    """Compare two formulas: texts, formulas, nodes, equations (their right sides), answers, or SymPy's expressions.

    Names in texts are declared as for `formula`, or known from the other side; those of two texts are else inferred.

    >>> print(compare("sum((X @ w)**2)", "w @ X.T @ X @ w", X="m n", w="n"))
    equal as sums of products of elements, for every size
    >>> print(compare("2 * X.T @ (X @ w - y) / m", "X.T @ (X @ w - y)", "X: m n, w: n, y: m"))
    not equal: the first is 2/m times the second
    at m = 1, n = 1, X = [[1]], w = [0], y = [1]: [-2] against [-1]

    Where neither has declarations, shapes are inferred that fit both.

    Raises:
        FormulaError: nothing that may be compared, outside the grammar, a name without a shape, or one with two.
        ReadingError: several shapes fit.
        ShapeError: arrays that do not fit.
        LimitError: a formula that is too long, or an array of more than 2,000 elements.
    """
    return judged(sides_of(*formulas_of(first, second, declarations, shapes)))
