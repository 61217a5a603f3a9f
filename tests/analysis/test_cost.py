"""The counts of the cost table against counting numbers: NumPy runs the formula and each operation is tallied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.nodes import NODE_KINDS
from symprop.algebra.reader import read_formula
from symprop.analysis.cost import leading
from symprop.analysis.flops import FLOPS, operations, summed
from symprop.codegen.case import case_of
from symprop.reports.costs import cost
from symprop.reports.subject import Subject


class Tally:
    """A number that counts the multiplications and additions it takes part in."""

    multiplications = additions = 0

    @classmethod
    def start(cls) -> None:
        cls.multiplications = cls.additions = 0

    def _multiplied(self, other: Any) -> Tally:
        Tally.multiplications += 1
        return self

    def _added(self, other: Any) -> Tally:
        Tally.additions += 1
        return self

    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _multiplied
    __add__ = __radd__ = __sub__ = __rsub__ = _added

    def conjugate(self) -> Tally:
        return self


SHAPES = {"W": (3, 4), "X": (5, 4), "D": (5, 3), "x": (4,), "b": (3,), "d": (3,), "a": (3,), "y": (3,)}
FORMULAS = [
    "W @ x",
    "W @ x + b",
    "X @ W.T + b",
    "D.T @ X",
    "outer(d, x)",
    "(a - y) * a * (1 - a)",
    "W.T @ d",
    "sum((a - y)**2) / 2",
    "sum(D, axis=0)",
    "a @ y",
    "2 * a * y",
    "a / y",
    "D - y",
    "x[:, None] * d",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_count_is_what_numpy_does(formula: str) -> None:
    counted = operations(read_formula(formula, SHAPES))
    arrays = {
        name: np.array([Tally() for _ in range(int(np.prod(shape)))]).reshape(shape) for name, shape in SHAPES.items()
    }
    Tally.start()
    eval(formula, {"sum": np.sum, "outer": np.outer, **arrays})  # a formula of this file, in NumPy's own notation
    assert (counted.multiplications, counted.additions) == (Tally.multiplications, Tally.additions)


def test_every_kind_of_node_has_a_row() -> None:
    assert [kind.__name__ for kind in NODE_KINDS if kind not in FLOPS] == []


def test_a_shared_part_is_counted_once() -> None:
    shared = read_formula("W @ x", SHAPES)
    assert operations(n.Multiply(shared, shared)).total == operations(shared).total + 3


def test_a_diagonal_or_identity_matrix_is_not_multiplied_out() -> None:
    W, d = symprop.variable("W", (3, 4)), symprop.variable("d", (3,))
    assert operations(n.MatMul(n.Diag(d), W)).total == 12
    assert operations(n.MatMul(n.Diag(d), n.Diag(d))).total == 3
    assert operations(n.MatMul(n.Identity(3), W)).total == 0


def test_powers_are_counted_by_repeated_squaring() -> None:
    x = symprop.variable("x", ("n",))
    size = x.shape[0]
    assert [operations(x**k).multiplications / size for k in (2, 3, 4, 5, 8, -1, -2)] == [1, 2, 2, 3, 3, 1, 2]
    assert operations(n.Power(x, sympy.Rational(1, 2))).functions == size


def test_a_change_of_sign_is_free() -> None:
    a, y = symprop.variable("a", (3,)), symprop.variable("y", (3,))
    assert operations(a - y).total == 3
    assert operations(-a).total == 0


def test_sums_of_general_sizes_meet_in_one_form() -> None:
    index, count = sympy.symbols("l L", integer=True, positive=True)
    width = sympy.Function("n")
    left = summed(width(index) * width(index + 1), index, sympy.Integer(1), count - 1)
    right = summed(width(index) * width(index - 1), index, sympy.Integer(2), count)
    assert left == right
    for blocks in (1, 2, 5):
        direct = sum((width(k) * width(k + 1) for k in range(1, blocks)), sympy.Integer(0))
        assert sympy.expand(left.subs(count, blocks).doit() - direct) == 0


@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
def test_the_table_adds_up(layout: str) -> None:
    found = symprop.derive(
        "Input(n0) >> Dense(n1) >> ReLU() >> Dense(n2) >> SoftmaxCrossEntropy()", layout=layout
    ).cost()
    assert sympy.expand(sum(row.operations.total for row in found.rows) - found.total) == 0
    assert leading(found.total) == found.leading
    assert f"leading     {found.leading}" in found.text().splitlines()


def test_memory_holds_what_the_backward_pass_reads_and_nothing_else() -> None:
    found = symprop.derive("Input(4) >> Dense(3) >> ReLU() >> Dense(2) >> SoftmaxCrossEntropy()").cost()
    assert dict(found.stored) == {"x": 4, "y": 2, "z1": 3, "a1": 3, "p": 2}
    assert found.memory == 14 + 2 * (15 + 8)


def test_convolutions_cost_what_papers_count() -> None:
    """By hand: a product for each pixel put out, element of the kernel, channel read and channel made."""
    network = (
        'Input(12, 10, 2) >> Conv2D(4, 3, padding="same") >> MaxPool2D(2) >> Conv2D(6, 3, groups=2) >> '
        "ConvTranspose2D(3, 2, stride=2) >> AveragePool2D(2) >> Dense(5) >> MeanSquaredError()"
    )
    rows = {row.name: row.operations for row in symprop.derive(network).cost().rows}
    forward = {"z1": 12 * 10 * 9 * 2 * 4, "z2": 4 * 3 * 9 * 2 * 6, "z3": 4 * 3 * 6 * 4 * 3, "z4": 4 * 3 * 3 * 5}
    assert {name: rows[name].multiplications for name in forward} == forward
    assert [rows[f"dW{layer}"].multiplications for layer in (1, 2, 3, 4)] == list(forward.values())
    assert rows["s1"].functions == 6 * 5 * 4 * 3 and rows["s2"].additions == 4 * 3 * 3 * 3
    subject = Subject(case_of(symprop.parse_network(network)))
    (said,) = [words for block in cost(subject) for words in [getattr(block, "words", ())] if "As papers" in str(words)]
    assert f"{sum(forward.values()):,}".replace(",", "{,}") in str(said) and "98.3 % of it" in str(said)
