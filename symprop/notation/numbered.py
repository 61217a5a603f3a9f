"""Equations that are alike are printed once: the second time only the numbers in names are put in."""

from __future__ import annotations

from sympy import Integer, Tuple

from symprop.algebra.alike import MOST, Common, pattern, renumbered
from symprop.algebra.equations import Equation
from symprop.notation.pretty import pretty, subscript
from symprop.notation.stacks import sides

MARK = 987_000_001
"""Numbers from this one on stand in a template for those of an equation: no layer has so many before it."""

_TEMPLATES: dict[Common, str] = {}


def pretty_equation(equation: Equation) -> str:
    """Return an equation in Unicode.

    >>> import symprop
    >>> derivation = symprop.derive("Input(2) >> Repeat(Dense(2) >> Tanh(), 9) >> MeanSquaredError()")
    >>> [derivation.equation(name).pretty() for name in ("z3", "z7")]
    ['z₃ = W₃ a₂ + b₃', 'z₇ = W₇ a₆ + b₇']
    """
    common, numbers = pattern(equation.target, equation.expression)
    template = _TEMPLATES.get(common)
    if template is None:
        written = _written(equation)
        template = _template(equation, numbers)
        if _filled(template, numbers) != written:  # a number stands in it in another way
            return written
        if len(_TEMPLATES) >= MOST:
            _TEMPLATES.clear()
        _TEMPLATES[common] = template
    return _filled(template, numbers)


def _written(equation: Equation) -> str:
    left, right = sides(equation)
    return f"{pretty(left)} = {pretty(right)}"


def _template(equation: Equation, numbers: tuple[Tuple, ...]) -> str:
    """Return the equation printed with a mark in the place of each number."""
    marks = iter(range(MARK, MARK + sum(map(len, numbers))))
    marked = {number: Tuple(*(Integer(next(marks)) for _ in number)) for number in numbers}
    index = equation.target.args[1]
    target = equation.target.change(index=marked.get(index, index))
    return _written(Equation(target, renumbered(equation.expression, marked, {})))


def _filled(template: str, numbers: tuple[Tuple, ...]) -> str:
    """Return a template with numbers in the place of its marks."""
    for mark, index in enumerate((index for number in numbers for index in number), start=MARK):
        template = template.replace(subscript(str(mark)), subscript(str(index)))
    return template
