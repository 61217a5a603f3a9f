"""What changes between two networks: which equations, what is marked in them, and how each notation says it."""

from __future__ import annotations

import html.parser
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import symprop
from symprop.algebra.names import variable
from symprop.algebra.nodes import Add, Diag, Identity, MatMul, Multiply, Node, Power, Scalar, Sum
from symprop.algebra.trees import variables
from symprop.differences.changes import Change
from symprop.differences.difference import NetworkDifference, diff
from symprop.differences.layers import MOST_CELLS, aligned, stations
from symprop.differences.marks import TERM, WHOLE, marked, pieces, plain, shown
from symprop.differences.trees import Classes, Comparing
from symprop.errors import LimitError, SpecError
from tests.patience import at_once

PLAIN = "Input(4) >> Dense(5) >> Tanh() >> Dense(5) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
SKIP = "Input(4) >> Dense(5) >> Tanh() >> Residual(Dense(5) >> Tanh()) >> Dense(2) >> SoftmaxCrossEntropy()"
DEEPER = PLAIN.replace("Dense(2)", "Dense(6) >> ReLU() >> Dense(2)")
CODER = "Input(8) >> Dense(3) >> Tanh() >> Dense(8) >> MeanSquaredError()"
TIED = 'Input(8) >> Dense(3) >> Tanh() >> Dense(8, tied="W1.T") >> MeanSquaredError()'
LOOP = "Input(n) >> Repeat(Dense(n) >> Tanh(), L) >> MeanSquaredError()"
LOOP_SKIP = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), L) >> MeanSquaredError()"
STEPS = "Input(4) >> Dense(5) >> Repeat(Dense(5) >> Tanh(), 3) >> Dense(2) >> MeanSquaredError()"
WORDS = "Input(1) >> Embedding(27, 10) >> Dense(10) >> Tanh() >> Dense(27) >> SoftmaxCrossEntropy()"

PAIRS: dict[str, tuple[str, str]] = {
    "residual added": (PLAIN, SKIP),
    "residual removed": (SKIP, PLAIN),
    "layers added": (PLAIN, DEEPER),
    "layers removed": (DEEPER, PLAIN),
    "layers in the middle": (PLAIN, PLAIN.replace("Dense(5)", "Dense(6) >> ReLU() >> Dense(5)", 1)),
    "weight tied": (CODER, TIED),
    "weight untied": (TIED, CODER),
    "table tied": (WORDS, WORDS.replace("Dense(27)", 'Dense(27, tied="E1")')),
    "repeat tied": (STEPS, STEPS.replace(", 3)", ", 3, tied=True)")),
    "the same": (PLAIN, PLAIN),
    "activation": (PLAIN, PLAIN.replace("Tanh", "ReLU", 1)),
    "width": (PLAIN, PLAIN.replace("Dense(5)", "Dense(7)")),
    "loss": (PLAIN, PLAIN.replace("SoftmaxCrossEntropy", "MeanSquaredError")),
    "penalty": (PLAIN, f"{PLAIN} + L2(0.01)"),
    "coefficient": (f"{PLAIN} + L2(0.1)", f"{PLAIN} + L2(0.01)"),
    "bias": (PLAIN, PLAIN.replace("Dense(5)", "Dense(5, bias=False)", 1)),
    "projection": (
        "Input(4) >> Residual(Dense(4) >> Tanh()) >> Dense(2) >> MeanSquaredError()",
        "Input(4) >> Residual(Dense(6) >> Tanh(), projection=True) >> Dense(2) >> MeanSquaredError()",
    ),
    "recurrence": (LOOP, LOOP_SKIP),
    "count of a recurrence": (LOOP_SKIP, LOOP_SKIP.replace("L)", "N)")),
    "recurrence written out": (LOOP, LOOP.replace("L)", "2)")),
    "no loss": ("Input(4) >> Dense(4) >> Tanh()", "Input(4) >> Residual(Dense(4) >> Tanh())"),
    "loss added": ("Input(4) >> Dense(4) >> Tanh()", "Input(4) >> Dense(4) >> Tanh() >> MeanSquaredError()"),
    "longer repeat": (STEPS, STEPS.replace(", 3)", ", 5)")),
    "activation gone": (PLAIN, PLAIN.replace(" >> Tanh()", "", 1)),
    "inside the block": (SKIP, SKIP.replace("Residual(", "Residual(Dense(6) >> ReLU() >> ")),
    "residual to highway": (SKIP, SKIP.replace("Residual", "Highway")),
    "branch added": (SKIP, SKIP.replace("Residual(Dense(5) >> Tanh())", "Sum(Dense(5) >> Tanh(), Dense(5), ())")),
    "gates": (
        "Input(n) >> Repeat(GLU(n), L) >> MeanSquaredError()",
        "Input(n) >> Repeat(Highway(SwiGLU(n)), L) >> MeanSquaredError()",
    ),
    "all else": ("Input(4) >> Dense(3) >> MeanSquaredError()", "Input(9) >> Softmax() >> BinaryCrossEntropy(True)"),
}


@pytest.fixture(scope="module")
def found() -> dict[str, NetworkDifference]:
    return {name: diff(*pair) for name, pair in PAIRS.items()}


def lines(changes: tuple[Change, ...], mark: str = "[]") -> list[str]:
    """The equations of changes, the marked parts in brackets, that of A with - and that of B with +."""
    written = []
    for change in changes:
        for sign, side in (("-", change.before), ("+", change.after)):
            if side is not None:
                right = shown(pieces(side.marked.pretty()), mark[0], mark[1])
                written.append(f"{sign} {side.left.pretty()} = {right}")
    return written


def test_a_residual_block_shows_in_the_jacobian_and_in_the_recurrence(found: dict[str, NetworkDifference]) -> None:
    difference = found["residual added"]
    assert difference.layers == ("Residual is added around Dense(5) >> Tanh(), layers 3 and 4 of B",)
    assert lines(difference.changed) == [
        "- δ₁ = (W₂ᵀ δ₂) ⊙ (1 − a₁ ⊙ a₁)",
        "+ δ₁ = (W₂ᵀ δ₂[ + ∂L/∂a₂]) ⊙ (1 − a₁ ⊙ a₁)",
    ]
    assert lines(difference.added) == ["+ a₂ = f₂ + a₁", "+ ∂L/∂a₂ = W₃ᵀ δ₃"]
    assert not difference.removed
    assert lines(difference.jacobians) == [
        "- ∂a₂/∂a₁ = diag(1 − a₂ ⊙ a₂) W₂",
        "+ ∂a₂/∂a₁ = diag(1 − f₂ ⊙ f₂) W₂[ + I]",
    ]
    # what B names and A writes out is told where it is new
    assert "∂L/∂a₂ = W₃ᵀ δ₃   (A writes it inside δ₂)" in difference.pretty()


def test_taking_the_block_away_marks_the_same_in_the_old_equations(found: dict[str, NetworkDifference]) -> None:
    added, removed = found["residual added"], found["residual removed"]
    turned = {"-": "+", "+": "-"}

    def as_turned(changes: tuple[Change, ...]) -> list[str]:
        return sorted(turned[line[0]] + line[1:] for line in lines(changes))

    assert as_turned(removed.changed) == sorted(lines(added.changed))
    assert as_turned(removed.jacobians) == sorted(lines(added.jacobians))
    assert as_turned(removed.removed) == sorted(lines(added.added))


def test_a_tied_weight_makes_its_gradient_a_sum(found: dict[str, NetworkDifference]) -> None:
    difference = found["weight tied"]
    assert lines(difference.changed) == [
        "- z₂ = [W₂] a₁ + b₂",
        "+ z₂ = [W₁ᵀ] a₁ + b₂",
        "- δ₁ = ([W₂ᵀ] δ₂) ⊙ (1 − a₁ ⊙ a₁)",
        "+ δ₁ = ([W₁] δ₂) ⊙ (1 − a₁ ⊙ a₁)",
        "- ∂L/∂W₁ = δ₁ xᵀ",
        "+ ∂L/∂W₁ = δ₁ xᵀ[ + a₁ δ₂ᵀ]",
    ]
    assert lines(difference.removed) == ["- ∂L/∂W₂ = δ₂ a₁ᵀ"]
    repeat = found["repeat tied"]
    assert "+ ∂L/∂W₂ = δ₂ z₁ᵀ[ + δ₃ a₂ᵀ + δ₄ a₃ᵀ]" in lines(repeat.changed)
    assert "+ ∂L/∂b₂ = δ₂[ + δ₃ + δ₄]" in lines(repeat.changed)
    assert repeat.layers == ("the 3 blocks of Repeat(Dense(5) >> Tanh(), 3) share their weights in B",)
    table = found["table tied"]
    assert "+ ∂L/∂E₁ = onehot(x)ᵀ (W₁ᵀ δ₁)ᵀ[ + δ₂ a₁ᵀ]" in lines(table.changed)


def test_layers_in_the_middle_renumber_and_do_not_change_the_rest(found: dict[str, NetworkDifference]) -> None:
    difference = found["layers added"]
    assert difference.layers == ("Dense(6) >> ReLU() is added, after Tanh(), layer 4 of A",)
    assert not difference.changed and not difference.removed
    assert lines(difference.added, "  ") == [
        "+ z₃ = W₃ a₂ + b₃",
        "+ a₃ = ReLU(z₃)",
        "+ δ₃ = (W₄ᵀ δ₄) ⊙ 1[z₃ > 0]",
        "+ ∂L/∂W₃ = δ₃ a₂ᵀ",
        "+ ∂L/∂b₃ = δ₃",
    ]
    page = difference.pretty()
    assert "16 equations stay the same, 4 of them under another name: z₃ → z₄, δ₃ → δ₄, ∂L/∂W₃ → ∂L/∂W₄," in page
    assert "In B, the equation of δ₂ looks as in A, but W₃ and δ₃ stand for other arrays." in page
    assert lines(difference.jacobians) == ["+ ∂a₃/∂a₂ = diag(1[z₃ > 0]) W₃"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("layers added", "In B, z₄ and ∂L/∂W₄ read a₃ in the place of a₂."),
        ("activation gone", "In B, z₂ and ∂L/∂W₂ read z₁ in the place of a₁."),
        ("inside the block", "In B, z₃ and ∂L/∂W₃ read a₂ in the place of a₁."),
    ],
)
def test_what_is_read_in_another_place_is_told(found: dict[str, NetworkDifference], name: str, sentence: str) -> None:
    assert sentence in found[name].pretty()
    assert not found["residual added"].rewired and not found["width"].rewired


def test_an_inserted_factor_is_marked_in_a_product(found: dict[str, NetworkDifference]) -> None:
    assert lines(found["inside the block"].jacobians) == [
        "- ∂a₂/∂a₁ = diag(1 − f₂ ⊙ f₂) W₂ + I",
        "+ ∂a₃/∂a₁ = diag(1 − f₃ ⊙ f₃) W₃ [diag(1[z₂ > 0])] [W₂] + I",
    ]


def test_a_recurrence_is_compared_for_a_general_block(found: dict[str, NetworkDifference]) -> None:
    difference = found["recurrence"]
    assert "+ ∂a⁽ˡ⁾/∂a⁽ˡ⁻¹⁾ = diag(1 − f⁽ˡ⁾ ⊙ f⁽ˡ⁾) W⁽ˡ⁾[ + I]" in lines(difference.jacobians)
    assert "+ δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾ᵀ δ⁽ˡ⁺¹⁾[ + ∂L/∂a⁽ˡ⁺¹⁾]) ⊙ (1 − f⁽ˡ⁾ ⊙ f⁽ˡ⁾)" in lines(difference.changed)
    page = difference.pretty()
    assert "(l < L)" in page and "(l = 1, …, L, ∂ℒ/∂a⁽ˡ⁾ written out)" in page and "∂L/" not in page
    renamed = found["count of a recurrence"]
    assert not renamed.changed + renamed.added + renamed.removed and "∂ℒ/∂a⁽ᴸ⁾ → ∂ℒ/∂a⁽ᴺ⁾" in renamed.pretty()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("Residual(Dense(3) >> Tanh())", "Highway(Dense(3) >> Tanh())", ["Residual becomes Highway, layer 2"]),
        ("Dense(3)", "GLU(3)", ["Dense(3) becomes GLU(3), layer 1"]),
        (
            "Residual(Dense(3) >> Tanh())",
            "Sum(Dense(3) >> Tanh(), Dense(3), ())",
            [
                "a branch Dense(3) is added beside Dense(3) >> Tanh() and Identity(), layer 3 of B",
                "Residual becomes Sum of 3 branches, layer 2 of A, 3 of B",
            ],
        ),
        (
            "Multiply(Dense(3), Dense(3) >> Sigmoid())",
            "Dense(3)",
            [
                "Multiply of 2 branches is removed around Dense(3), layers 1 to 3 of A",
                "a branch Dense(3) >> Sigmoid() is removed beside Dense(3), layers 2 and 3 of A",
            ],
        ),
        (
            "Sum(Dense(3) >> Tanh(), GLU(3), Dense(3))",
            "Sum(GLU(3), Dense(3) >> Tanh(), Dense(3))",
            ["the branches of Sum stand in another order, layers 1 to 4 of B"],
        ),
        ("Sum(Dense(3) >> Tanh(), Tanh())", "Sum(Dense(3) >> ReLU(), Tanh())", ["Tanh() becomes ReLU(), layer 2"]),
    ],
)
def test_what_became_of_branches_is_told(before: str, after: str, said: list[str]) -> None:
    first, second = (f"Input(3) >> {block} >> Dense(2) >> MeanSquaredError()" for block in (before, after))
    assert list(diff(first, second).layers) == said


def test_terms_in_another_order_change_no_equation() -> None:
    first = "Input(3) >> Sum(Dense(3) >> Tanh(), GLU(3)) >> Dense(2) >> MeanSquaredError()"
    found = diff(first, "Input(3) >> Sum(GLU(3), Dense(3) >> Tanh()) >> Dense(2) >> MeanSquaredError()")
    assert not (found.changed or found.added or found.removed or found.jacobians)


def test_what_only_shapes_change(found: dict[str, NetworkDifference]) -> None:
    difference = found["width"]
    assert difference and not difference.changed + difference.added + difference.removed + difference.jacobians
    assert [(old.name, str(old.shape), str(new.shape)) for old, new in difference.shapes][:2] == [
        ("z1", "(5,)", "(7,)"),
        ("W1", "(5, 4)", "(7, 4)"),
    ]
    assert "no equation changes" in difference.pretty() and "W₁ from (5, 4) to (7, 4)" in difference.pretty()
    assert difference.layers == ("Dense(5) becomes Dense(7), twice: layer 1; layer 3",)


def test_the_same_network_twice(found: dict[str, NetworkDifference]) -> None:
    difference = found["the same"]
    assert not difference and len(difference.same) == 16
    assert "the networks are the same: no equation changes" in difference.pretty()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("activation", ["- δ₁ = (W₂ᵀ δ₂) ⊙ [(1 − a₁ ⊙ a₁)]", "+ δ₁ = (W₂ᵀ δ₂) ⊙ [1[z₁ > 0]]"]),
        ("loss", ["- δ₃ = [p] − y", "+ δ₃ = [z₃] − y"]),
        ("penalty", ["- ∂L/∂W₁ = δ₁ xᵀ", "+ ∂L/∂W₁ = δ₁ xᵀ[ + 0.01 W₁]"]),
        ("coefficient", ["- ∂L/∂W₁ = δ₁ xᵀ + [0.1] W₁", "+ ∂L/∂W₁ = δ₁ xᵀ + [0.01] W₁"]),
        ("bias", ["- z₁ = W₁ x[ + b₁]", "+ z₁ = W₁ x"]),
        ("projection", ["- a₁ = f₁ + [x]", "+ a₂ = f₁ + [z₂]"]),
        ("activation gone", ["- δ₁ = (W₂ᵀ δ₂)[ ⊙ (1 − a₁ ⊙ a₁)]", "+ δ₁ = W₂ᵀ δ₂"]),
    ],
)
def test_marks_are_as_small_as_what_changed(
    found: dict[str, NetworkDifference], name: str, expected: list[str]
) -> None:
    written = lines(found[name].changed)
    assert [line for line in expected if line not in written] == [], written


def test_networks_without_a_loss(found: dict[str, NetworkDifference]) -> None:
    assert "neither network has a loss" in found["no loss"].pretty()
    assert "+ ∂a₁/∂x = diag(1 − f₁ ⊙ f₁) W₁[ + I]" in lines(found["no loss"].jacobians)
    assert "A has no loss" in found["loss added"].pretty() and not found["loss added"].shapes


def test_a_longer_repeat_is_said_once(found: dict[str, NetworkDifference]) -> None:
    difference = found["longer repeat"]
    assert difference.layers == ("Repeat(Dense(5) >> Tanh(), 3) has 5 blocks in B",)
    assert not difference.changed and len(difference.jacobians) == 2


def test_a_number_of_blocks_becomes_a_name_and_a_name_a_number(found: dict[str, NetworkDifference]) -> None:
    assert found["recurrence written out"].layers == ("Repeat(Dense(n) >> Tanh(), L) has 2 blocks in B",)
    assert diff(LOOP.replace("L)", "3)"), LOOP).layers == ("Repeat(Dense(n) >> Tanh(), 3) has L blocks in B",)
    other = diff(LOOP.replace("L)", "3)"), LOOP_SKIP).layers  # another block: no count alone
    assert len(other) == 2 and other[0].endswith("removed, layers 1 to 6 of A")


def test_layers_that_were_removed_are_numbered_from_the_first_to_the_last(found: dict[str, NetworkDifference]) -> None:
    assert found["layers removed"].layers == ("Dense(6) >> ReLU() is removed, layers 5 and 6 of A",)


@pytest.mark.parametrize("name", PAIRS)
def test_every_equation_stands_once(found: dict[str, NetworkDifference], name: str) -> None:
    """Nothing is lost and nothing told twice: each side lists the equations of its own derivation, by number."""
    difference = found[name]
    for network, sides in (
        (difference.before, [change.before for change in difference.changes]),
        (difference.after, [change.after for change in difference.changes]),
    ):
        numbers = sorted(side.number for side in sides if side is not None and side.number is not None)
        if network.system().loss is not None:
            assert numbers == sorted(symprop.derive(network).numbers.values())
        else:
            assert numbers == list(range(1, len(list(network.system().equations)) + 1))


@pytest.mark.parametrize("name", PAIRS)
def test_both_sides_are_the_equations_of_the_pages(found: dict[str, NetworkDifference], name: str) -> None:
    """A side without its marks is the derivation's own formula, an adjoint perhaps written out."""
    difference = found[name]
    for index, network in enumerate((difference.before, difference.after)):
        if network.system().loss is None:
            continue
        derivation = symprop.derive(network)
        for change in difference.changes:
            side = (change.before, change.after)[index]
            if side is None or side.number is None:
                continue
            equation = derivation.by_name[side.left.text()]
            assert side.right == equation.expression
            names = {part.name for part in variables(side.right)}
            if names == {part.name for part in variables(side.marked)}:  # else an adjoint is written out
                assert plain(pieces(side.marked.pretty())) == equation.expression.pretty()
                assert plain(pieces(side.marked.latex())) == equation.expression.latex()


@pytest.mark.parametrize("name", PAIRS)
def test_what_stays_differs_in_names_alone(found: dict[str, NetworkDifference], name: str) -> None:
    """An equation that is said to stay has the same form, numbers left out, unless an adjoint is written in place."""
    for change in found[name].same:
        assert change.before is not None and change.after is not None
        forms = [
            re.sub(r"\b(?:[afzxe]|delta|[WbE])\d*(?:\[[^\]]*\])?|\d+", "v", side.right.text())
            for side in (change.before, change.after)
        ]
        in_place = any(other.places for other in found[name].changes)
        assert forms[0] == forms[1] or in_place


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_batches_are_compared_too(layout: str) -> None:
    difference = diff(PLAIN, SKIP, layout=layout)
    assert len(difference.changed) == 1 and len(difference.added) == 2
    assert "∂L/∂a₂" in difference.pretty() and "Jacobians, of one example" in difference.pretty()
    mark = " + ∂L/∂a₂"
    assert any(f"[{mark}]" in line for line in lines(difference.changed))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("notation", ["pretty", "text"])
def test_carets_stand_below_what_is_marked(found: dict[str, NetworkDifference], name: str, notation: str) -> None:
    page = found[name].pretty() if notation == "pretty" else found[name].text()
    rows = page.split("\n")
    assert not any(row != row.rstrip() for row in rows)
    for above, below in itertools.pairwise(rows):
        if "^" in below and set(below) <= {" ", "^"}:
            assert above[0] in "+-"
            spans = [match.span() for match in re.finditer(r"\^+", below)]
            assert all(above[start] != " " and above[end - 1] != " " for start, end in spans)


def test_the_page_of_a_residual_block() -> None:
    assert diff(PLAIN, SKIP).text().split("\n")[10:22] == [
        "  Backward pass",
        "  ─────────────",
        "+ (10)  da2 = W3.T @ delta3   (A writes it inside delta2)",
        "- (10)  delta1 = (W2.T @ delta2) * (1 - a1 * a1)",
        "+ (12)  delta1 = (W2.T @ delta2 + da2) * (1 - a1 * a1)",
        "                                ^^^^^",
        "",
        "  Jacobians",
        "  ─────────",
        "- da2/da1 = diag(1 - a2 * a2) @ W2",
        "+ da2/da1 = diag(1 - f2 * f2) @ W2 + eye(5)",
        "                                   ^^^^^^^^",
    ]


def test_many_changes_of_one_form_are_told_by_the_first() -> None:
    deep = "Input(4) >> Repeat(Dense(4) >> Tanh(), 30) >> Dense(2) >> MeanSquaredError()"
    difference = diff(deep, deep.replace("Dense(4) >> Tanh()", "Residual(Dense(4) >> Tanh())"))
    page = difference.pretty()
    assert len(page.split("\n")) < 90 and "more like that of" in page
    assert len(difference.changed) == 29 and len(difference.jacobians) == 30
    places = "30 times: layers 1 and 2; layers 3 and 4; layers 5 and 6 and 27 more"
    assert difference.layers == (f"Residual is added around Dense(4) >> Tanh(), {places}",)


class _Tags(html.parser.HTMLParser):
    """Checks that every element is closed by its own end tag."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes).get("class") or ""))
        if tag not in ("meta", "br", "mspace"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", PAIRS)
def test_html_is_well_formed(found: dict[str, NetworkDifference], name: str) -> None:
    for page in (found[name].html(), found[name]._repr_html_()):
        parser = _Tags()
        parser.feed(page)
        assert not parser.open
        assert not re.search("[\ue000-\uf8ff]", page)
        assert "<script" not in page and "http" not in re.sub(r'xmlns="[^"]*"|http-equiv', "", page)
    kinds = dict(parser.seen)
    if found[name].changed:
        assert ("mrow", "came") in parser.seen or ("mrow", "went") in parser.seen
    assert ("ins" in kinds) == any(
        change.after for change in found[name].changes if change.kind in ("added", "changed")
    )


def test_html_marks_the_new_term() -> None:
    page = diff(PLAIN, SKIP)._repr_html_()
    assert re.search(r'<mrow class="came">(<mrow />|<mrow></mrow>)?<mo>\+</mo><mi>I</mi>', page), page
    assert 'class="went"><mo>' not in page


@pytest.mark.parametrize("name", PAIRS)
def test_latex_marks_in_balanced_groups(found: dict[str, NetworkDifference], name: str) -> None:
    page = found[name].latex()
    assert page.count("{") - page.count(r"\{") == page.count("}") - page.count(r"\}")
    assert page.count(r"\left") == page.count(r"\right") and not re.search("[\ue000-\uf8ff]", page)


def test_latex_marks_the_new_term() -> None:
    page = diff(PLAIN, SKIP).latex()
    assert r"W_2\came{{} + I}" in page and r"\came{{} + \frac{\partial L}{\partial a_2}}" in page


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(found: dict[str, NetworkDifference], tmp_path: Path) -> None:
    for name in ("residual added", "repeat tied", "recurrence", "all else", "penalty", "the same"):
        stem = name.replace(" ", "_")
        (tmp_path / f"{stem}.tex").write_text(found[name].latex(), encoding="utf-8")
        run = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{stem}.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, run.stdout[-2000:]


def test_long_formulas_are_cut_with_their_marks() -> None:
    long = "Input(4) >> Repeat(Dense(4) >> Tanh(), 14) >> MeanSquaredError()"
    difference = diff(f"{long} + L2(0.1)", f"{long} + L2(0.2)")
    shared = diff(long, long.replace(", 14)", ", 14, tied=True)"))
    for page in (difference.pretty(), shared.pretty(), difference.text(), shared.latex()):
        assert all(len(line) <= 130 for line in page.split("\n") if r"\class" not in line and "\\" not in line)
    added = [row for row in shared.pretty().split("\n") if row.startswith("+") and "δ₁₄ a₁₃ᵀ" in row]
    assert added and added[0].startswith("+   ")


OTHER_NETWORKS = [3, None, "", "Input(4", "Dense(3)", "Input(4) >> Dens(3)", b"Input(4)", "Input(4) >> Dense(0)"]


@pytest.mark.parametrize("wrong", OTHER_NETWORKS)
def test_what_is_no_network_is_refused(wrong: object) -> None:
    for pair in ((wrong, PLAIN), (PLAIN, wrong)):
        with pytest.raises(SpecError) as caught:
            diff(*pair)
        assert str(caught.value).count("\n") <= 2
    with pytest.raises(SpecError, match="layout"):
        diff(PLAIN, SKIP, layout="diagonal")


def test_names_in_formulas_are_escaped() -> None:
    own = 'Input(3) >> Dense(3) >> Activation("x * sigmoid(x)", name="swish_2_a") >> Loss("sum((a - y)**4)")'
    other = own.replace("swish_2_a", "soft_er").replace("x * sig", "x + sig")
    difference = diff(own, other)
    assert r"\operatorname{swish\_2\_a}" in difference.latex() and "swish" in difference.html()
    hostile = 'Input(3) >> Dense(3) >> Loss("sum((a - y)**4 * (a > 0))", name="b")'
    page = diff(own, hostile).html()
    assert "(a > 0)" not in page and "(a &gt; 0)" in page


def test_two_networks_with_little_in_common_are_refused_above_a_limit() -> None:
    first = symprop.parse_network("Input(4) >> Dense(3) >> Repeat(Dense(4) >> Tanh(), 4000) >> Dense(2)")
    second = symprop.parse_network("Input(4) >> Dense(5) >> Repeat(Tanh() >> Dense(4), 4000) >> Dense(3)")
    ours, theirs = stations(first), stations(second)
    assert len(ours) * len(theirs) > MOST_CELLS
    with pytest.raises(LimitError, match="too little in common"):
        aligned(ours, theirs)


def test_long_networks_are_aligned_quickly() -> None:
    first = stations(symprop.parse_network("Input(4) >> Dense(4) >> Repeat(Dense(4) >> Tanh(), 1000) >> Dense(2)"))
    second = stations(
        symprop.parse_network(
            "Input(4) >> Dense(4, bias=False) >> Repeat(Residual(Dense(4) >> Tanh()), 1000) >> Dense(3)"
        )
    )
    with at_once():
        pairs = aligned(first, second)
    assert sum(a is not None and b is not None for a, b in pairs) == 2002
    assert all(b is not None and b.closes for a, b in pairs if a is None)


ACTIVATIONS = [symprop.Tanh(), symprop.ReLU(), symprop.GELU(), symprop.Softmax(), symprop.Identity()]


def random_row(random: Random, width: int, depth: int = 0) -> symprop.networks.Chain:
    parts: list[symprop.networks.Layer] = []
    for _ in range(random.randint(1, 3)):
        kind = random.random()
        if kind < 0.5 or depth == 2:
            parts += [symprop.Dense(width, bias=random.random() < 0.8), random.choice(ACTIVATIONS)]
        elif kind < 0.65:
            inside = random_row(random, width, depth + 1)
            one = random.choice([symprop.Highway(inside), symprop.Sum(inside, symprop.GLU(width), ())])
            parts.append(random.choice([one, symprop.Multiply(symprop.Tanh(), inside)]))
        elif kind < 0.8:
            parts.append(symprop.Residual(random_row(random, width, depth + 1), projection=random.random() < 0.2))
        else:
            tied = random.random() < 0.5
            parts.append(symprop.Repeat(random_row(random, width, depth + 1), random.randint(1, 3), tied=tied))
    return symprop.networks.Chain(tuple(parts))


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(k, marks=pytest.mark.slow) for k in range(8, 25))])
def test_random_networks_are_compared_whole(seed: int) -> None:
    """Each equation of both pages stands once, a network is the same as itself, and every notation prints."""
    random = Random(seed)
    loss = random.choice([symprop.MeanSquaredError(), symprop.SoftmaxCrossEntropy() + symprop.L2(0.1)])
    first, second = (symprop.Input(3) >> random_row(random, 3) >> symprop.Dense(3) >> loss for _ in range(2))
    difference = diff(first, second)
    for derivation, sides in (
        (symprop.derive(first), [change.before for change in difference.changes]),
        (symprop.derive(second), [change.after for change in difference.changes]),
    ):
        numbers = sorted(side.number for side in sides if side is not None and side.number is not None)
        assert numbers == sorted(derivation.numbers.values())
    for page in (difference.pretty(), difference.text(), difference.latex(), difference.html()):
        assert not re.search("[\ue000-\uf8ff]", page)
    assert not diff(first, first) and not diff(second, second)


def test_output_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "import json, symprop\n"
        f"pairs = {[list(PAIRS[name]) for name in ('residual added', 'repeat tied', 'recurrence', 'all else')]!r}\n"
        "found = [symprop.diff(a, b) for a, b in pairs]\n"
        "print(json.dumps([[d.pretty(), d.text(), d.latex(), d.html()] for d in found]))\n"
    )
    outputs = []
    for seed in ("0", "1", "77"):
        run = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(json.loads(run.stdout))
    assert outputs[0] == outputs[1] == outputs[2]


# Trees, without networks around them.

x, u, v = variable("x", (3,)), variable("u", (3,)), variable("v", (3,))
A, B = variable("A", (3, 3)), variable("B", (3, 3))


def edited(before: Node, after: Node) -> tuple[str, str]:
    """Both formulas with their marks, every name standing for itself."""
    classes = Classes()
    for name in ("x", "u", "v", "A", "B"):
        classes.join(name, name)
    edit = Comparing(classes).edit(before, after)
    return shown(pieces(edit.before.pretty()), "[", "]"), shown(pieces(edit.after.pretty()), "[", "]")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (x, Add(x, u), ("x", "x[ + u]")),
        (x, Add(u, x), ("x", "[u + ]x")),
        (Add(x, u), Add(u, x), ("x + u", "u + x")),
        (Add(x, -u), Add(x, u), ("x[ − u]", "x[ + u]")),
        (Multiply(x, u), Multiply(x, u, v), ("x ⊙ u", "x ⊙ u[ ⊙ v]")),
        (MatMul(A, x), MatMul(A, MatMul(B, x)), ("A x", "A [B] x")),
        (MatMul(Diag(u), A), Add(MatMul(Diag(u), A), Identity(3)), ("diag(u) A", "diag(u) A[ + I]")),
        (MatMul(Diag(u), A), MatMul(Diag(v), A), ("diag([u]) A", "diag([v]) A")),
        (Multiply(Scalar(2), x), Multiply(Scalar(3), x), ("[2] x", "[3] x")),
        (Multiply(x, Power(u, -1)), Multiply(x, Power(v, -1)), ("x ⊘ [u]", "x ⊘ [v]")),
        (Multiply(MatMul(A, x), u), Multiply(Add(MatMul(A, x), v), u), ("(A x) ⊙ u", "(A x[ + v]) ⊙ u")),
        (A, B, ("[A]", "[B]")),
    ],
)
def test_trees_are_aligned_by_terms_and_factors(before: Node, after: Node, expected: tuple[str, str]) -> None:
    assert edited(before, after) == expected


def test_the_order_of_terms_is_no_difference_where_no_mark_can_stand() -> None:
    classes = Classes()
    for name in ("x", "u"):
        classes.join(name, name)
    assert Comparing(classes).equal(Sum(Multiply(x, u)), Sum(Multiply(u, x)))
    assert not Comparing(classes).equal(Sum(Multiply(x, u)), Sum(Multiply(u, u)))


def test_layers_that_are_the_same_stand_for_each_other_first() -> None:
    found = diff("Input(4) >> Dense(8) >> Dense(5) >> Dense(6)", "Input(4) >> Dense(9) >> Dense(5)")
    assert found.layers == ("Dense(8) becomes Dense(9), layer 1", "Dense(6) is removed, layer 3 of A")


def test_a_mark_leaves_signs_and_brackets_to_the_printer() -> None:
    assert shown(pieces(Add(x, marked(-u, TERM)).pretty()), "[", "]") == "x[ − u]"
    assert shown(pieces(Multiply(x, marked(Add(u, v), WHOLE)).pretty()), "[", "]") == "x ⊙ [(u + v)]"
    assert plain(pieces(Multiply(x, marked(Add(u, v), WHOLE)).text())) == "x * (u + v)"


def test_an_adjoint_that_one_side_names_is_equal_to_its_formula() -> None:
    classes = Classes()
    for name in ("x", "A"):
        classes.join(name, name)
    comparing = Comparing(classes)
    comparing.name({}, {"u": MatMul(A, x)})
    assert comparing.equal(Multiply(MatMul(A, x), x), Multiply(u, x))
    assert not comparing.equal(Multiply(MatMul(A, x), x), Multiply(v, x))


def test_sizes_that_a_stride_changes_are_said_once_and_a_pool_stands_for_a_pool() -> None:
    before = 'Input(8, 8, 2) >> Conv2D(4, 3, padding="same") >> MaxPool2D(2) >> Conv2D(2, 1) >> LayerNorm()'
    after = 'Input(8, 8, 2) >> Conv2D(4, 3, stride=2, padding="same") >> AveragePool2D(2) >> Conv2D(2, 1) >> RMSNorm()'
    found = " ".join(diff(before, after).pretty().split())
    assert "MaxPool2D(2) becomes AveragePool2D(2), layer 2" in found
    assert "LayerNorm() becomes RMSNorm(), layer 4" in found
    assert "z₁ from (8, 8, 4) to (4, 4, 4), s₁, z₂, r₁, x̂₁ and u₁ from (4, 4, ·) to (2, 2, ·)" in found
    assert (
        "In B: Row (i, j) of S₁,ₖ A is A[2 i + u − 2, 2 j + v − 2], 0 outside" in found
    )  # its equation looks the same


def test_equations_are_printed_as_on_the_pages_of_both_networks() -> None:
    before = "Input(8, 8, 3) >> Conv2D(4, 3) >> GlobalAveragePool() >> MeanSquaredError()"
    page = str(diff(before, before.replace(">> Global", ">> BatchNorm() >> Global")))
    assert "+ (2)  μ₁ = meanₘ(z₁)\n" in page
    assert "In B, s₁ reads u₁ in the place of z₁." in page


def test_two_forms_of_a_gated_unit_stand_side_by_side() -> None:
    found = diff(
        "Input(T, n) >> GRU(k) >> MeanSquaredError()", 'Input(T, n) >> GRU(k, reset="before") >> MeanSquaredError()'
    )
    assert "r1[t] multiplies u1[t] in A, and h1[t - 1] in B" in found.layers
    assert any("PyTorch" in each and "Cho et al. (2014)" in each for each in found.layers)
    changed = [change.before.left.text() for change in found.changed if change.before is not None]
    assert {"q1[t]", "n1[t]", "dh1[t]", "dr1[t]", "dR1"} <= set(changed) and "z1[t]" not in changed


def test_a_norm_that_moves_is_one_layer_and_what_it_does_to_the_ways_of_the_gradient_is_said() -> None:
    block = "Dense(n) >> Tanh() >> Dense(n)"
    post = f"Input(n) >> Residual({block}) >> LayerNorm() >> Residual({block}) >> LayerNorm() >> MeanSquaredError()"
    pre = f"Input(n) >> Residual(LayerNorm() >> {block}) >> Residual(LayerNorm() >> {block}) >> MeanSquaredError()"
    found = symprop.diff(post, pre)
    assert found.layers == ("LayerNorm() moves, from layer 8 of A to layer 1 of B",)
    sides = [side for change in found.changed for _, side in change.signed]
    assert not {"x_hat", "u"} & {side.left.text() for side in sides}
    for change in (*found.added, *found.removed):  # nothing is taken away here to be added there
        assert not any(change.signed[0][1].right.text() == side.right.text() for side in sides)
    said = found.pretty().replace("\n    ", " ")
    assert "in A every way of the gradient, a skip's too, is multiplied by ∂x̂₁/∂a₂" in said
    assert "every way" not in symprop.diff(pre, pre.replace("Tanh", "ReLU")).pretty()
