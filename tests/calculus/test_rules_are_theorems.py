"""Every row of the pullback and the pushforward table is a theorem, proved here from the index meaning of the node.

For each sample node `f(x)` and each operand: the row's elements equal `sum_i g_i d f_i / d x_j` (pullback) or
`sum_j d f_i / d x_j u_j` (pushforward), where `sympy.diff` differentiates the elements. Both sides are rational or
transcendental expressions in the elements of the operands; they are compared in 50 digits at random rational points,
and exactly where the node is polynomial.
"""

from __future__ import annotations

import random
import zlib
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra.elements import Reader, elements
from symprop.algebra.nodes import NODE_KINDS, Node, Variable
from symprop.algebra.shapes import broadcast
from symprop.algebra.trees import variables
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.verify.element_checks import ScalarNumbers
from tests.samples import IDS, SAMPLES

LEAVES = tuple(kind for kind in NODE_KINDS if issubclass(kind, n.Leaf))
POLYNOMIAL = (n.Add, n.Multiply, n.MatMul, n.Outer, n.Transpose, n.Sum, n.Expand, n.Reshape, n.Diag, n.Diagonal)


def cases() -> list[Any]:
    return [
        pytest.param(node, position, id=f"{kind.__name__}-{number}-operand{position}")
        for kind in NODE_KINDS
        if kind not in LEAVES and not issubclass(kind, n.Decomposition)  # without elements: test_decompositions.py
        for number, node in enumerate(SAMPLES[kind])
        for position in range(len(node.operands))
    ]


def opened(node: Node, position: int) -> tuple[Node, Variable]:
    """Return the node with operand `position` alone replaced by a fresh variable, so that it varies by itself."""
    operand = node.operands[position]
    facts = operand.facts if isinstance(operand, Variable) else ()
    if isinstance(operand, n.Scalar) and operand.value.is_positive:
        facts = (n.Fact("nonnegative"),)
    place = Variable("operand", (), operand.shape, facts)
    operands = list(node.operands)
    operands[position] = place
    return node.with_operands(operands), place


def reader_for(*nodes: Node) -> Reader:
    names = {leaf.name for node in nodes for leaf in variables(node)}
    return Reader({name: values for name, values in IDS.items() if name in names})


def summed(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo broadcasting as the walker does: sum over the axes that `shape` does not have, or has with length 1."""
    values = values.sum(axis=tuple(range(values.ndim - len(shape)))) if values.ndim > len(shape) else values
    values = np.asarray(values, dtype=object)
    for axis, size in enumerate(shape):
        if size == 1 and values.shape[axis] != 1:
            values = values.sum(axis=axis, keepdims=True)
    return np.broadcast_to(values, shape)


def point_for(symbols: set[sympy.Symbol], key: str) -> dict[sympy.Basic, Any]:
    """Return random rationals for symbols: in (0, 1) where the symbol is declared nonnegative, else around 0.

    No two are equal: at a tie of `maximum` SymPy takes another of the slopes.
    """
    source = random.Random(zlib.crc32(key.encode()))
    values: dict[sympy.Basic, Any] = {}
    for place, symbol in enumerate(sorted(symbols, key=str)):
        number = source.randint(1, 96) if symbol.is_nonnegative else source.choice((-1, 1)) * source.randint(1, 250)
        values[symbol] = np.asarray(mpmath.mpf(number) / 97 + mpmath.mpf(place) / 100_003, dtype=object)
    return values


def assert_equal(found: np.ndarray, true: np.ndarray, exact: bool, key: str) -> None:
    assert found.shape == true.shape
    if exact:
        different = [(a, b) for a, b in zip(found.flat, true.flat, strict=True) if sympy.expand(a - b) != 0]
        assert not different, different[0]
        return
    symbols = {symbol for part in (*found.flat, *true.flat) for symbol in sympy.sympify(part).free_symbols}
    with mpmath.workdps(70):
        for trial in range(3):
            numbers = ScalarNumbers(point_for(symbols, f"{key} {trial}"))
            for a, b in zip(found.flat, true.flat, strict=True):
                left, right = numbers.of(sympy.sympify(a)), numbers.of(sympy.sympify(b))
                assert mpmath.isfinite(left)
                assert abs(left - right) <= mpmath.mpf("1e-50") * max(1, abs(right)), (a, b)


def jacobian(node: Node, place: Variable, reader: Reader) -> np.ndarray:
    """Return `d f_i / d x_j` by SymPy from the index meaning, axes of the node first."""
    outputs, inputs = elements(node, reader=reader), elements(place)
    slopes = [[sympy.diff(f, x) for x in inputs.ravel()] for f in outputs.ravel()]
    return np.asarray(slopes, dtype=object).reshape(outputs.size, inputs.size)


@pytest.mark.parametrize("kind", NODE_KINDS)
def test_every_kind_has_samples(kind: type[Node]) -> None:
    assert len(SAMPLES[kind]) >= 2
    assert all(type(node) is kind for node in SAMPLES[kind])


@pytest.mark.parametrize("kind", LEAVES)
def test_leaves_have_nothing_to_pull_back_to(kind: type[Node]) -> None:
    with pytest.raises(LookupError):
        PULLBACK(SAMPLES[kind][0], 0, n.Scalar(1))
    with pytest.raises(LookupError):
        PUSHFORWARD(SAMPLES[kind][0], 0, n.Scalar(1))


def test_the_rows_with_no_proof_below_are_the_leaves() -> None:
    assert {kind for kind in NODE_KINDS if not any(node.operands for node in SAMPLES[kind])} == set(LEAVES)


@pytest.mark.parametrize(("node", "position"), cases())
def test_pullback(node: Node, position: int) -> None:
    open_node, place = opened(node, position)
    if any(fact.kind == "index" for fact in place.facts):
        assert all(value == 0 for value in elements(PULLBACK(node, position, zero_like(node)), IDS).flat)
        return
    g = Variable("g", (), node.shape)
    reader = reader_for(open_node)
    flow = elements(PULLBACK(open_node, position, g), reader=reader)
    found = summed(flow, tuple(int(size) for size in place.shape))
    true = (elements(g).ravel()[:, None] * jacobian(open_node, place, reader)).sum(axis=0).reshape(found.shape)
    assert_equal(found, true, isinstance(node, POLYNOMIAL), f"{node!r} {position}")


@pytest.mark.parametrize(("node", "position"), cases())
def test_pushforward(node: Node, position: int) -> None:
    open_node, place = opened(node, position)
    if any(fact.kind == "index" for fact in place.facts):
        u = Variable("u", (), place.shape)
        assert all(value == 0 for value in elements(PUSHFORWARD(node, position, u), IDS).flat)
        return
    tangent = Variable("tangent", (), place.shape)
    reader = reader_for(open_node)
    flow = PUSHFORWARD(open_node, position, tangent)
    shape = tuple(int(size) for size in node.shape)
    assert broadcast(flow.shape, node.shape) == tuple(node.shape)
    found = np.broadcast_to(elements(flow, reader=reader), shape)
    true = (jacobian(open_node, place, reader) * elements(tangent).ravel()).sum(axis=1).reshape(shape)
    assert_equal(found, true, isinstance(node, POLYNOMIAL), f"{node!r} {position}")


@pytest.mark.parametrize(("node", "position"), cases())
def test_the_index_meaning_of_an_unfinished_pullback_is_the_same_sum(node: Node, position: int) -> None:
    """The definition used in this file and the row of `Pullback` in the element table say the same."""
    open_node, place = opened(node, position)
    if any(fact.kind == "index" for fact in place.facts) or node.rank > 2:
        return
    g = Variable("g", (), node.shape)
    reader = reader_for(open_node)
    found = elements(n.Pullback(g, open_node, place), reader=reader)
    true = (elements(g).ravel()[:, None] * jacobian(open_node, place, reader)).sum(axis=0).reshape(found.shape)
    assert [sympy.expand(a - b) for a, b in zip(found.flat, true.flat, strict=True)] == [0] * found.size


def zero_like(node: Node) -> Node:
    return n.Fill(1, node.shape) if node.shape else n.Scalar(1)
