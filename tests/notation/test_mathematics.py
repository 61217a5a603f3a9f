"""Unicode and LaTeX: what an author would write."""

from __future__ import annotations

import re

import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Symbol

from symprop.algebra import Equation, gradient_of, size_symbol, variable
from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.notation import latex, pretty
from symprop.notation.breaking import latex_pieces, pretty_pieces
from symprop.notation.latex import LATEX
from symprop.notation.latex_letters import escaped
from symprop.notation.mathml import mathml
from symprop.notation.pretty import PRETTY, subscript, superscript
from symprop.notation.text import TEXT

from .helpers import ARRAYS, trees

W1, W2, delta1 = variable("W1", (3, 4)), variable("W2", (5, 3)), variable("delta1", (3,))
delta2, a1, a = variable("delta2", (5,)), variable("a1", (3,)), variable("a", (5,))
y, p, s, t = variable("y", (5,)), variable("p", (5,)), variable("s"), variable("t")
m, block = size_symbol("m"), Symbol("l", integer=True)
X, D = variable("X", (m, 4)), variable("delta1", (m, 3))
Y, P = variable("y", (m, 5)), variable("p", (m, 5))
Wl, dl = n.Variable("W", (block + 1,), (5, 5)), n.Variable("delta", (block + 1,), (5,))
log = FUNCTIONS["log"]

CASES = [
    (
        (W2.T @ delta2) * (1 - a1**2),
        "(W₂ᵀ δ₂) ⊙ (1 − a₁ ⊙ a₁)",
        r"\left(W_2^{\top} \delta_2\right) \odot \left(1 - a_1 \odot a_1\right)",
    ),
    (gradient_of(W2), "∂L/∂W₂", r"\frac{\partial L}{\partial W_2}"),
    (n.Outer(delta2, a1), "δ₂ a₁ᵀ", r"\delta_2 a_1^{\top}"),
    (n.Sum((a - y) ** 2) / 2, "½ ‖a − y‖²", r"\frac{1}{2} \left\|a - y\right\|^2"),
    (n.Sum(y * y), "‖y‖²", r"\left\|y\right\|^2"),
    (-n.Sum(y * log(p)), "−Σᵢ yᵢ log(pᵢ)", r"-\sum_{i} y_i \log(p_i)"),
    (-n.Sum(Y * log(P)) / m, "−(1/m) Σᵢⱼ yᵢⱼ log(pᵢⱼ)", r"-\frac{1}{m} \sum_{i,j} y_{ij} \log(p_{ij})"),
    (variable("u", (3,)) + sympy.Rational(1, 10**5), "u + 10⁻⁵", "u + 10^{-5}"),
    (variable("u", (3,)) ** sympy.Rational(1, 10**5), "u⊙^(10⁻⁵)", r"u^{\odot 1/100000}"),
    (variable("u", (3,)) / n.Scalar(sympy.sqrt(3)), "(1/√3) u", r"\frac{1}{\sqrt{3}} u"),
    (variable("Z", (3, 4)) - n.Expand(-variable("b1", (3,)), 1), "Z + b₁ 𝟏ᵀ", r"Z + b_1 \mathbf{1}^{\top}"),
    (n.Sum(D, 0), "δ₁ᵀ 𝟏", r"\delta_1^{\top} \mathbf{1}"),
    (n.Sum(n.Sum(D, 0, True), 0), "δ₁ᵀ 𝟏", r"\delta_1^{\top} \mathbf{1}"),
    (n.Sum(D, 0, True), "𝟏ᵀ δ₁", r"\mathbf{1}^{\top} \delta_1"),
    (variable("A", (2, 3)) @ n.Sum(D, 0), "A δ₁ᵀ 𝟏", r"A \delta_1^{\top} \mathbf{1}"),
    (D - n.Sum(D, 0), "δ₁ − 𝟏 𝟏ᵀ δ₁", r"\delta_1 - \mathbf{1} \mathbf{1}^{\top} \delta_1"),
    (n.Expand(variable("b1", (3,)), 1), "b₁", "b_1"),
    (n.Expand(variable("b1", (3,)), 0), "b₁ᵀ", r"b_1^{\top}"),
    (variable("Z", (3, 4)) + n.Expand(variable("b1", (3,)), 1), "Z + b₁ 𝟏ᵀ", r"Z + b_1 \mathbf{1}^{\top}"),
    (variable("Z", (3, 4)) / variable("r", (3, 1)), "Z ⊘ (r 𝟏ᵀ)", r"Z \oslash \left(r \mathbf{1}^{\top}\right)"),
    (variable("r", (1, 4)) * variable("Z", (3, 4)), "(𝟏 r) ⊙ Z", r"\left(\mathbf{1} r\right) \odot Z"),
    (n.Power(n.Sum(variable("Z", (3, 4)), 1, True), sympy.Rational(1, 2)), "√(Z 𝟏)", r"\sqrt{Z \mathbf{1}}"),
    (n.Compare(">", y, n.Scalar(0)), "1[y > 0]", r"\mathbf{1}[y > 0]"),
    (FUNCTIONS["sigmoid"](y), "σ(y)", r"\sigma(y)"),
    (FUNCTIONS["relu"](y), "ReLU(y)", r"\operatorname{ReLU}(y)"),
    (n.Variable("z", (block,), (5,)), "z⁽ˡ⁾", "z^{(l)}"),
    (Wl.T @ dl, "W⁽ˡ⁺¹⁾ᵀ δ⁽ˡ⁺¹⁾", r"W^{(l+1)\top} \delta^{(l+1)}"),
    (variable("a", (2,)).change(index=(1,), mark=2), "a₁′", r"a_1^{\prime}"),
    (y / p, "y ⊘ p", r"y \oslash p"),
    (s / t, "s/t", r"\frac{s}{t}"),
    (s * y, "s y", "s y"),
    ((P - Y) / m, "(1/m) (p − y)", r"\frac{1}{m} \left(p - y\right)"),
    (y - (p - y), "y − (p − y)", r"y - \left(p - y\right)"),
    ((a + y) ** 3, "(a + y)⊙³", r"\left(a + y\right)^{\odot 3}"),
    (y @ p, "yᵀ p", r"y^{\top} p"),
    (delta1 @ W1, "W₁ᵀ δ₁", r"W_1^{\top} \delta_1"),
    (
        n.Pullback(y, log(p), p),
        "(∂log(p)/∂p)ᵀ y",
        r"\left(\frac{\partial \log(p)}{\partial p}\right)^{\top} y",
    ),
]


@pytest.mark.parametrize(("node", "unicode", "tex"), CASES, ids=[case[1] for case in CASES])
def test_cases(node: n.Node, unicode: str, tex: str) -> None:
    assert pretty(node) == unicode
    assert latex(node) == tex


def test_sympy_and_str_reach_the_printers() -> None:
    node = W2.T @ delta2
    assert sympy.latex(node) == node.latex() == r"W_2^{\top} \delta_2"
    assert str(node) == node.pretty()
    assert Equation(delta1, node).latex() == r"\delta_1 = W_2^{\top} \delta_2"
    assert sympy.sstr(node) == node.text() == "W2.T @ delta2"
    assert node._repr_latex_().startswith("$\\displaystyle")


@pytest.mark.parametrize("table", [TEXT, PRETTY, LATEX], ids=lambda table: table.meaning)
def test_every_kind_of_node_has_a_row(table: object) -> None:
    assert all(kind in table for kind in (*n.NODE_KINDS, n.Pullback))  # type: ignore[operator]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(list(ARRAYS)))
def test_latex_is_balanced_and_pieces_lose_nothing(data: st.DataObject, shape: tuple[int, ...]) -> None:
    node = data.draw(trees(shape))
    tex = latex(node)
    assert tex.count("{") == tex.count("}")
    assert len(re.findall(r"\\left(?![a-z])", tex)) == len(re.findall(r"\\right(?![a-z])", tex))
    assert not re.search(r"\^\{[^{}]*\}\^", tex), "a double superscript"
    joined = " ".join(latex_pieces(tex, 20)).replace("\\Bigl", "\\left").replace("\\Bigr", "\\right")
    assert bare(joined) == bare(tex)
    assert " ".join(pretty_pieces(pretty(node), 20)) == pretty(node)
    assert mathml(tex).startswith("<math")


def bare(tex: str) -> str:
    """LaTeX without what a cut adds or takes: a dot between factors, and the braces of a group that is cut."""
    return re.sub(r"\\cdot(?![a-z])|[{}\s]", "", tex)


def test_names_are_escaped() -> None:
    assert escaped(r"50% of \input{x}_1 & #^~") == (
        r"50\% of \textbackslash{}input\{x\}\_1 \& \#\textasciicircum{}\textasciitilde{}"
    )
    function = FUNCTIONS["tanh"].func("my_gate", FUNCTIONS["tanh"].parameters, FUNCTIONS["tanh"].body)
    assert latex(function(y)) == r"\operatorname{my\_gate}(y)"
    assert latex(variable("y_pred")) == r"y_{\mathrm{pred}}"
    assert pretty(variable("alpha")) == "α" and latex(variable("alpha2")) == r"\alpha_2"


def test_scripts_fall_back_to_plain() -> None:
    assert superscript("(L+2)") == "⁽ᴸ⁺²⁾" and superscript("(Q)") == "^(Q)"
    assert subscript("12") == "₁₂" and subscript("b") == "_b"


def test_accents_and_decimals() -> None:
    assert pretty(variable("v_hat")) == "v\u0302" and latex(variable("v_hat")) == r"\hat{v}"
    assert pretty(variable("dot_z1")) == "ż₁" and latex(variable("W_hat1")) == r"\hat{W}_1"
    assert pretty(y * sympy.Float("0.1")) == "0.1 y" and latex(y * sympy.Float("0.1")) == "0.1 y"
    assert pretty(y * sympy.Rational(8943, 200000)) == "0.044715 y" and pretty(y / 4) == "¼ y"
    assert TEXT(n.Scalar(sympy.Float("0.1")), lambda part: None).text == "0.1"


def test_a_raised_digit_is_no_number_of_one_digit() -> None:
    assert pretty(s / n.Power(n.Scalar(2) + n.Scalar(1), 3)) == "s / (2 + 1)³"
    assert pretty(n.Scalar(1) / n.Scalar(m**3)) == "1/m³"
