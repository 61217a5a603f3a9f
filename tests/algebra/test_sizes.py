"""No shape holds a fraction, a negative number or a decimal one, wherever a size, an axis or an index is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy
from sympy import Rational

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.names import size_symbol
from symprop.algebra.reader import read_formula
from symprop.algebra.sizes import as_expression, axis_of, whole
from symprop.errors import SympropError

N, K = size_symbol("n"), size_symbol("k")
X, A, Y = variable("x", (3,)), variable("A", (2, 3)), variable("y", (N,))
NO_SIZE = (Rational(1, 2), Rational(-3), 0, -1, 0.5, 3.0, N / 2, -N, sympy.oo, sympy.pi, True, None)
NO_AXIS = (Rational(1, 2), 0.5, 1.0, 7, -7, N, True, "0")
SIZED: dict[str, Callable[[Any], Any]] = {
    "variable": lambda size: variable("z", (2, size)),
    "Reshape": lambda size: n.Reshape(X, (6, size)),
    "Reshape of as many elements": lambda size: n.Reshape(X, (3, size, 1 / as_expression(size))),
    "Fill": lambda size: n.Fill(1, (size,)),
    "Identity": n.Identity,
    "OneHot": lambda size: n.OneHot(X, size),
    "ScatterAdd": lambda size: n.ScatterAdd(X, X, size),
    "Commutation": lambda size: n.Commutation(size, 4),
    "Commutation's columns": lambda size: n.Commutation(2, size),
    "a declaration": lambda size: symprop.formula("z", z=(size,)),
    "a size of a formula": lambda size: read_formula("k * x", {"x": X}, sizes={"k": size}),
    "an input": lambda size: symprop.Input(size) >> symprop.Dense(2),
    "a layer": lambda size: symprop.Input(2) >> symprop.Dense(size),
}
PLACED: dict[str, Callable[[Any], Any]] = {
    "Sum": lambda axis: n.Sum(A, axis),
    "Sum over two": lambda axis: n.Sum(A, (0, axis)),
    "Product": lambda axis: n.Product(A, axis),
    "Extreme": lambda axis: n.Extreme(A, axis),
    "First": lambda axis: n.First(A, axis),
    "Softmax": lambda axis: n.Softmax(A, axis),
    "LogSumExp": lambda axis: n.LogSumExp(A, axis),
    "Expand": lambda axis: n.Expand(A, axis),
    "Concatenate": lambda axis: n.Concatenate(A, A, axis=axis),
    "Slice": lambda axis: n.Slice(A, axis, 0, 1),
    "Transpose": lambda axis: n.Transpose(A, (axis, 0)),
}


@pytest.mark.parametrize("place", SIZED)
@pytest.mark.parametrize("size", NO_SIZE, ids=str)
def test_what_is_no_size_is_refused_everywhere(place: str, size: Any) -> None:
    with pytest.raises(SympropError) as caught:
        SIZED[place](size)
    assert str(caught.value).count("\n") <= 2


@pytest.mark.parametrize("place", PLACED)
@pytest.mark.parametrize("axis", NO_AXIS, ids=str)
def test_what_is_no_axis_is_refused_everywhere(place: str, axis: Any) -> None:
    with pytest.raises(SympropError):
        PLACED[place](axis)


@pytest.mark.parametrize("place", (Rational(1, 2), 0.5, N / 2, True))
def test_what_is_no_place_or_count_is_refused(place: Any) -> None:
    for make in (
        lambda: n.Slice(Y, 0, place, N),
        lambda: n.Slice(Y, 0, 0, place),
        lambda: n.MatrixPower(variable("B", (2, 2)), place),
        lambda: n.BlockSum(Y, K, place),
    ):
        with pytest.raises(SympropError):
            make()


FORMULAS = (
    *("reshape(x, (6, 1/2))", "reshape(y, (n/2, 2))", "ones((1/2,))", "zeros((n/2, 2))", "full((-1,), 2)", "eye(n/2)"),
    *(
        "eye(-n)",
        "one_hot(i, 1/2)",
        "scatter_add(x, i, n/2)",
        "y[n/2]",
        "y[:n/2]",
        "y[1/2:]",
        "x[0.5]",
        "sum(x, axis=1/2)",
    ),
    *("commutation(n/2, 2)", "stack((x, x), axis=1/2)", "concatenate((x, x), axis=0.5)", "transpose(x, (1/2,))"),
    *("sum([x for k in range(n/2)], axis=0)", "sum([x for k in range(1/2)], axis=0)", "logsumexp(x, axis=0.5)"),
)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_says_where_a_size_is_none(text: str) -> None:
    with pytest.raises(SympropError) as caught:
        symprop.formula(text, x="3", y="n", i="3 index 3")
    assert "integer" in str(caught.value)
    assert "^" in str(caught.value)


def test_a_symbol_that_is_no_positive_integer_is_no_size() -> None:
    with pytest.raises(SympropError):
        variable("z", (sympy.Symbol("q"),))


def test_the_place_and_what_is_allowed_are_named() -> None:
    with pytest.raises(SympropError) as caught:
        n.Reshape(X, (6, Rational(1, 2)))
    message = "a size of an array is a positive integer, or an expression in sizes that is one, not 1/2"
    assert str(caught.value) == message


def test_fractions_that_cancel_are_sizes() -> None:
    assert n.Reshape(variable("y", (2 * N,)), (2 * N / 2, 2)).shape == (N, 2)
    assert symprop.formula("reshape(kron(A, B), (m * n / m * m, 4))", A="m 2", B="n 2").shape[1] == 4
    assert whole(N - 3, "a size", positive=True) == N - 3  # a condition on n, no fraction
    assert axis_of(-1, 3) == 2
    assert as_expression(Rational(1, 2)) == Rational(1, 2)
