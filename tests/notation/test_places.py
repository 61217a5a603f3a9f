"""Arrays of rank 3 and above are written by their matrices, and what is written has the values that NumPy gives."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import latex2mathml.converter
import numpy as np
import pytest
import samples
import sympy
from latex_meaning import Meaning
from latex_reader import at_places, name_of
from latex_tokens import Unreadable

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.equations import Equation, System
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables, walk
from symprop.calculus.walk import derive_system
from symprop.notation.latex import latex
from symprop.notation.places import Part
from symprop.notation.pretty import pretty
from symprop.notation.stacks import sides, stacked
from symprop.verify.evaluate import complex_value

LIMIT = 1e-12
"""Relative to the largest element: both sides round to 1e-16, a few dozen operations each."""
CALLS = re.compile(r"\b(transpose|reshape|scatter_add|scatter\\_add|expand|take|concatenate|broadcast)\b")
SIZES = {"m": 2, "T": 3, "n": 4, "h": 2, "d": 3}


def attention(batch: bool) -> System:
    """Self-attention with heads as equations, for one example or for a batch in rows."""
    m, length, width, heads, size = (sympy.Symbol(name, integer=True, positive=True) for name in SIZES)
    lead = (m,) if batch else ()
    order = (0, 2, 1, 3) if batch else (1, 0, 2)
    last = (0, 1, 3, 2) if batch else (0, 2, 1)
    x, y = variable("X", (*lead, length, width)), variable("Y", (*lead, length, width))
    weights = [variable(name, (heads * size, width)) for name in ("A", "B", "C")]
    out = variable("D", (width, heads * size))
    items: list[Equation] = []

    def named(name: str, node: Node) -> Variable:
        items.append(Equation(variable(name, node.shape), node))
        return items[-1].target

    q, k, v = (
        named(name, n.Transpose(n.Reshape(x @ weight.T, (*lead, length, heads, size)), order))
        for name, weight in zip("QKV", weights, strict=True)
    )
    p = named("P", n.Softmax(named("S", q @ n.Transpose(k, last) / n.Scalar(sympy.sqrt(size)))))
    joined = n.Reshape(n.Transpose(named("O", p @ v), order), (*lead, length, heads * size))
    z = named("Z", named("H", joined) @ out.T)
    loss = named("loss", n.Sum((z - y) ** 2) / 2)
    return System(tuple(items), (x,), (y,), (*weights, out), z, loss)


def attention_loss(arrays: dict[str, Any]) -> Any:
    """The same with NumPy's own operations, for one example or a batch; a loop over heads in place of axes."""
    x, size = arrays["X"], SIZES["d"]
    heads = []
    for at in range(SIZES["h"]):
        rows = slice(at * size, (at + 1) * size)
        q, k, v = (np.einsum("...tn,dn->...td", x, arrays[name][rows]) for name in "ABC")
        scores = np.exp(np.einsum("...td,...sd->...ts", q, k) / np.sqrt(size))
        heads.append(np.einsum("...ts,...sd->...td", scores / np.einsum("...ts->...t", scores)[..., None], v))
    z = np.einsum("...td,nd->...tn", np.concatenate(heads, axis=-1), arrays["D"])
    return ((z - arrays["Y"]) ** 2).sum() / 2


def lengths(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(int(size.subs({symbol: SIZES[symbol.name] for symbol in size.free_symbols})) for size in shape)


def values_of(given: tuple[Variable, ...], seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {each.name: random.normal(size=lengths(each.shape)) for each in given}


def error(found: Any, true: Any) -> float:
    return float(np.max(np.abs(found - true), initial=0.0) / max(np.max(np.abs(true), initial=0.0), 1e-300))


def convolution(batch: bool, dilation: int = 1) -> System:
    """Two convolutions, the first padded and the second in steps of two and dilated, with squares between them."""
    lead = (sympy.Symbol("m", integer=True, positive=True),) if batch else ()
    b = len(lead)
    high, wide = (3 + 2 * dilation, 4 + 2 * dilation)
    x, y = variable("X", (*lead, high, wide, 2)), variable("Y", (*lead, 2, 2, 2))
    first, second = variable("A", (3, 3, 3, 2)), variable("B", (2, 3, 3, 3))
    items: list[Equation] = []

    def named(name: str, node: Node) -> Variable:
        items.append(Equation(variable(name, node.shape), node))
        return items[-1].target

    def convolved(node: Node, weight: Variable, stride: int, dilation: int = 1) -> Node:
        size = int(weight.shape[1])
        windows = n.Window(node, (b, b + 1), (size, size), stride, dilation)
        high, wide = windows.shape[b : b + 2]
        patches = n.Transpose(windows, (*range(b + 2), b + 3, b + 4, b + 2))
        length = size * size * node.shape[-1]
        flat = n.Reshape(patches, (*lead, high * wide, length)) @ n.Reshape(weight, (weight.shape[0], length)).T
        return n.Reshape(flat, (*lead, high, wide, weight.shape[0]))

    z = named("Z", convolved(n.Pad(x, (b, b + 1), [(1, 1), (1, 1)]), first, 1))
    h = named("H", n.Power(z, 2))
    out = named("V", convolved(h, second, 2, dilation))
    loss = named("loss", n.Sum((out - y) ** 2) / 2)
    return System(tuple(items), (x,), (y,), (first, second), out, loss)


def convolution_loss(arrays: dict[str, Any], dilation: int = 1) -> Any:
    """The same by loops over pixels, for one example or a batch."""

    def convolved(x: Any, weight: Any, stride: int, dilation: int = 1) -> Any:
        reach = dilation * (weight.shape[1] - 1) + 1
        high, wide = ((length - reach) // stride + 1 for length in x.shape[:2])
        found = np.zeros((high, wide, len(weight)), dtype=complex)
        for i, j in np.ndindex(high, wide):
            rows, columns = (slice(at * stride, at * stride + reach, dilation) for at in (i, j))
            found[i, j] = (weight * x[rows, columns]).sum(axis=(1, 2, 3))
        return found

    def one(x: Any, y: Any) -> Any:
        h = convolved(np.pad(x, ((1, 1), (1, 1), (0, 0))), arrays["A"], 1) ** 2
        return ((convolved(h, arrays["B"], 2, dilation) - y) ** 2).sum() / 2

    x, y = arrays["X"], arrays["Y"]
    value = sum(map(one, x, y)) if x.ndim == 4 else one(x, y)
    return value if np.iscomplexobj(arrays["A"]) or np.iscomplexobj(arrays["B"]) else value.real


def pools(batch: bool) -> System:
    """Averages of windows that do not cover all, in one formula without a name for any part of it."""
    lead = (2,) if batch else ()
    b = len(lead)
    x, y = variable("X", (*lead, 4, 6)), variable("Y", (*lead, 1, 2))
    first, second = variable("A", (2, 2)), variable("B", (1, 2))

    def convolved(node: Node, weight: Variable) -> Node:
        windows = n.Window(node, (b, b + 1), (2, 2))
        return n.Sum(windows * weight, (b + 2, b + 3))

    def pooled(node: Node) -> Node:
        return n.Sum(n.Window(node, (b, b + 1), (2, 2), 2), (b + 2, b + 3)) / 4

    out = pooled(n.Power(convolved(x, first), 2)) * second
    loss = Equation(variable("loss", ()), n.Sum((out - y) ** 2) / 2)
    return System((loss,), (x,), (y,), (first, second), loss.target, loss.target)


def pools_loss(arrays: dict[str, Any]) -> Any:
    """The same by slices."""

    def convolved(x: Any, weight: Any) -> Any:
        high, wide = x.shape[-2] - 1, x.shape[-1] - 1
        return sum(weight[i, j] * x[..., i : i + high, j : j + wide] for i in range(2) for j in range(2))

    def pooled(x: Any) -> Any:
        high, wide = x.shape[-2] // 2 * 2, x.shape[-1] // 2 * 2
        return sum(x[..., i:high:2, j:wide:2] for i in range(2) for j in range(2)) / 4

    out = pooled(convolved(arrays["X"], arrays["A"]) ** 2) * arrays["B"]
    return ((out - arrays["Y"]) ** 2).sum() / 2


NETWORKS_BY_HAND: dict[str, Any] = {
    "attention": (attention, attention_loss),
    "convolution": (convolution, convolution_loss),
    "pools": (pools, pools_loss),
    "dilated": (partial(convolution, dilation=2), partial(convolution_loss, dilation=2)),
}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("which", NETWORKS_BY_HAND)
def test_a_layer_is_read_back_from_its_page_with_its_gradients(which: str, batch: bool) -> None:
    """What is printed, forward and backward, is executed; its gradients are those of the same layer in NumPy."""
    make, loss_of = NETWORKS_BY_HAND[which]
    system = make(batch)
    given = (*system.inputs, *system.targets, *system.parameters)
    values = values_of(given)
    arrays = {name_of(latex(each)): values[each.name] for each in given} | SIZES
    backward = derive_system(system)[0]
    for equation in (*system.items, *backward):
        assert isinstance(equation, Equation)
        assert not CALLS.search(equation.latex()) and not re.search(r"windows|fold", equation.latex())
        left, right = equation.latex().split(" = ", 1)
        name = name_of(latex(equation.target))
        arrays[name] = Meaning(arrays).evaluate(at_places(left, right, name), lengths(equation.target.shape))
    assert error(arrays["loss"], loss_of(values)) <= LIMIT
    step = 1e-30
    for parameter in system.parameters:
        for at in np.ndindex(values[parameter.name].shape):
            moved = values[parameter.name].astype(complex)
            moved[at] += step * 1j
            slope = loss_of({**values, parameter.name: moved}).imag / step
            found = arrays[f"dL/d{parameter.name}"]
            assert abs(found[at] - slope) <= LIMIT * np.max(np.abs(found))


def test_convolution_reads_as_textbooks_have_it() -> None:
    system = convolution(batch=False)
    page = {each.name: each.pretty() for each in (*system.items, *derive_system(system)[0])}  # type: ignore[union-attr]
    assert page["Z"] == "Zᵢⱼ = Σₖₗ A[:, k, l] X[i + k − 2, j + l − 2]"
    assert page["V"] == "Vᵢⱼ = Σₖₗ B[:, k, l] H[2 i + k − 2, 2 j + l − 2]"
    assert page["dB"] == "∂L/∂B[:, i, j] = Σₖₗ ∂L/∂Vₖₗ H[i + 2 k − 2, j + 2 l − 2]ᵀ"
    system = convolution(batch=False, dilation=2)
    page = {each.name: each.pretty() for each in (*system.items, *derive_system(system)[0])}  # type: ignore[union-attr]
    sums = "Σₚᵣₛᵤ 1[k = 2 p + 2 r − 3] 1[l = 2 s + 2 u − 3] B[:, r, u]ᵀ ∂L/∂Vₚₛ"
    assert page["dA"] == f"∂L/∂A[:, i, j] = 2 Σₖₗ (({sums}) ⊙ Zₖₗ) X[i + k − 2, j + l − 2]ᵀ"


def test_a_place_outside_of_a_formula_that_is_not_0_there_is_not_written() -> None:
    p = variable("P", (4, 3, 2))
    padded = n.Pad(FUNCTIONS["exp"](p), 0, [(1, 0)])
    assert "pad(exp(P)" in pretty(n.Transpose(padded, (1, 0, 2)))
    assert "P[k − 1" in pretty(n.Transpose(n.Pad(p * p, 0, [(1, 0)]), (1, 0, 2))).replace("i − 1", "k − 1")


def test_attention_reads_as_textbooks_have_it() -> None:
    system = attention(batch=False)
    page = {each.name: each.pretty() for each in (*system.items, *derive_system(system)[0])}  # type: ignore[union-attr]
    assert page["Q"] == "Qᵢ = X A₍ᵢ₎ᵀ"
    assert page["S"] == "Sᵢ = (1/√d) Qᵢ Kᵢᵀ"
    assert page["P"] == "Pᵢ = softmax(Sᵢ)"
    assert page["H"] == "H[:, (i)] = Oᵢ"
    assert page["dP"] == "∂L/∂Pᵢ = ∂L/∂Oᵢ Vᵢᵀ"
    assert page["dS"] == "∂L/∂Sᵢ = Pᵢ ⊙ (∂L/∂Pᵢ − (∂L/∂Oᵢ ⊙ Oᵢ) 𝟏 𝟏ᵀ)"
    assert page["dA"] == "∂L/∂A₍ᵢ₎ = (1/√d) (∂L/∂Sᵢ Kᵢ)ᵀ X"
    system = attention(batch=True)
    page = {each.name: each.pretty() for each in (*system.items, *derive_system(system)[0])}  # type: ignore[union-attr]
    assert page["S"] == "Sᵢⱼ = (1/√d) Qᵢⱼ Kᵢⱼᵀ"
    assert page["dA"] == "∂L/∂A₍ⱼ₎ = (1/√d) Σᵢ (∂L/∂Sᵢⱼ Kᵢⱼ)ᵀ Xᵢ"


P, Q, A, B, w = samples.P, samples.Q, samples.A, samples.B, samples.w
LONG = variable("LONG", (12,))
TURNED = n.Transpose(P, (1, 0, 2))
FURTHER = (
    *(P / n.Sum(P, (0, 2), True), P - n.Extreme(P, 2, True), n.Softmax(P, 2) * P),
    *(n.Softmax(n.Transpose(P, (2, 0, 1)), 0), n.Transpose(P, (2, 1, 0)) @ samples.S, n.Expand(A, 0) * P),
    *(n.Reshape(LONG, (2, 2, 3)), n.Reshape(P, (2, 6)), n.Reshape(P, (4, 3)) @ B, n.Reshape(P @ Q, (4, 2)).T),
    *(n.Transpose(n.Reshape(LONG, (2, 3, 2)), (1, 0, 2)), n.Reshape(TURNED, (2, 6)) @ n.Reshape(Q, (6, 2))),
    *(n.Sum(P @ Q), n.Sum((P @ Q) ** 2), n.Sum(P @ Q, (0, 1)), n.Reshape(P, (1, 4, 3)) + 1),
    *(n.Concatenate(P @ Q, P, axis=2), n.Slice(P @ Q, 1, 0, 1), n.Slice(P, 0, 1, 2) * A),
    *(n.ScatterAdd(n.Take(samples.table, samples.grid) ** 2, samples.grid, 3), n.Diag(n.Reshape(P @ Q, (8,)))),
    n.Outer(samples.u, n.Reshape(P, (12,))),
)
NODES = {f"{kind.__name__}-{k}": node for kind, found in samples.SAMPLES.items() for k, node in enumerate(found)}
NODES |= {node.text(): node for node in FURTHER}


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
def test_no_formula_holds_a_call_that_mathematics_writes(node: Node) -> None:
    for written in (pretty(node), latex(node)):
        assert not CALLS.search(written)
    tree = ElementTree.fromstring(latex2mathml.converter.convert(latex(node)))
    assert tree.tag.endswith("math") and not list(tree.iter("{http://www.w3.org/1998/Math/MathML}merror"))


MOVED = (n.Pad, n.Flip, n.Window, n.Fold)
V, G = variable("V", (2, 5, 4, 3)), variable("G", (2, 3, 2, 2))
OVERLAPPING = (
    *(n.Flip(V, (3, 0)), n.Pad(V, (1, 3), [(1, 0), (0, 2)], 2), n.Window(V, (1, 2), (3, 2), (2, 1), (1, 2))),
    *(n.Window(V, (3, 1), (2, 3)), n.Window(V, (3, 1, 0, 2), (1, 2, 2, 3)), n.Window(n.Pad(V, 3, [(1, 1)]), 3, 3)),
    *(n.Fold(n.Window(V, (1, 2), (3, 2)), (1, 2), (3, 2), 1, 1, (5, 4)), n.Fold(G, (1, 0), (2, 2), 2, 1, (7, 4))),
    *(n.Fold(n.Window(V, 2, 3), 2, 3, 1, 1, 4) * V, n.Fold(n.Outer(n.Fill(1, (5,)), w), 0, 3, 1, 1, 7) + samples.line),
    n.Fold(G, (1, 0), 2, 2, 2, (7, 6)) + 1,
    n.Transpose(n.Pad(n.Fold(V * V, 1, 3, 2, 3, 15), 1, [(1, 2)]), (1, 0, 2)),
    *(n.Sum(n.Fold(G, 2, 2, 3, 1, 7) + 1, (0, 1)), n.Fold(n.Outer(n.Fill(1, (2,)), w), 0, 3, 2, 1, 6)),
)
NODES |= {node.text(): node for node in OVERLAPPING}
ELSEWHERE = {name for name, node in NODES.items() if any(isinstance(each, MOVED) for each in walk(node))}
DEEP = {name: node for name, node in NODES.items() if name in ELSEWHERE or any(p.rank > 2 for p in walk(node))}


@pytest.mark.parametrize("node", DEEP.values(), ids=DEEP)
def test_samples_of_rank_3_or_with_windows_are_read_back(node: Node) -> None:
    random = np.random.default_rng(1)
    values = {
        each.name: np.array(samples.IDS.get(each.name, random.uniform(0.5, 1.5, tuple(map(int, each.shape)))))
        for each in variables(node)
    }
    arrays = {name_of(latex(each)): values[each.name] for each in variables(node)}
    true = np.real(complex_value(node, values))
    written = latex(node)
    try:
        found = Meaning(arrays, functions={"sum": np.sum}, vec="columns").evaluate(written, true.shape)
    except Unreadable as problem:
        pytest.fail(f"{written}: {problem}")
    assert error(found, true) <= LIMIT


NETWORKS = (
    "Input(3) >> Embedding(5, 4, flatten=False) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(3) >> Embedding(5, 4) >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(3) >> Embedding(5, 4, flatten=False) >> Residual(Dense(4) >> ReLU()) >> MeanSquaredError()",
)


@pytest.mark.parametrize(
    "formula",
    [
        r"\operatorname{pad}(G, (1, 0))",
        r"\operatorname{pad}(x, (1, 0), 2, 3)",
        r"\operatorname{flip}(G)",
        r"\operatorname{windows}(x, 2; 4)",
        r"\operatorname{windows}(x, (2, 2))",
        r"\operatorname{windows}(x, 2, 1, 1, 1)",
        r"\operatorname{windows}(G, 2, \text{axis }2)",
        r"\operatorname{fold}(x, 2)",
        r"\operatorname{fold}(G, 3)",
        r"\operatorname{fold}(G, 2; 6)",
        r"\operatorname{fold}(G, 2; (4, 4))",
    ],
)
def test_windows_that_do_not_fit_are_refused(formula: str) -> None:
    with pytest.raises(Unreadable):
        Meaning({"x": np.ones(4), "G": np.ones((3, 2))}).evaluate(formula, (4,))


def test_windows_are_read_as_the_page_explains_them() -> None:
    meaning = Meaning({"u": np.arange(1.0, 6), "g": np.array([[1.0, 2.0], [3.0, 4.0]]), "k": np.array(2)})
    read = {
        r"\operatorname{pad}(u, (0, k), -\infty)": [1, 2, 3, 4, 5, -np.inf, -np.inf],
        r"\operatorname{flip}(u)": [5, 4, 3, 2, 1],
        r"\operatorname{windows}(u, k, 2)": [[1, 2], [3, 4]],
        r"\operatorname{windows}(u, k, 1, 3)": [[1, 4], [2, 5]],
        r"\operatorname{fold}(g, k)": [1, 5, 4],
        r"\operatorname{fold}(g, k; 3)": [1, 5, 4],
        r"\operatorname{fold}(g, k, 2; 5)": [1, 2, 3, 4, 0],
    }
    for formula, value in read.items():
        assert np.array_equal(meaning.evaluate(formula, np.shape(value)), value), formula


@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
@pytest.mark.parametrize("network", NETWORKS)
def test_pages_and_steps_of_sequences_hold_no_calls(network: str, layout: str) -> None:
    derivation = symprop.derive(network, layout=layout)
    assert not CALLS.search(derivation.pretty())
    for equation in derivation.equations:
        for step in equation.steps:
            for node in (step.before, step.after):
                assert not CALLS.search(pretty(node)) and not CALLS.search(latex(node))


def test_page_says_what_places_mean() -> None:
    page = symprop.derive(NETWORKS[0], layout="rows").pretty()
    assert "z₁,ᵢ = e₁,ᵢ W₁ᵀ + b₁" in page and "∂L/∂W₁ = Σᵢ δ₁,ᵢᵀ e₁,ᵢ" in page
    assert "Aᵢ is what A has at place i of its first axis; an equation holds at every place." in page
    assert "blocks" not in page and "blocks of columns" not in page
    assert "blocks" in symprop.derive(NETWORKS[1], layout="rows").pretty()


def test_an_index_is_no_name_of_the_formula() -> None:
    i, p = variable("i", (3,)), variable("P", (2, 3, 3))
    assert pretty(p @ i) == "{Pⱼ i}ⱼ"
    assert pretty(variable("Q", ("i", 3, "j")) @ variable("R", ("i", "j", 2))) == "{Qₖ Rₖ}ₖ"


def test_indices_do_not_run_out_and_those_with_a_number_are_not_taken_for_two() -> None:
    names = [variable(name, ()) for name in "jklprsuvaeho"]
    p, q, r = variable("P", (2, 3, 4)), variable("Q", (2, 3, 4)), variable("R", (2, 4, 5))
    node = n.Sum(n.Multiply(*names, p, q))
    assert pretty(node).startswith("Σᵢᵢ₁ᵢ₂ ") and pretty(node).endswith(" P[i, i₁, i₂] Q[i, i₁, i₂]")
    assert latex(node).endswith(r" P_{i,i_{1},i_{2}} Q_{i,i_{1},i_{2}}")
    product = n.Transpose(n.Power(p @ r, 2), (2, 0, 1))
    for formula in (node, n.Multiply(*names, product)):
        values = values_of(variables(formula))
        arrays = {name_of(latex(each)): values[each.name] for each in variables(formula)}
        true = np.real(complex_value(formula, values))
        assert error(Meaning(arrays).evaluate(latex(formula), true.shape), true) <= LIMIT


def test_formulas_of_rank_2_and_those_by_elements_stay_as_they_are() -> None:
    p, q = variable("P", (2, 3, 4)), variable("Q", (2, 3, 4))
    for node in (p * q - p, variable("A", (2, 3)) @ variable("B", (3, 2)), n.Reshape(p, (24,)), n.Sum(p * q)):
        assert stacked(node) == node
    assert pretty(n.Sum(p * q)) == "Σᵢⱼₖ Pᵢⱼₖ Qᵢⱼₖ"


def test_an_axis_of_length_1_is_a_column_of_a_matrix_and_no_place() -> None:
    x, w = variable("X", (4, 3, 1)), variable("W", (5, 3, 1))
    assert pretty(n.Reshape(variable("D", (4, 3, 2)), (12, 2)).T @ n.Reshape(x, (12, 1))) == "Σᵢ Dᵢᵀ Xᵢ"
    assert pretty(n.Reshape(w, (15, 1)) + 1) == "vec(W[:, :, 0]ᵀ) + 1"
    equation = Equation(variable("Z", (4, 3, 1)), x + variable("b", (1,)))
    assert " = ".join(map(pretty, sides(equation))) == "Zᵢ = Xᵢ + b"


def test_transposes_of_products_go_inside_where_that_leaves_fewer() -> None:
    network = "Input(T, n) >> Dense(k) >> Tanh() >> Dense(c) >> MeanSquaredError()"
    page = symprop.derive(network, layout="columns")
    assert page.equation("z1").pretty() == "z₁,ᵢ = W₁ xᵢ + b₁ 𝟏ᵀ"
    assert page.equation("delta1").pretty() == "δ₁,ᵢ = (W₂ᵀ δ₂,ᵢ) ⊙ (1 − a₁,ᵢ ⊙ a₁,ᵢ)"
    assert page.equation("dW1").pretty() == "∂L/∂W₁ = Σᵢ δ₁[:, :, i]ᵀ x[:, :, i]"


def test_left_sides_stand_at_places_too() -> None:
    p, q = variable("P", (2, 3, 4)), variable("Q", (2, 4, 5))
    left, right = sides(Equation(variable("S", (2, 3, 5)), p @ q))
    assert isinstance(left, Part) and right.shape == (3, 5) == left.shape


def test_how_many_blocks_there_are_is_said_where_no_axis_tells() -> None:
    x, w, v = variable("X", (5, 4)), variable("W", (6, 4)), variable("V", (6, 4))
    heads, others = (n.Transpose(n.Reshape(x @ each.T, (5, 2, 3)), (1, 0, 2)) for each in (w, v))
    product = heads @ n.Transpose(others, (0, 2, 1))
    assert pretty(n.Sum(product, 0)) == "Σ[i=1…2] X W₍ᵢ₎ᵀ V₍ᵢ₎ Xᵀ"
    joined = n.Reshape(n.Transpose(product @ heads, (1, 0, 2)), (5, 6))
    assert pretty(joined) == "{X W₍ᵢ₎ᵀ V₍ᵢ₎ Xᵀ X W₍ᵢ₎ᵀ : i ≤ 2}[:, (i)]"
    left, right = sides(Equation(variable("H", (5, 6)), joined))
    assert (pretty(left), pretty(right)) == ("H", pretty(joined))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_tex_sets_every_sample(tmp_path: Path) -> None:
    page = "\n".join(rf"\[ {latex(node)} \]" for node in NODES.values())
    whole = "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n" + page + "\n\\end{document}\n"
    (tmp_path / "page.tex").write_text(whole, encoding="utf-8")
    order = ["pdflatex", "-draftmode", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(order, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
