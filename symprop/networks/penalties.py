"""Penalties: what is added to a loss whatever the example."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from sympy import Expr, Integer, Rational

from symprop.algebra.equations import loops_in
from symprop.algebra.functions import FUNCTIONS, exact
from symprop.algebra.nodes import BlockSum, Multiply, Node, Power, Scalar, Sum, Variable
from symprop.algebra.trees import added
from symprop.errors import SpecError, listed, shown
from symprop.keywords import Checked
from symprop.networks.builder import Builder
from symprop.networks.sizes import check_number

_PATTERN = re.compile(r"[A-Za-z*][A-Za-z0-9_*]{0,31}")


@dataclass(frozen=True)
class Penalty(Checked):
    """Abstract base of penalties: `coefficient` times a sum over all weight matrices, or over what `on` names.

    `on` holds names of parameters with blanks between them, `*` standing for any characters: "W1 W3", "W*", "b*".
    Biases, embeddings and norms are only in it where they are named.
    """

    coefficient: Any
    _: KW_ONLY
    on: str | None = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        check_number(self.coefficient, f"{name}: the coefficient", 0, 10**9)
        patterns = self.on.split() if isinstance(self.on, str) else []
        if self.on is not None and not (patterns and all(map(_PATTERN.fullmatch, patterns))):
            raise SpecError(
                f'{name}: on={shown(self.on)} names no parameters\nallowed: names such as on="W1 W3", with * as in "W*"'
            )

    @property
    def text(self) -> str:
        """The penalty as it is typed."""
        return (
            f"{type(self).__name__}({self.coefficient}{'' if self.on is None else f', on={chr(34)}{self.on}{chr(34)}'})"
        )

    factor: ClassVar[Expr] = Integer(1)
    """What stands beside the coefficient."""

    def of(self, weight: Variable) -> Node:
        """Return the term of one parameter, without the coefficient."""
        raise NotImplementedError

    def value(self, builder: Builder) -> Node:
        """Return the penalty for the parameters so far."""
        terms = [_over_blocks(self.of(weight), weight, builder) for weight in self._chosen(builder)]
        return Multiply(Scalar(exact(self.coefficient) * self.factor), added(terms))

    def _chosen(self, builder: Builder) -> list[Variable]:
        parameters = builder.books.parameters
        if self.on is None:
            weights = [parameter.variable for parameter in parameters if parameter.kind == "weight"]
            if not weights:
                raise SpecError(f"{self.text}: the network has no weights that it could keep small")
            return weights
        names, found = [parameter.name for parameter in parameters], set()
        for pattern in self.on.split():
            matched = {name for name in names if fnmatchcase(name, pattern)}
            if not matched:
                raise SpecError(
                    f"{self.text}: no parameter is called {shown(pattern)}\nthe network has {listed(names)}"
                )
            found |= matched
        return [parameter.variable for parameter in parameters if parameter.name in found]


class L1(Penalty):
    """`coefficient` times the sum of the magnitudes of all weight matrices; the derivative of `|w|` at 0 is 0.

    >>> from symprop import MeanSquaredError
    >>> (MeanSquaredError() + L1(0.001, on="W1")).text
    'MeanSquaredError() + L1(0.001, on="W1")'

    Raises:
        SpecError: a coefficient that is no number from 0 on, or nothing that it could keep small.
    """

    def of(self, weight: Variable) -> Node:
        return Sum(FUNCTIONS["abs"](weight))


class L2(Penalty):
    """Half of `coefficient` times the sum of the squares of all weight matrices; not of biases and embeddings.

    >>> from symprop import MeanSquaredError
    >>> (MeanSquaredError() + L2(0.001)).text
    'MeanSquaredError() + L2(0.001)'

    Raises:
        SpecError: a coefficient that is no number from 0 on, or nothing that it could keep small.
    """

    factor: ClassVar[Expr] = Rational(1, 2)

    def of(self, weight: Variable) -> Node:
        return Sum(Power(weight, 2))


def _over_blocks(square: Node, weight: Variable, builder: Builder) -> Node:
    """Return the term of a weight, summed over the blocks where each block of a loop has one."""
    for loop in reversed(list(loops_in(builder.items))):  # the innermost first
        if loop.index in weight.free_symbols:
            square = BlockSum(square, loop.index, loop.count)
    return square
