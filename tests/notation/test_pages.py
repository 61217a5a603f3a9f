"""Pages of derivations: the text page runs under NumPy, LaTeX and HTML hold every equation and nothing unescaped."""

from __future__ import annotations

import html as html_module
import itertools
import re
import xml.dom.minidom
from typing import Any

import numpy as np
import pytest
from sympy import Expr

from symprop.algebra import Loop, variables
from symprop.algebra.formula import formula
from symprop.algebra.reader import read_formula
from symprop.analysis.derivation import Derivation, derive
from symprop.errors import SympropError
from symprop.notation import document, html, steps
from symprop.notation.choices import PLAIN
from symprop.notation.content import sections
from symprop.notation.diagram import _Plan, diagram
from symprop.notation.drawing import layout
from symprop.notation.function_notes import functions_of
from tests.rounding import assert_off, differences

RESIDUAL = "Input(4) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> Dense(2) >> SoftmaxCrossEntropy()"
OWN = 'Input(4) >> Dense(3) >> Activation("x * sigmoid(x)", name="swish") >> Dense(2) >> MeanSquaredError() + L2(0.01)'
NAMES = "Input(3) >> Embedding(7, 2) >> Dense(4) >> GELU() >> Dense(7) >> SoftmaxCrossEntropy()"
LOOP = "Input(n0) >> Dense(n) >> Tanh() >> Repeat(Residual(Dense(n) >> Tanh()), L) >> Dense(2) >> SoftmaxCrossEntropy()"
PLAIN_LOOP = "Input(n) >> Repeat(Dense(n) >> Sigmoid(), L) >> MeanSquaredError()"
LAYOUTS = ("example", "rows", "columns")
SIZES = {"m": 5, "n": 3, "n0": 4, "L": 3}


def _at(size: Expr, block: int = 0) -> int:
    return int(size.subs({symbol: (SIZES | {"l": block})[symbol.name] for symbol in size.free_symbols}))


def _values(derivation: Derivation) -> dict[str, Any]:
    """Random arrays for every input, target and parameter; in dictionaries where there are loops."""
    random = np.random.default_rng(0)
    system, given = derivation.system, dict[str, Any](SIZES)
    leaves = (*system.inputs, *system.targets, *system.parameters)
    loops = any(isinstance(item, Loop) for item in system.items)
    for equation in derivation.equations if loops else ():
        given.setdefault(f"d{equation.target.letter}" if equation.target.role else equation.target.letter, {})
    for leaf in leaves:
        shape = [_at(size) for size in leaf.shape]
        bound = next((int(fact.value) for fact in leaf.facts if fact.kind == "index"), None)
        blocks = range(1, SIZES["L"] + 1) if any("l" in map(str, index.free_symbols) for index in leaf.index) else [0]
        for block in blocks:
            value = random.integers(0, bound, shape) if bound else random.uniform(-0.9, 0.9, shape)
            for fact in leaf.facts:
                if fact.kind == "sums to 1":
                    value = np.abs(value) / np.sum(np.abs(value), axis=int(fact.value), keepdims=True)
            if loops and leaf.index:
                given.setdefault(leaf.letter, {})[_at(leaf.index[0], block)] = value
            else:
                given[leaf.name] = value
    return given


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "network", [RESIDUAL, OWN, NAMES, LOOP, PLAIN_LOOP], ids=["residual", "own", "names", "loop", "plain"]
)
def test_the_text_page_runs_and_gives_the_gradients(network: str, layout: str) -> None:
    derivation = derive(network, layout)
    given = vars(np) | _values(derivation)
    page = derivation.text()
    exec(compile(page, "<page>", "exec"), given)
    loss = "loss" if "loss = " in page else "L"
    assert np.ndim(given[loss]) == 0 and np.isfinite(given[loss])
    # one element of the first weight matrix, by central differences of the page's own forward pass
    first = "W" if isinstance(given.get("W"), dict) and given["W"] else "W1"
    weight = given[first][1] if first == "W" else given[first]
    gradient = given["dW"][1] if first == "W" else given["dW1"]
    forward = page[: page.index("# Backward pass")]

    def run() -> Any:
        again = dict(given)
        exec(compile(forward, "<page>", "exec"), again)
        return again[loss]

    assert gradient.shape == weight.shape
    assert_off(gradient[0, 1], *differences(run, weight, (0, 1)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("network", [RESIDUAL, OWN, NAMES])
def test_every_equation_reads_back(network: str, layout: str) -> None:
    derivation = derive(network, layout)
    functions = {function.name: function for function in functions_of(derivation)}
    sizes = [] if derivation.system.batch is None else ["m"]
    for equation in derivation.equations:
        shapes = {variable.name: variable for variable in variables(equation.expression)}
        written = equation.expression.text()
        assert read_formula(written, shapes, sizes, functions).text() == written


def test_the_pretty_page_has_numbers_shapes_and_sections() -> None:
    page = derive(RESIDUAL).pretty()
    assert "  (12)  δ₁ = (W₂ᵀ δ₂ + ∂L/∂a₂) ⊙ (1 − a₁ ⊙ a₁)   (3,)" in page
    titles = ["Network", "Conventions", "Forward pass", "Loss", "Backward pass", "Gradients"]
    assert [line for line in page.splitlines() if line in titles] == titles
    assert "ReLU(t) has a kink at t = 0; its derivative there is taken as 0." in page
    assert max(map(len, page.splitlines())) <= 110


def test_numbers_rise_down_the_page() -> None:
    for network in (RESIDUAL, OWN, LOOP):
        found = [int(number) for number in re.findall(r"^ +\((\d+)\)  ", derive(network).pretty(), re.MULTILINE)]
        assert found == list(range(1, len(found) + 1))


def test_functions_are_defined_by_their_bodies() -> None:
    page = derive(OWN).pretty()
    assert "swish(t) = t σ(t)" in page and "σ(t) = 1 / (1 + exp(−t))" in page


def test_a_loop_is_a_recurrence_with_its_base_case() -> None:
    page = derive(PLAIN_LOOP).pretty()
    assert "for l = 1, …, L" in page and "for l = L, …, 1" in page
    assert "δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾ᵀ δ⁽ˡ⁺¹⁾) ⊙ a⁽ˡ⁾ ⊙ (1 − a⁽ˡ⁾)   (l < L)" in page
    assert "ℒ = ½ ‖a⁽ᴸ⁾ − y‖²" in page  # L is the number of blocks here


@pytest.mark.parametrize("network", [RESIDUAL, OWN, NAMES, LOOP])
def test_latex_has_every_equation_once(network: str) -> None:
    derivation = derive(network, "rows")
    page = derivation.latex()
    assert [int(number) for number in re.findall(r"\\tag\{(\d+)\}", page)] == list(
        range(1, len(derivation.numbers) + 1)
    )
    labels = re.findall(r"\\label\{([^}]*)\}", page)
    assert len(labels) == len(set(labels)) == len(derivation.numbers)
    whole = document(derivation, figure=True)
    for environment in ("document", "alignat", "tikzpicture", "itemize", "longtable", "figure"):
        assert whole.count(rf"\begin{{{environment}}}") == whole.count(rf"\end{{{environment}}}") > 0
    assert "input{" not in page


def test_html_is_one_offline_file_and_escapes() -> None:
    page = html(
        derive('Input(2) >> Dense(3) >> Activation("x * sigmoid(x)", name="swish") >> MeanSquaredError()', "rows")
    )
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?!#)|@import|url\((?!#|\"data:)", page.replace('href="#', ""))
    assert "<script" not in page and "prefers-color-scheme: dark" in page
    assert html_module.escape('name="swish"') in page.replace("&#34;", "&quot;")
    for written in re.findall(r"<math.*?</math>", page):
        xml.dom.minidom.parseString(
            html_module.unescape(written).replace("&", "&amp;").replace("<mo><</mo>", "<mo>&lt;</mo>")
        )


def test_steps_name_rule_before_after_and_facts() -> None:
    derivation = derive(RESIDUAL)
    told = steps(derivation, "delta3")
    assert told.startswith("(9)  δ₃ = p − y") and "because" in told and "sum to 1" in told
    assert steps(derivation, "W2", "text").startswith("(15)  dW2 = outer(delta2, a1)")
    with pytest.raises(SympropError):
        steps(derivation, "nothing")
    with pytest.raises(SympropError, match="allowed"):
        steps(derivation, "W1", "morse")


def test_the_diagram_shows_both_passes_and_the_skip_connection() -> None:
    derivation = derive(RESIDUAL)
    drawn = diagram(derivation)
    xml.dom.minidom.parseString(drawn.encode())
    words = re.sub(r"</?tspan[^>]*>", "", drawn)
    for label in (
        "a₂ = f₂ + a₁",
        "W₂ᵀ δ₂",
        "∂L/∂a₂ ⊙ 1[z₂ &gt; 0]",
        "p − y",
        "∂L/∂W₁ = δ₁ xᵀ",
        "Forward pass",
        "Backward pass",
    ):
        assert label in words
    assert len(re.findall(r'<path d="M[^"]* Q ', drawn)) == 2  # one arc forward, one back
    block = re.sub(r"</?tspan[^>]*>", "", diagram(derivation, first="a1", last="a2"))
    assert "∂L/∂a₁" in block and "softmax" not in block
    assert r"\begin{tikzpicture}" in diagram(derivation, "tikz")
    for bad in ({"format": "png"}, {"first": "q"}, {"first": "a2", "last": "a1"}):
        with pytest.raises(SympropError):
            diagram(derivation, **bad)


def test_labels_of_arcs_keep_off_the_arcs_around_them() -> None:
    """Of a gated unit, whose backward arcs cross: none ends at the row at which the label of an inner one stands."""
    derivation = derive("Input(3) >> GLU(2) >> GLU(2) >> Concatenate((), Dense(2)) >> MeanSquaredError()")
    drawing = _Plan(derivation, None, None, PLAIN).drawing()
    plan = layout(drawing)
    crossed = [
        (arc, other)
        for arc, lane in plan.lanes.items()
        for other, outer in plan.lanes.items()
        if arc.label[0] and other.column == arc.column and outer > lane and plan.label_row(arc) in other.rows
    ]
    assert plan.lanes and not crossed
    assert any(plan.label_row(arc) != (arc.start + arc.end) / 2 for arc in plan.lanes if arc.label[0])


def test_the_boxes_of_a_diagram_say_what_the_page_says() -> None:
    derivation = derive("Input(4, 4, 2) >> Conv2D(3, 3) >> BatchNorm() >> Flatten() >> Dense(2) >> MeanSquaredError()")
    boxes = _Plan(derivation, None, None, PLAIN).drawing().boxes
    said = [box.label[0] for box in boxes if box.column == "forward" and box.number is not None]
    assert len(said) == 9 and "μ₁ = meanₘ(z₁)" in said
    page = derivation.pretty()
    assert [each for each in said if each not in page] == []


def test_deep_networks_have_pages_and_refuse_one_figure() -> None:
    derivation = derive("Input(4) >> " + "Dense(4) >> Tanh() >> " * 100 + "MeanSquaredError()")
    assert derivation.pretty().count("\n") > 500
    assert derivation.latex().count(r"\tag") == len(derivation.numbers)
    with pytest.raises(SympropError, match="allowed"):
        diagram(derivation)
    assert len(re.findall("<rect", diagram(derivation, first="a3", last="a5"))) > 5


def test_sections_leave_out_what_is_empty() -> None:
    assert "Remarks" not in [section.title for section in sections(derive(RESIDUAL))]


BLOCKS = "Input(n) >> Repeat(Residual(Dense(n) >> ReLU()), N) >> MeanSquaredError()"


def test_the_diagram_of_a_loop_is_one_block_with_its_ends_and_its_recurrence() -> None:
    drawn = re.sub(r"</?tspan[^>]*>", "", diagram(derive(BLOCKS)))
    assert ">a⁽ˡ⁻¹⁾<" in drawn and ">∂L/∂a⁽ˡ⁻¹⁾<" in drawn
    assert "a⁽ᴺ⁾ − y   (l = N)" in drawn
    for label in (">l = 1<", ">l = N<", ">l → l + 1<", ">l → l − 1<", "W⁽ˡ⁾ᵀ δ⁽ˡ⁾", ">l = 1, …, N<"):
        assert label in drawn
    arcs = re.findall(r'<path d="M[^"]* Q [^"]*" class="([a-z ]+)"', drawn)
    assert sorted(arcs) == ["back", "back again", "go", "go again"]  # a skip and a recurrence each way
    assert "dashed" in diagram(derive(BLOCKS), "tikz")


def test_a_block_that_begins_with_an_activation_is_drawn() -> None:
    drawn = diagram(derive("Input(n) >> Repeat(Sigmoid() >> Dense(n), N) >> MeanSquaredError()"))
    assert "go again" in drawn and "back again" in drawn


def test_ranges_of_blocks_are_mathematics_in_latex_and_html() -> None:
    derivation = derive(BLOCKS)
    assert r"& parameter & $l = 1, \dots, N$ \\" in derivation.latex()
    assert "l = 1, ..., N" not in html(derivation) and "parameter  l = 1, …, N" in derivation.pretty()


def test_the_loss_with_curls_is_told_from_the_number_of_blocks() -> None:
    assert "  • ℒ is the loss; L is the number of blocks." in derive(PLAIN_LOOP).pretty()
    assert r"$\mathcal{L}$ is the loss; $L$ is the number of blocks." in derive(PLAIN_LOOP).latex()


def test_conventions_name_what_occurs() -> None:
    page = derive(RESIDUAL, "rows").pretty()
    assert "softmax acts on each row." in page and "logsumexp" not in page
    page = derive("Input(2) >> Dense(2) >> Activation('maximum(0,x)') >> MeanSquaredError()").pretty()
    assert "phi(t) has a kink at t = 0; its derivative there is taken as 0." in page
    assert "max(t, t2)" not in page
    spread = derive("Input(2) >> Dense(2) >> Softmax() >> Dense(2) >> MeanSquaredError()").pretty()
    assert ("𝟏" in spread.partition("Forward pass")[2]) == ("𝟏 is the vector of ones." in spread)


def test_functions_are_written_as_an_author_would() -> None:
    page = derive(
        "Input(2) >> Dense(2) >> LeakyReLU(0.3) >> Dense(2) >> ELU(2.0) >> Dense(2) >> GELU(approximate='tanh')"
        " >> MeanSquaredError()"
    )
    assert "LeakyReLU₀.₃(t) = t if t > 0, else 0.3 t" in page.pretty()
    assert "ELU₂(z₂)" in page.pretty() and "GELUₜₐₙₕ(z₃)" in page.pretty()
    assert "0.044715" in page.pretty() and "8943" not in page.pretty()
    assert (
        r"\operatorname{LeakyReLU}_{0.3}(z_1)" in page.latex() and r"\operatorname{GELU}_{\tanh}(z_3)" in page.latex()
    )


def test_facts_and_remarks_are_in_the_notation_of_the_page() -> None:
    derivation = derive("Input(2) >> Dense(2) >> Sigmoid() >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()")
    told = steps(derivation, "delta1")
    assert "because the derivative of σ(t) is u (1 − u) with u = σ(t)" in told
    assert "because a₂ is above 0" in steps(derivation, "delta2")
    assert "because the derivative of sigmoid(t) is u * (1 - u) with u = sigmoid(t)" in steps(
        derivation, "delta1", "text"
    )


def test_steps_that_look_alike_are_left_out() -> None:
    for name in ("delta1", "delta2", "W1"):
        told = steps(derive(NAMES, "rows"), name).splitlines()
        pairs = [(before[3:], after[3:]) for before, after in itertools.pairwise(told) if after[:3] == " = "]
        assert pairs and all(before != after for before, after in pairs)


def test_steps_in_latex_are_a_document() -> None:
    for name in ("delta2", "W1", "z1"):
        page = steps(derive(NAMES), name, "latex")
        assert page.startswith("\\documentclass") and page.rstrip().endswith("\\end{document}")
        for environment in re.findall(r"\\begin\{(\w+\*?)\}", page):
            assert page.count(rf"\begin{{{environment}}}") == page.count(rf"\end{{{environment}}}")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("network", [RESIDUAL, OWN, NAMES, LOOP, PLAIN_LOOP, BLOCKS.replace("N", "L")], ids=range(6))
def test_the_text_page_needs_numpy_alone(network: str, layout: str) -> None:
    derivation = derive(network, layout)
    given: dict[str, Any] = {}
    exec("from numpy import *", given)
    filled = {equation.target.change(index=()).name for equation in derivation.equations}
    given |= {name: value for name, value in _values(derivation).items() if name in SIZES or name not in filled}
    page = derivation.text()
    exec(compile(page, "<page>", "exec"), given)
    assert np.isfinite(given["loss" if "loss = " in page else "L"])
    if "Repeat" in network:
        assert "by layer: W[1], ..." in page and ", dW, db" in page


def test_signs_and_operations_are_explained_where_they_occur() -> None:
    page = derive(formula("sum(transpose(P, (1, 0, 2)) * R) + sum(sum(P, axis=0))", P=(2, 3, 4), R=(3, 2, 4))).pretty()
    assert "∂L/∂P[:, i] = ∂L/∂v₂,ᵢ ⊙ Rᵢ + 1" in page
    assert "A[:, i] is what A has at place i of its second axis, and likewise for later ones." in page
    rooted = derive(formula("sum(sqrt(1 + A * A) * (A - 2)**2)", A=(2, 3))).pretty()
    assert "U⊙^½ is the square root of each element." in rooted
    assert "multiplies element by element" in rooted


def test_remarks_name_gradients_as_the_page_does() -> None:
    derivation = derive('Input(2) >> Dense(3) >> Activation("sign(x)") >> Dense(2) >> MeanSquaredError()')
    assert "• ∂L/∂W₁ is zero: δ₁ is zero" in derivation.pretty() and "dW1" not in derivation.pretty()
    assert r"$\partial L/\partial W_1$ is zero: $\delta_1$ is zero" in derivation.latex()
    assert "# dW1 is zero: delta1 is zero" in derivation.text().replace("# - ", "# ")


def test_the_page_for_input_uses_no_macros_of_our_own() -> None:
    """Only a report's fragment defines them; a page needs the packages alone that its docstring names."""
    for network in (RESIDUAL, LOOP):
        assert "symprop" not in derive(network).latex()
