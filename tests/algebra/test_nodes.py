"""Nodes are SymPy expressions with shapes: construction, equality, replacement, limits."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra import roles
from symprop.algebra.alike import AlikeText, renumbered
from symprop.algebra.known import known, values_of
from symprop.algebra.names import adjoint_of, gradient_of, size_symbol, variable
from symprop.algebra.nodes import Node, as_node
from symprop.algebra.table import Table
from symprop.algebra.trees import replace, variables, walk
from symprop.errors import FormulaError, LimitError, ShapeError, SymbolNameError
from tests.samples import SAMPLES

W, x, b = variable("W1", (3, 4)), variable("x", (4,)), variable("b1", (3,))


def test_nodes_are_values() -> None:
    assert W @ x + b == W @ x + b
    assert hash(W @ x) == hash(W @ x)
    assert (W @ x).xreplace({x: variable("u", (4,))}) == W @ variable("u", (4,))
    assert {W, x} <= (W @ x).free_symbols
    assert pickle.loads(pickle.dumps(W @ x + b)) == W @ x + b
    assert str(sympy.latex(W @ x)) == (W @ x).latex()


def test_a_renumbered_formula_is_the_one_that_is_built() -> None:
    for sample in chain.from_iterable(SAMPLES.values()):
        arrays = variables(sample)

        def built(number: Callable[[int], int], arrays: Sequence[Node] = arrays, sample: Node = sample) -> Node:
            named = {each: each.change(index=(number(place),)) for place, each in enumerate(arrays)}
            return replace(sample, named)

        first, second, together = built(lambda place: place), built(lambda place: place + 10), built(lambda place: 7)
        found = renumbered(first, {(place,): (place + 10,) for place in range(len(arrays))})
        assert found == second, sample
        assert (hash(found), found.shape, found.weight) == (hash(second), second.shape, second.weight), sample
        assert variables(found) == variables(second), sample
        assert [part.args for part in walk(found)] == [part.args for part in walk(second)], sample  # made now
        assert renumbered(first, {(place,): (7,) for place in range(len(arrays))}) == together, sample
        assert len(arrays) < 2 or first != together, sample


def test_numbers_and_sizes_stand_on_either_side() -> None:
    m = size_symbol("m")
    assert (2 * x).shape == (x * 2).shape == (x / m).shape == (sympy.Rational(1, 3) * x).shape == (m * x).shape
    assert (1 - x).shape == (4,)
    with pytest.raises(FormulaError):
        as_node("x")
    with pytest.raises(FormulaError):
        as_node(True)


def test_shapes_are_checked_when_a_node_is_made() -> None:
    with pytest.raises(ShapeError, match=r"\(3, 4\) and \(3,\)"):
        W @ b
    with pytest.raises(ShapeError, match="do not broadcast"):
        x + b
    with pytest.raises(ShapeError):
        (W @ x).xreplace({x: b})
    with pytest.raises(ShapeError, match="reshape"):
        n.Reshape(x, (3,))
    with pytest.raises(FormulaError, match="axis 1 does not exist"):
        n.Expand(x, 1).xreplace({x: variable("s")})
    with pytest.raises(ShapeError, match=r"a tangent of shape \(3,\) for an array of shape \(4,\)"):
        n.Pushforward(x * x, x, b)


def test_a_series_is_replaced_as_a_whole_and_in_its_terms() -> None:
    k, count = size_symbol("k"), size_symbol("n")
    series, u = n.BlockSum(n.Multiply(n.Scalar(k), x), k, count), variable("u", (4,))
    assert (series + x).xreplace({series: u}) == u + x
    assert series.xreplace({x: u, k: count}) == n.BlockSum(n.Multiply(n.Scalar(k), u), k, count)


def test_a_list_of_numbers_has_values_where_its_length_is_a_number() -> None:
    first = known("e", (size_symbol("n"),), lambda i: sympy.Eq(i, 0))
    assert values_of(first) is None and values_of(known("r", (3,), lambda i: i)) is None
    assert values_of(first.xreplace({size_symbol("n"): sympy.Integer(3)})) == (1, 0, 0)


def test_a_table_has_one_row_for_a_kind_and_says_which_it_lacks() -> None:
    table = Table("size")
    table.row(int)(abs)
    with pytest.raises(LookupError, match="table 'size' has two rows for int"):
        table.row(int)(abs)
    with pytest.raises(LookupError, match="table 'size' has no row for str"):
        table("text")


def test_a_text_that_shows_a_number_in_another_way_is_written_for_each() -> None:
    counted = AlikeText(lambda node: f"{node.name} has {len(node.name)} characters")
    for number, length in ((1, 2), (10, 3), (7, 2), (100, 4)):
        assert counted(x.change(index=(number,))) == f"x{number} has {length} characters"


def test_symbolic_sizes_fit_when_they_are_equal() -> None:
    k = size_symbol("k")
    assert (variable("u", (2 * k,)) + variable("v", (k + k,))).shape == (2 * k,)
    with pytest.raises(ShapeError):
        variable("u", (k,)) + variable("v", (size_symbol("j"),))


def test_names_are_letter_and_index() -> None:
    assert (W.letter, W.index, W.name) == ("W", (1,), "W1")
    assert gradient_of(W).name == "dW1"
    assert W.change(index=(size_symbol("l") + 1,)).name == "W[l + 1]"
    assert W.change(mark=2).name == "W1_2"
    for name in ("lambda", "np", "1a", "a b", "ﬁlter", "x" * 33, ""):
        with pytest.raises(SymbolNameError):
            variable(name)


@pytest.mark.parametrize(
    "make",
    [
        lambda text: x**text,
        lambda text: n.Scalar(text),
        lambda text: n.Fill(text, (2,)),
        lambda text: n.Fill(0, (text,)),
        lambda text: n.Identity(text),
        lambda text: n.Reshape(x, (text, 2)),
        lambda text: n.OneHot(x, text),
        lambda text: variable("u", ([text],)),
    ],
)
def test_text_is_never_read_as_a_number(make: Callable[[str], Node], tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    with pytest.raises(FormulaError, match="expected a number"):
        make(f"__import__('pathlib').Path({str(witness)!r}).touch()")
    assert not witness.exists()


def test_variables_come_in_order_of_appearance() -> None:
    assert [each.name for each in variables(W @ x + b + x.T @ x)] == ["W1", "x", "b1"]
    assert replace(W @ x, {x: variable("u", (4,))}) == W @ variable("u", (4,))


def test_a_formula_that_doubles_stops_at_a_limit() -> None:
    s: Node = x
    with pytest.raises(LimitError, match="1,000,000 nodes"):
        for _ in range(64):
            s = s * s


def test_a_name_has_as_many_indices_as_it_needs() -> None:
    block, t = (sympy.Symbol(name, integer=True, positive=True) for name in "lt")
    written = {
        (block, t): ("h[l, t]", "h⁽ˡ⁾ₜ", "h_t^{(l)}"),
        (block, t - 1): ("h[l, t - 1]", "h⁽ˡ⁾ₜ₋₁", "h_{t-1}^{(l)}"),
        (1, t): ("h1[t]", "h⁽¹⁾ₜ", "h_t^{(1)}"),
        (1, 2): ("h1[2]", "h⁽¹⁾₂", "h_2^{(1)}"),
    }
    for index, names in written.items():
        h = n.Variable("h", index, (3,))
        assert (h.name, h.pretty(), h.latex()) == names
        assert gradient_of(h).name == f"d{names[0]}"


def test_no_letter_decides_what_a_variable_is() -> None:
    u = n.Variable("u", (1,), (3,), (), 1, roles.PRE_ACTIVATION)
    assert adjoint_of(u).name == "delta1" and adjoint_of(u).role == roles.DELTA
    z = n.Variable("z", (1,), (3,))
    assert adjoint_of(z) == gradient_of(z)
