"""Formulas of one node each, by which the rows of the tables are proved: each rank that a row tells apart.

Their sizes have names. Those of the page of rules (`docs/rule_examples.py`) come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import sympy
from rule_examples import BY_ALGORITHM, EXAMPLES

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable

MORE = {
    "A + x": "A: m n, x: n",
    "A + x[:, None]": "A: m n, x: m",
    "A * x": "A: m n, x: n",
    "A * c": "A: m n, c:",
    "A * X": "A: m n, X: 1 n",
    "x**-1": "x: n positive",
    "sqrt(x)": "x: n positive",
    "A**2": "A: m n",
    "u @ B": "u: n, B: n r",
    "P @ Q": "P: b m n, Q: b n r",
    "P @ B": "P: b m n, B: n r",
    "A @ Q": "A: m n, Q: b n r",
    "P @ w": "P: b m n, w: n",
    "u @ P": "u: m, P: b m n",
    "transpose(P, (2, 0, 1))": "P: b m n",
    "sum(P, axis=(0, 2))": "P: b m n",
    "sum(A, axis=1, keepdims=True)": "A: m n",
    "A[:, None, :]": "A: m n",
    "reshape(x, (m, n))": "x: m*n, A: m n",
    "reshape(P, (m * n, r))": "P: m n r",
    "where(C > 0, A, x)": "C: m n, A: m n, x: n",
    "maximum(A, x)": "A: m n, x: n",
    "softmax(A, axis=0)": "A: m n",
    "softmax(P, axis=-1)": "P: b m n",
    "logsumexp(A, axis=0)": "A: m n",
    "logsumexp(A, axis=1, keepdims=True)": "A: m n",
    "x[t]": "x: n, t: m index n",
    "scatter_add(x, t, v)": "x: m, t: m index v",
    "prod(A, axis=1, keepdims=True)": "A: m n positive",
    "max(A, axis=0)": "A: m n",
    "min(A, axis=1, keepdims=True)": "A: m n",
    "concatenate((A, B, C), axis=1)": "A: m n, B: m r, C: m s",
    "A[:, 1:n]": "A: m n",
    "x[k:n]": "x: n + k, y: k",
    "pad(A, ((1, 2), (0, k)))": "A: m n, y: k",
    "flip(A, axis=0)": "A: m n",
    "sliding_window_view(A, (k, 2), axis=(0, 1))": "A: m + k n + 2, y: k",
    "fold(X, 3, axis=0, length=2 * n + 1, stride=2)": "X: n 3",
}
"""More formulas, with what they declare."""


@dataclass(frozen=True)
class Statement:
    """A row of the pullback and one of the pushforward table, at one operand of a formula."""

    kind: type[Node]
    node: Node
    position: int
    least: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind.__name__}: {self.node.text()} to {self.node.operands[self.position].text()}"


def statements() -> Iterator[Statement]:
    """Yield each operand of each formula through which something flows."""
    for node in nodes():
        for position, operand in enumerate(node.operands):
            order = position == 0 and "polygamma" in node.text()  # a whole number, along which there is no slope
            if isinstance(operand, Variable) and "index" not in operand.facts_by_kind and not order:
                yield Statement(type(node), node, position, {"n": 3} if isinstance(node, n.Slice) else {})


def nodes() -> Iterator[Node]:
    """Yield formulas of one node each."""
    for examples in (*EXAMPLES.values(), *BY_ALGORITHM.values()):
        yield from (example.node for example in examples)
    yield from (symprop.formula(text, where).node for text, where in MORE.items())
    for function in FUNCTIONS.values():
        yield function(*(Variable(name, (), (SIZE,)) for name in "xyz"[: len(function.parameters)]))
    for power in (POWER, -POWER):
        yield n.MatrixPower(Variable("A", (), (SIZE, SIZE)), power)


SIZE, POWER = (sympy.Symbol(name, integer=True, positive=True) for name in "nk")
