"""Equations that are alike are printed once: the second time only the numbers in names are put in."""

from __future__ import annotations

from symprop.algebra.alike import AlikeText
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.notation.pretty import pretty, subscript
from symprop.notation.stacks import sides


def pretty_equation(equation: Equation) -> str:
    """Return an equation in Unicode.

    >>> import symprop
    >>> derivation = symprop.derive("Input(2) >> Repeat(Dense(2) >> Tanh(), 9) >> MeanSquaredError()")
    >>> [derivation.equation(name).pretty() for name in ("z3", "z7")]
    ['z₃ = W₃ a₂ + b₃', 'z₇ = W₇ a₆ + b₇']
    """
    return _TEXTS(equation.target, equation.expression, found=equation.pattern)


def _written(target: Variable, expression: Node) -> str:
    left, right = sides(Equation(target, expression))
    return f"{pretty(left)} = {pretty(right)}"


_TEXTS = AlikeText(_written, subscript)


pretty_formula = AlikeText(pretty, subscript)
"""What writes a formula in Unicode."""
