"""Pages of derivations with loops inside loops, and of loops that read and make rows of arrays."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy
from sympy import Symbol

from symprop import diff
from symprop.algebra.batching import batched_system
from symprop.algebra.equations import System
from symprop.algebra.indices import RowIndex
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Scalar, Variable
from symprop.algebra.unrolling import unrolled, written_out
from symprop.analysis.derivation import Derivation, derive
from symprop.calculus.walk import derive_system
from symprop.networks.spec import parse_network
from symprop.notation.choices import PLAIN
from symprop.notation.diagram import _Plan
from symprop.notation.drawing import DETAILS, layout, lessened, measured
from symprop.notation.html_document import words
from symprop.notation.latex import latex
from symprop.notation.page_blocks import PageWriter
from symprop.notation.pretty import pretty
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.page import run_page
from tests.calculus.test_loops import SYSTEMS, T, inputs, width

NESTED = "Input(n) >> Repeat(Repeat(Dense(n) >> Tanh(), K) >> Dense(n), N) >> MeanSquaredError()"
ROUNDING = 1e-12
"""Of the largest slope: the page and the evaluator sum the same products, some hundred of them, in another order."""


def section(page: str, title: str) -> str:
    return page[page.index(title) :].split("\n\n")[0]


def test_loops_inside_loops_stand_inside_them() -> None:
    lines = [line.rstrip() for line in section(derive(NESTED).pretty(), "Forward pass").splitlines()[2:]]
    assert [re.sub(r" {3,}\(n,\)$", "", line) for line in lines] == [
        "  (1)  z₀ = x",
        "  for l = 1, …, N",
        "    (2)  a⁽²ˡ⁻¹⁾₀ = z⁽²ˡ⁻²⁾",
        "    for k = 1, …, K",
        "      (3)  z⁽²ˡ⁻¹⁾ₖ = W⁽²ˡ⁻¹⁾ₖ a⁽²ˡ⁻¹⁾ₖ₋₁ + b⁽²ˡ⁻¹⁾ₖ",
        "      (4)  a⁽²ˡ⁻¹⁾ₖ = tanh(z⁽²ˡ⁻¹⁾ₖ)",
        "    (5)  z⁽²ˡ⁾ = W⁽²ˡ⁾ a⁽²ˡ⁻¹⁾_K + b⁽²ˡ⁾",
    ]


def test_each_loop_has_its_base_case_and_its_condition() -> None:
    backward = section(derive(NESTED).pretty(), "Backward pass")
    found = [line.strip() for line in backward.splitlines()[2:]]
    starts = [
        "(7)  δ⁽²ᴺ⁾ =",
        "for l = N, …, 1",
        "(8)  δ⁽²ˡ⁾ =",
        "(9)  δ⁽²ˡ⁻¹⁾_K =",
        "for k = K, …, 1",
        "(10)  δ⁽²ˡ⁻¹⁾ₖ =",
    ]
    assert len(found) == len(starts)
    assert all(line.startswith(start) for line, start in zip(found, starts, strict=True))
    assert [re.findall(r"\(\w < \w\)", line) for line in found] == [[], [], ["(l < N)"], [], [], ["(k < K)"]]


def test_numpy_notation_indexes_by_tuples() -> None:
    page = derive(NESTED).text()
    assert "# W and b are dictionaries by layer: W[1, 1], ..." in page
    assert "for l in range(1, N + 1):\n    a[2*l - 1, 0] = z[2*l - 2]" in page
    assert "\n    for k in range(K, 0, -1):\n        if k < K: delta[2*l - 1, k] = (W[2*l - 1, k + 1].T @" in page


def test_headings_say_in_which_loops_equations_stand() -> None:
    derivation = derive(NESTED)
    writer = PageWriter(derivation)
    said = [str(words(block.heading)) for block in writer.part("Forward pass").blocks]
    plain = [re.sub(r"<[^>]*>", "", heading) for heading in said]
    assert [heading.split("l")[0].strip() for heading in plain] == ["", "For", "For each", "Then, for the same"]
    for document in (derivation.latex(), derivation._repr_html_()):
        assert document.count("For each ") == 3
        assert "Then, for the same " in document


def test_the_conventions_name_the_delta_that_is_easiest_to_read() -> None:
    assert "• δ⁽²ˡ⁾ is the derivative of the loss with respect to z⁽²ˡ⁾," in derive(NESTED).pretty()


def test_a_row_has_its_index_below_and_a_layer_above() -> None:
    t, l = (Symbol(name, integer=True) for name in "tl")  # noqa: E741 -- the letters of the formulas

    def named(*index: object) -> Variable:
        return Variable("h", index, (3,))

    assert [pretty(named(*index)) for index in ((l,), (RowIndex(t - 1),), (l, RowIndex(t)), (l, t))] == [
        "h⁽ˡ⁾",
        "hₜ₋₁",
        "h⁽ˡ⁾ₜ",
        "h⁽ˡ⁾ₜ",
    ]
    assert [latex(named(*index)) for index in ((l,), (RowIndex(t - 1),), (l, RowIndex(t)))] == [
        "h^{(l)}",
        "h_{t-1}",
        "h_t^{(l)}",
    ]
    assert named(RowIndex(t)).name == "h[t]"


def in_time(name: str, layout: str) -> Derivation:
    """A derivation of a loop over time, which no layer of a network makes: its page names some network."""
    system = SYSTEMS[name] if layout == "example" else batched_system(SYSTEMS[name], layout)
    return Derivation(parse_network("Input(2) >> Dense(2) >> MeanSquaredError()"), system, *derive_system(system))


def test_pages_say_what_rows_are() -> None:
    derivation = in_time("all outputs", "example")
    page = derivation.pretty()
    forward = [line.strip() for line in section(page, "Forward pass").splitlines()]
    assert forward[3] == "xₜ is row t of x"
    assert forward[-1] == "h₁ is made of the rows h⁽¹⁾ₜ"
    assert "∂L/∂h⁽¹⁾ₜ is row t of ∂L/∂h₁\n" in section(page, "Backward pass")
    assert " is row t of " not in section(page, "Gradients")
    html = re.sub(r"<[^>]*>", "", derivation._repr_html_())
    assert html.count(" is row ") == derivation.latex().count(" is row ") == 2
    batch = in_time("all outputs", "rows").pretty()
    assert "part t of x along axis 1" in batch


@pytest.mark.parametrize("name", ["h", "h_2", "dh_2", "x_rows"])
def test_no_dictionary_of_a_page_has_the_name_of_an_input(name: str) -> None:
    network = f'Input(T, 1) >> Bidirectional(RNN(2, initial=Input(2, name="{name}"))) >> MeanSquaredError()'
    filled = re.search(r"^(.*) = \{\}, ", derive(network).text(), re.MULTILINE)
    assert filled and len(filled[1].split(", ")) > 9 and name not in filled[1].split(", ")


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_pages_of_loops_over_time_run(name: str, layout: str, steps: int) -> None:
    derivation = in_time(name, layout)
    system: System = derivation.system
    sizes = {width: 3, inputs: 2, Symbol("m", integer=True, positive=True): 4, T: steps}
    rng = np.random.default_rng(steps)
    given = (*system.parameters, *system.inputs, *system.targets)
    values = {each.name: rng.normal(size=tuple(int(size.subs(sizes)) for size in each.shape)) for each in given}
    tables: dict[str, dict[int, np.ndarray]] = {}
    for parameter in system.parameters:
        tables.setdefault(parameter.letter, {})[int(parameter.index[0])] = values[parameter.name]
    names = run_page(derivation.text(), {**values, **{str(size): number for size, number in sizes.items()}, **tables})
    run = Evaluator(Complex(), stacked(values, Complex()), sizes)
    backward = written_out(derivation.backward, {T: sympy.Integer(steps)})
    run.run([*unrolled(system, {T: steps}).equations, *backward])
    for parameter in system.parameters:
        true = unstacked(run.values[gradient_of(parameter).name]).real
        found = names[f"d{parameter.letter}"]
        found = found[int(parameter.index[0])] if isinstance(found, dict) else found
        np.testing.assert_allclose(found, true, rtol=0, atol=ROUNDING * max(1.0, np.abs(true).max()))


def test_figures_frame_loops_inside_loops() -> None:
    drawing = _Plan(derive(NESTED), None, None, PLAIN).drawing()
    assert [(frame.label[0], frame.depth) for frame in drawing.frames] == [("l = 1, …, N", 0), ("k = 1, …, K", 1)]
    outer, inner = drawing.frames
    assert outer.first < inner.first <= inner.last < outer.last
    again = [(arrow.label[0], arrow.column) for arrow in drawing.arrows if arrow.again]
    assert sorted(again) == [
        ("k → k + 1", "forward"),
        ("k → k − 1", "backward"),
        ("l → l + 1", "forward"),
        ("l → l − 1", "backward"),
    ]
    crossing = {arrow.label[0] for arrow in drawing.arrows if arrow.column == "forward" and not arrow.again}
    assert crossing == {"", "l = 1", "k = 1", "k = K", "l = N"}


def test_figures_draw_both_passes_of_rows_that_loops_read_and_make() -> None:
    stacked = "Input(T, 3) >> Dense(3) >> RNN(2, sequence=True) >> RNN(4) >> Dense(2) >> MeanSquaredError()"
    derivation = derive(stacked)
    drawing = _Plan(derivation, None, None, PLAIN).drawing()
    back = {box.name for box in drawing.boxes if box.column == "backward"}
    assert {"delta2[t]", "dh2[t]", "delta3[t]", "dh3[t]", "dh3[t - 1]"} <= back
    given = {box.name for box in drawing.boxes if box.column == "gradient"}
    assert given == {f"d{each.name}" for each in derivation.system.parameters}
    rows = [box.row for name in ("a2[t]", "h2[t]", "a3[t]", "h3[t]", "z4") for box in drawing.boxes if box.name == name]
    labels = {(arrow.start, arrow.end): arrow.label[0] for arrow in drawing.arrows if not arrow.again}
    assert labels[rows[1], rows[2]] == ""  # moment t reads moment t, not the last
    assert labels[rows[3], rows[4]] == "row t"
    assert labels[rows[4], rows[3]] == "δ⁽⁴⁾ W⁽⁴⁾   (row t)"
    brief = lessened(drawing, DETAILS[-1])
    assert layout(measured(brief)).width < layout(measured(drawing)).width / 1.4
    assert [box.name for box in brief.boxes] == [box.name for box in drawing.boxes]
    assert "Σ[t=1…T]" in next(box.label[0] for box in drawing.boxes if box.name == "dR3")


def test_differences_pair_the_equations_of_loops_inside_loops() -> None:
    changed = diff(NESTED, NESTED.replace("K)", "K, tied=True)"))
    lines = [line for line in changed.pretty().splitlines() if line.startswith(("- ", "+ "))][3:]
    assert [re.sub(r"^. \((\d+)\)  ", r"\1 ", line) for line in lines] == [
        "13 ∂L/∂W⁽²ˡ⁻¹⁾ₖ = δ⁽²ˡ⁻¹⁾ₖ a⁽²ˡ⁻¹⁾ₖ₋₁ᵀ   (l = 1, …, N, k = 1, …, K)",
        "13 ∂L/∂W⁽²ˡ⁻¹⁾₁ = Σ[k=1…K] δ⁽²ˡ⁻¹⁾ₖ a⁽²ˡ⁻¹⁾ₖ₋₁ᵀ   (l = 1, …, N)",
        "14 ∂L/∂b⁽²ˡ⁻¹⁾ₖ = δ⁽²ˡ⁻¹⁾ₖ   (l = 1, …, N, k = 1, …, K)",
        "14 ∂L/∂b⁽²ˡ⁻¹⁾₁ = Σ[k=1…K] δ⁽²ˡ⁻¹⁾ₖ   (l = 1, …, N)",
    ]
    assert "12 equations stay the same." in changed.pretty()


def test_a_power_of_a_size_that_varies_from_block_to_block_is_printed() -> None:
    k = sympy.Function("k", integer=True, positive=True)(Symbol("l", integer=True, positive=True))
    assert latex(Scalar(1 / (k**2 + 1)) * Variable("x", (), ())) == r"\frac{1}{k_{l}^{2} + 1} x"


def test_a_block_behind_other_layers_says_which_layer_it_is() -> None:
    """Layers before a Repeat shift its numbers: the page says by how much, and whose width `n_l` is."""
    one = derive("Input(n) >> Dense(n_0) >> Repeat(Dense(n_l) >> Tanh(), N) >> MeanSquaredError()").pretty()
    assert "l counts the blocks: block l is layer l + 1, behind layer 1; nₗ is the width of block l." in one
    two = derive("Input(n) >> Dense(k) >> Dense(k) >> Repeat(Dense(k) >> Tanh(), N) >> MeanSquaredError()").pretty()
    assert "block l is layer l + 2, behind layers 1 to 2." in two
    assert "counts" not in derive("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()").pretty()
