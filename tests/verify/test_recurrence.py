"""The recurrence of a symbolic `Repeat`, put to numbers: the gradients of the unrolled network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra.equations import Equation, Item, Loop
from symprop.algebra.nodes import Node
from symprop.analysis.derivation import Derivation, derive
from symprop.codegen.case import Case
from symprop.networks import parse_network
from symprop.verify import check
from symprop.verify.page import run_page
from symprop.verify.points import random_points
from symprop.verify.recurrence import rows
from tests.rounding import assert_off, bound
from tests.rounding_of_formulas import counted_values, slopes_of

BLOCKS = (
    "Dense(3) >> Tanh()",
    "Residual(Dense(3) >> Tanh())",
    "Residual(Dense(4) >> ReLU() >> Dense(3))",
    "Dense(3, bias=False) >> Softplus() >> Residual(Dense(3) >> Sigmoid())",
)


def network(block: str, count: int | str, start: str) -> str:
    return f"Input(3) >> {start}Repeat({block}, {count}) >> Dense(2) >> SoftmaxCrossEntropy()"


def numbered(items: Iterable[Item], count: int, name: sympy.Symbol) -> Iterator[Equation]:
    """Yield the equations with the count a number, each loop written out; a base case stands for its own block."""
    for item in items:
        if isinstance(item, Equation):
            yield at(item, {name: count})
            continue
        base = {equation.name: equation for equation in (at(entry, {name: count}) for entry in item.base)}
        blocks = range(1, count + 1)
        for block in reversed(blocks) if item.backward else blocks:
            for equation in item.equations:
                moved = at(equation, {item.index: block, name: count})
                yield base.get(moved.name, moved)


def at(equation: Equation, values: dict[sympy.Symbol, int]) -> Equation:
    numbers = {symbol: sympy.Integer(value) for symbol, value in values.items()}

    def put(node: Node) -> Node:
        return node.xreplace(numbers)

    return Equation(put(equation.target), put(equation.expression))  # type: ignore[arg-type]


@pytest.mark.parametrize("start", ["", "Dense(3) >> Tanh() >> "])
@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_recurrence_gives_the_gradients_of_the_unrolled_network(block: str, count: int, start: str) -> None:
    general = derive(network(block, "L", start))
    name = next(item.count for item in general.system.items if isinstance(item, Loop))
    unrolled = parse_network(network(block, count, start)).system()
    point = random_points(unrolled, 3, 1, ["distribution"])[0]
    given = point.example(0)
    values = counted_values(numbered((*general.system.items, *general.backward), count, name), given)
    assert unrolled.loss is not None
    for parameter in unrolled.parameters:
        slope, off = slopes_of(unrolled.equations, unrolled.loss.name, parameter.name, given)
        found = values[f"d{parameter.name}"]
        assert_off(found.astype(float), slope, bound(found) + off, parameter.name)


PRINTED = (
    "Repeat(Dense(n) >> Tanh(), N)",
    "Repeat(ReLU() >> Dense(n), N)",
    "Dense(n) >> Repeat(Residual(Tanh() >> Dense(n)), N)",
    "Dense(n) >> Tanh() >> Repeat(Residual(ReLU() >> Dense(n) >> ReLU() >> Dense(n)), N)",
    "Repeat(Dense(n) >> Sigmoid() >> Dense(n) >> Tanh(), N)",
    "Repeat(Residual(Dense(n) >> Tanh()) >> Residual(Dense(n) >> SiLU()), N) >> Tanh()",
    "Repeat(Dense(n) >> GELU(), N) >> Repeat(Residual(Dense(h, bias=False) >> LeakyReLU() >> Dense(n)), K)",
    "Repeat(Dense(n) >> Softmax(), N) >> Residual(Dense(n) >> ELU())",
    "Repeat(Dense(n) >> Tanh(), N, tied=True)",
    'Dense(n) >> Repeat(Dense(n, tied="W1") >> Tanh(), N)',
    "Repeat(Repeat(Dense(n) >> Tanh(), K) >> Dense(n), N)",
    "Dense(n) >> Repeat(Residual(Repeat(Dense(n) >> Sigmoid(), K, tied=True)), N)",
    "Repeat(Repeat(Residual(Dense(n) >> Tanh()), K), N, tied=True)",
    "Repeat(Repeat(Dense(n) >> Tanh(), K, tied=True), N, tied=True)",
    "Dense(n) >> Repeat(Residual(Repeat(Residual(Dense(n) >> Tanh()), K) >> Dense(n)), N)",
    "Repeat(Repeat(Repeat(Dense(n) >> Tanh(), M), K) >> Dense(n), N)",
    "Repeat(Dense(h) >> Repeat(Dense(h) >> Tanh(), K) >> Dense(n), N) >> Repeat(Dense(n) >> Sigmoid(), J)",
)


@pytest.mark.parametrize(
    "end",
    [
        "MeanSquaredError()",
        "Dense(2) >> SoftmaxCrossEntropy() + L2(0.01)",
        "Residual(Dense(n)) >> Sigmoid() >> BinaryCrossEntropy()",
    ],
)
@pytest.mark.parametrize("middle", PRINTED)
def test_the_printed_page_gives_the_gradients_of_the_unrolled_network(middle: str, end: str) -> None:
    net = parse_network(f"Input(n) >> {middle} >> {end}")
    sizes = {"n": 3, "h": 4} if "Dense(h" in middle else {"n": 3}
    found = list(rows(Case(net), sizes, 0))
    assert len(found) == 3
    assert all(row.ok for row in found), found


def test_the_printed_page_of_transformer_blocks_runs_with_its_mask() -> None:
    first, second = "LayerNorm() >> Attention(2, causal=True)", "Attention(h, kv_heads=1, rope=True) >> Dense(n)"
    block = f"Residual({first}) >> Residual({second})"
    net = parse_network(f"Input(3, n) >> Dense(n) >> Repeat({block}, N) >> MeanSquaredError()")
    found = list(rows(Case(net), {"n": 4, "h": 2}, 0))  # a size is called like the sums of residual blocks
    assert len(found) == 3
    assert all(row.ok for row in found), found


def test_widths_may_vary_from_block_to_block() -> None:
    net = parse_network("Input(n_0) >> Repeat(Dense(n_l) >> Activation('x * sigmoid(x)'), L) >> MeanSquaredError()")
    found = list(rows(Case(net), {"n_0": 2, "n_1": 4, "n_2": 3, "n_3": 2}, 0))
    assert all(row.ok for row in found), found


def test_the_certificate_of_a_symbolic_repeat() -> None:
    result = check("Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), L) >> MeanSquaredError()", sizes={"n": 3, "L": 2})
    assert result.ok, result.table()
    names = [row.name for row in result.rows]
    assert names[:3] == ["recurrence, L = 1", "recurrence, L = 2", "recurrence, L = 3"]
    assert "all but the recurrence is checked for L = 2" in result.remarks


def replaced(old: str, new: str) -> Any:
    right = Derivation.text

    def wrong(derivation: Derivation) -> str:
        page = right(derivation)
        assert old in page
        return page.replace(old, new)

    return wrong


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if l < L: ", ""),
        ("if l < L", "if l < L - 1"),
        ("(1 - f[l] * f[l])", "(1 - f[l])"),
        ("W[l + 1].T", "W[l + 1]"),
        ("W[l + 1].T", "1.001 * W[l + 1].T"),
        ("+ da[l + 1]", "- da[l + 1]"),
        (" + da[l + 1]", ""),
        ("a[l - 1])", "a[l])"),
        ("delta, dW", "dW"),
    ],
)
def test_a_wrong_page_is_caught(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = parse_network("Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), L) >> Dense(2) >> MeanSquaredError()")
    monkeypatch.setattr(Derivation, "text", replaced(old, new))
    assert not all(row.ok for row in rows(Case(net), {}, 0))


def test_a_page_is_run_as_numpy_reads_it() -> None:
    page = "def f(t): return where(t > 0, t**2, -t)\nu = f(x) @ W.T - 1 / 2\ns = sum([sum(u) for l in range(1, 3)])"
    names = run_page(page, {"x": np.array([1.0, -2.0]), "W": np.eye(2)})
    assert names["u"].tolist() == [0.5, 1.5]
    assert names["s"] == 4.0
    with pytest.raises(LookupError, match="no page has import os"):
        run_page("import os", {})


@pytest.mark.parametrize(
    "text",
    [
        "Input(T, h) >> RNN(h) >> MeanSquaredError()",
        'Input(T, h) >> RNN(h, initial=Input(h, name="h0")) >> MeanSquaredError()',
        "Input(T, n) >> RNN(dh) >> MeanSquaredError()",
        'Input(T, 2) >> Bidirectional(Scan("h = (1 - r)*h_prev + r*tanh(W @ x)", h=2, r=0.25)) >> MeanSquaredError()',
        'Input(n) >> Repeat(Dense(n) >> Activation("x * r", r=0.5) >> LayerNorm(), L) >> MeanSquaredError()',
    ],
)
def test_no_name_of_a_number_is_a_table_of_the_page(text: str) -> None:
    """One name was the number and the table, so that the page could not run."""
    names = dict.fromkeys(symprop.parse_network(text).sizes, 2)
    found = symprop.check(text, sizes=names, float32=False)
    assert found.ok, found.table()
    tables = next(line for line in symprop.derive(text).text().splitlines() if line.endswith("{}"))
    assert {*tables.partition(" = ")[0].split(", ")}.isdisjoint({*names, "r"})
