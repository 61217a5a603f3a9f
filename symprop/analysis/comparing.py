"""How a derivation reaches the comparison of formulas, which stands further right: entered in `COMPARE` from there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

COMPARE: list[Callable[[Any, str, Any], Any]] = []


class Comparable:
    """A derivation: what lines of one's own are compared with."""

    __slots__ = ()

    def compare(self, of: str, line: Any) -> Any:
        """Compare a line of one's own derivation with what this one says of a quantity; return a `Comparison`.

        `of` is what the derivation names (`delta1`, `dW1` or `dL/dW1`, `a1`, a Jacobian `da2/dz1`); `line` is a text
        over its names, or anything else that `compare` takes. Names may stand for themselves or be written out.

        >>> from symprop import derive
        >>> d = derive("Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()")
        >>> print(d.compare("delta1", "(W2.T @ delta2) * (1 - a1**2)"))
        equal: identical after simplification
        >>> print(d.compare("dW2", "outer(y - p, a1)").message.splitlines()[0])
        not equal: the line is minus dW2

        Raises:
            FormulaError: no such quantity or name; the nearest is told.
            ShapeError: arrays that do not fit.
            LimitError: an array of more than 2,000 elements.
        """
        if not COMPARE:
            importlib.import_module("symprop.formulas.compare.of_derivation")
        return COMPARE[0](self, of, line)
