"""Attention on pages: an equation for each head, read back; no sign that moves heads, in no step of any derivation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from latex_meaning import Meaning
from latex_reader import at_places, name_of

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.notation.terminal import UNICODE
from symprop.verify.evaluate import complex_value

LIMIT = 1e-12
"""Relative to the largest element, or to 1, as of terms that cancel: 1e-16 in each of some dozens of operations."""
BATCH = 2
HEADS = "Input(4, 6) >> Dense(6) >> Attention(3, causal=True) >> MeanSquaredError()"
GROUPS = "Input(3, 8) >> Dense(8) >> Attention(4, kv_heads=2, rope=True) >> MeanSquaredError()"
SHARED = "Input(3, 6) >> Attention(3, kv_heads=1, bias=False) >> Dense(2) >> MeanSquaredError()"
ONE = 'Input(3, 4) >> Tanh() >> Attention(1, memory=Input(2, 4, name="memory")) >> MeanSquaredError()'
AXES = {HEADS: ((3,), (3,)), GROUPS: ((2, 2), (2,)), SHARED: ((3,), ()), ONE: ((), ())}
"""The axes of heads of queries, and of keys and values, as a page counts them."""
MOVES = re.compile(r"vec\(|mat\[|transpose\(|\[:|\{|\}")


def by_heads(letter: str, array: Any, network: str, batch: bool) -> Any:
    """What a page's convention makes of an array: its matrices for each head, the rows or columns of a weight."""
    queries, keys = AXES[network]
    if letter in ("Wo", "bo", "y", "x"):
        if letter != "Wo":
            return array
        return np.moveaxis(array.reshape(array.shape[0], *queries, -1), 0, len(queries))
    axes = keys if letter[-1:] in "kv" or letter[:1] in "kv" else queries
    if re.fullmatch("[Wb][qkv]", letter):
        return array.reshape(*axes, -1, *array.shape[1:])
    if letter in ("q", "k", "v", "q_rot", "k_rot", "s", "p", "o"):
        return array.reshape(*array.shape[:batch], *axes, *array.shape[-2:])
    return array


@pytest.mark.parametrize("layout", ["example", "rows"])
@pytest.mark.parametrize("network", AXES)
def test_every_equation_is_read_back_head_by_head(network: str, layout: str) -> None:
    derivation = symprop.derive(network, layout=layout)
    system, random = derivation.system, np.random.default_rng(3)
    sizes = {system.batch: BATCH} if system.batch is not None else {}
    given = (*system.inputs, *system.targets, *system.parameters)
    values = {each.name: random.normal(size=[int(size.subs(sizes)) for size in each.shape]) for each in given}
    named = {each.name: each for each in given}
    known = {part for each in derivation.equations for part in walk(each.expression) if isinstance(part, n.Known)}
    held = {part.name: np.real(complex_value(part, {}, {})) for part in known}
    for equation in derivation.equations:
        arrays = {
            name_of(each.latex()): by_heads(each.letter, values[name], network, bool(sizes))
            for name, each in named.items()
        }
        true = np.real(complex_value(equation.expression, values, sizes))
        expected = by_heads(equation.target.letter, true, network, bool(sizes))
        left, right = equation.latex().split(" = ", 1)
        written = at_places(left, right, name_of(equation.target.latex()))
        found = Meaning(arrays | held | ({"m": BATCH} if sizes else {})).evaluate(written, expected.shape)
        found, expected = (np.where(np.isneginf(each), 0.0, each) for each in (found, expected))  # what M hides
        assert np.max(np.abs(found - expected)) <= LIMIT * max(1.0, np.max(np.abs(expected))), equation.latex()
        values[equation.name], named[equation.name] = true, equation.target


BLOCK = (
    "Input(T) >> Embedding(V, n, flatten=False) >> Positions()"
    " >> Repeat(Residual(LayerNorm() >> Attention({}, bias=False)) >> Residual(LayerNorm() >> Dense(n)), N)"
    " >> ClassToken() >> Dense(V) >> SoftmaxCrossEntropy()"
)


def lines(derivation: Derivation) -> list[str]:
    """All that the page says of attention: equations and the formulas of their steps."""
    found = [UNICODE.equation(equation) for equation in derivation.equations]
    for equation in derivation.equations:
        if any(part.named for step in equation.steps[:1] for part in walk(step.before) if isinstance(part, n.Variable)):
            found += [UNICODE.in_place(equation)(step.after) for step in equation.steps]
    return found


@pytest.mark.parametrize("layout", ["example", "rows"])
@pytest.mark.parametrize("network", [*AXES, BLOCK.format("4, causal=True"), BLOCK.format("h, kv_heads=1")])
def test_no_sign_moves_heads(network: str, layout: str) -> None:
    written = lines(symprop.derive(network, layout=layout))
    assert "" not in written  # what has no place at a head
    assert [line for line in written if MOVES.search(line) and "cls" not in line] == []  # a token is a row of its own


def test_letters_give_way_to_sizes_of_their_name() -> None:
    derivation = symprop.derive("Input(T, n) >> Attention(h, causal=True) >> MeanSquaredError()")
    assert derivation.equation("o1").pretty() == "o₁,ⱼ = p₁,ⱼ v₁,ⱼ"
    assert derivation.equation("c1").latex() == r"c_1 = \sum_{j} o_{1,j} {W_{1,j}^{o}}^{\top} + b_1^{o}"


def test_the_page_says_once_what_letters_tell() -> None:
    page = " ".join(symprop.derive("Input(T, n) >> Attention(4, kv_heads=2) >> MeanSquaredError()").pretty().split())
    assert page.count("tells the") == 2
    assert "Wk₁[g] are the rows of Wk₁ for group g; Wq₁[g, h] are the rows of Wq₁ for head h of group g" in page
    assert "Wo₁[g, h] are the columns of Wo₁ for head h of group g" in page
    assert "d is the width of a head, n/4." in page
    assert "block i of" not in page
