"""The box "mine": a line of one's own, as text or LaTeX, compared with what the page derives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from symprop.algebra.latex.tokens import is_latex
from symprop.algebra.reading.statements import statements
from symprop.analysis.derivation import Derivation
from symprop.errors import SpecError, SympropError, listed, shown
from symprop.formulas.answer import Answer
from symprop.formulas.compare.compare import compare
from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.of_derivation import compare_line
from symprop.formulas.compare.quantities import plain_name
from symprop.server.asked import Asked, Misplaced
from symprop.server.fragments import compared_parts

_EQUALS = re.compile(r"(?<![=<>!:])=(?!=)")
_CLOSED = {"(": ")", "[": "]", "{": "}"}


def named_line(mine: str) -> tuple[str, str]:
    r"""Return the name in front of the first sign of equality outside of brackets, "" for none, and the line.

    >>> named_line("delta1 = W2.T @ delta2"), named_line("sum(X, axis=0)")
    (('delta1', 'W2.T @ delta2'), ('', 'sum(X, axis=0)'))
    >>> named_line(r"\frac{\partial L}{\partial W_1} = \delta_1 x^\top")[1]
    '\\delta_1 x^\\top'
    """
    depth = 0
    for place, sign in enumerate(mine):
        depth += (sign in _CLOSED) - (sign in _CLOSED.values())
        if sign == "=" and not depth and _EQUALS.match(mine, place):
            return mine[:place].strip(), mine[place + 1 :].strip()
    return "", mine.strip()


def with_derivation(derivation: Derivation, asked: Asked) -> dict[str, Any]:
    """Compare a line such as `delta1 = ...` with the quantity of a network that stands in front.

    Raises:
        Misplaced: no name in front, a name that the network does not have, or a line that cannot be read.
    """
    name, line = named_line(asked.mine)
    if not name:
        raise Misplaced("mine", SpecError("which quantity is it?\nallowed: its name in front, as in delta1 = ..."))
    return _told(lambda: compare_line(derivation, name, line))


def with_answers(answers: Sequence[Answer], asked: Asked) -> dict[str, Any]:
    """Compare a line with an answer; where there are several the variable stands in front, `dx = ...`.

    Raises:
        Misplaced: it is not said which answer is meant, or a line that cannot be read.
    """
    name, line = named_line(asked.mine)
    by_name = {answer.result.by[0].name: answer for answer in answers}
    of = plain_name(name).rpartition("/")[2].removeprefix("d")
    chosen = answers[0] if len(answers) == 1 else by_name.get(of)
    if chosen is None:
        told = f"the page has no {shown(name)}" if name else "which derivative is it?"
        raise Misplaced("mine", SpecError(f"{told}\nallowed: {listed(f'd{each} = ...' for each in by_name)}"))
    own = [f"{each.name} = {each.text}" for each in statements(chosen.result.formula.source)[:-1]]
    return _told(lambda: compare(chosen, line if is_latex(line) else "; ".join([*own, line])))


def _told(work: Any) -> dict[str, Any]:
    try:
        found: Comparison = work()
    except SympropError as problem:
        raise Misplaced("mine", problem) from None
    return compared_parts(found)
