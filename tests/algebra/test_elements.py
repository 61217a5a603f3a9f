"""The index meaning, against values written out by hand and against NumPy for every sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.elements import element, elements
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.trees import variables
from symprop.errors import ShapeError
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import counted
from tests.samples import IDS, WITH_ELEMENTS


def real(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, real=True)


def test_a_leaf_is_one_symbol_for_each_element() -> None:
    W = variable("W1", (3, 4))
    assert element(W, (0, 2)) == real("W1[0,2]")
    assert element(variable("c"), ()) == real("c")
    assert element(variable("y", (2,), (Fact("nonnegative"),)), (1,)).is_nonnegative


def test_an_index_of_another_rank_is_refused() -> None:
    with pytest.raises(ShapeError, match="shape"):
        element(variable("W1", (3, 4)), (0,))


def test_symbolic_sizes_have_no_array_of_elements() -> None:
    with pytest.raises(ShapeError, match="numbers"):
        elements(variable("x", ("n",)))


def test_a_sum_over_a_symbolic_size_stays_a_sum() -> None:
    size = sympy.Symbol("n", integer=True, positive=True)
    i = sympy.Symbol("i", integer=True)
    W, x = variable("W", (3, size)), variable("x", (size,))
    result = element(W @ x, (i,))
    assert isinstance(result, sympy.Sum)
    assert result.limits[0][1:] == (0, size - 1)
    softmax = element(n.Softmax(x), (i,))
    assert isinstance(sympy.denom(softmax), sympy.Sum)


def test_two_sums_have_two_indices() -> None:
    size = sympy.Symbol("n", integer=True, positive=True)
    A, B, x = variable("A", (2, size)), variable("B", (size, size)), variable("x", (size,))
    double = element(A @ (B @ x), (0,))
    assert len(double.atoms(sympy.Sum)) == 2
    assert double.free_symbols & set(sympy.symbols("k1 k2", integer=True)) == set()


def test_broadcasting_repeats_an_axis_of_length_one() -> None:
    A, row = variable("A", (2, 3)), variable("row", (1, 3))
    assert element(A + row, (1, 2)) == real("A[1,2]") + real("row[0,2]")


def test_unknown_ids_choose_by_a_kronecker_delta() -> None:
    table, ids = variable("E", (2, 1)), variable("ids", (1,), (Fact("index", 2),))
    chosen = sympy.Symbol("ids[0]", integer=True, nonnegative=True)
    expected = sum(sympy.KroneckerDelta(chosen, k) * real(f"E[{k},0]") for k in range(2))
    assert sympy.expand(element(n.Take(table, ids), (0, 0)) - expected) == 0


def test_known_ids_choose_a_row() -> None:
    table, ids = variable("E", (3, 2)), variable("ids", (2,), (Fact("index", 3),))
    assert element(n.Take(table, ids), (0, 1), {"ids": [2, 0]}) == real("E[2,1]")


def test_a_map_is_written_in_plain_sympy() -> None:
    x = real("x")
    assert element(FUNCTIONS["sigmoid"](variable("x")), ()) == 1 / (1 + sympy.exp(-x))


def test_a_pullback_is_the_sum_over_derivatives() -> None:
    W, x, g = variable("W", (2, 2)), variable("x", (2,)), variable("g", (2,))
    found = element(n.Pullback(g, W @ x, W), (1, 0))
    assert found == real("g[1]") * real("x[0]")


@pytest.mark.parametrize("kind", WITH_ELEMENTS)
def test_elements_have_the_value_that_the_interpreter_gives(kind: type[Node], random: np.random.Generator) -> None:
    for node in WITH_ELEMENTS[kind]:
        values: dict[str, Any] = {}
        for leaf in variables(node):
            shape = tuple(int(size) for size in leaf.shape)
            drawn = random.uniform(0.1, 0.9, shape) if leaf.facts else random.standard_normal(shape)
            values[leaf.name] = np.asarray(IDS[leaf.name]) if leaf.name in IDS else drawn
        written = elements(node, values)
        numbers = np.asarray([complex(entry) for entry in written.ravel()]).reshape(written.shape)
        assert_rounded(numbers, counted(node, values))


def test_a_pushforward_is_the_derivative_along_a_direction() -> None:
    x, v, u = (variable(name, (2,)) for name in "xvu")
    found = elements(n.Pushforward(x * x * u, x, v), {"v": [7, 11], "u": [2, 13]})
    assert found.tolist() == [2 * 7 * 2 * real("x[0]"), 2 * 11 * 13 * real("x[1]")]


def test_what_is_differentiated_by_is_a_variable_without_a_value() -> None:
    x, v = variable("x", (2,)), variable("v", (2,))
    for make in (lambda by: n.Pushforward(x * x, by, v), lambda by: n.Pullback(v, x * x, by)):
        with pytest.raises(ShapeError, match=r"no derivative with respect to x \+ v"):
            elements(make(x + v))
        with pytest.raises(ShapeError, match="variable without a value"):
            elements(make(x), {"x": [3, 5]})


def test_the_first_of_the_largest_is_told_at_a_number_alone() -> None:
    assert element(n.First(variable("x", (2,)), 0), (1,)).subs({real("x[0]"): 1, real("x[1]"): 1}) == 0
    with pytest.raises(ShapeError, match="give the index a number first"):
        element(n.First(variable("x", (2,)), 0), (sympy.Symbol("i", integer=True),))


MOVED = {
    "flip": lambda a: n.Flip(a, 0),
    "part": lambda a: n.Slice(a, 1, 1, 3),
    "part and axis": lambda a: n.Expand(n.Slice(a, 0, 1, 2), 0),
    "transpose": lambda a: n.Transpose(a, (1, 0)),
    "diagonal": n.Diagonal,
    "pad": lambda a: n.Pad(a, (0,), ((1, 2),)),
    "windows": lambda a: n.Window(a, (0,), (2,)),
}


@pytest.mark.parametrize("kind", MOVED)
def test_what_a_map_of_indices_says_in_brackets_is_what_numpy_selects(kind: str) -> None:
    array = np.arange(9.0).reshape(3, 3)
    node = MOVED[kind](variable("a", (3, 3)))
    outer = node.operands[0]
    inside = node.index_map.subscripts(str)
    assert (inside is None) == (kind in {"transpose", "diagonal", "pad", "windows"})
    if inside is not None:
        before = array if isinstance(outer, Variable) else array[1:2]
        assert np.array_equal(eval(f"a[{inside}]", {"a": before}), elements(node, {"a": array}).astype(float))
