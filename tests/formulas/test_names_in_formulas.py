"""Names inside a formula: their derivatives are those of the formula written out, in the names that were chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.declarations import read_declarations
from symprop.algebra.definitions import needed_for
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula, formula_of
from symprop.algebra.names import variable
from symprop.algebra.trees import replace, variables
from symprop.errors import FormulaError, LimitError, SymbolNameError
from symprop.formulas import questions
from symprop.formulas.checks.checks import check_result
from tests.patience import at_once
from tests.random_formulas import LEAVES, formulas

PROCESS = (
    "K = sf**2*exp(-D/(2*l**2)) + sn**2*eye(n); -(y @ solve(K, y) + logdet(K))/2",
    "y: n, D: n n symmetric nonnegative, sf: positive, l: positive, sn: positive",
)
CELL = (
    "i = sigmoid(Wi @ x + Ri @ h); f = sigmoid(Wf @ x + Rf @ h); o = sigmoid(Wo @ x + Ro @ h)\n"
    "g = tanh(Wg @ x + Rg @ h); c1 = f*c + i*g\nh1 = o*tanh(c1)\nv @ h1",
    "Wi: k n, Wf: k n, Wo: k n, Wg: k n, Ri: k k, Rf: k k, Ro: k k, Rg: k k, x: n, h: k, c: k, v: k",
)
NORM = (
    "mu = mean(X, axis=0); s = mean((X - mu)**2, axis=0); xh = (X - mu)/sqrt(s + eps); sum(G * (gamma*xh + beta))",
    "X: m n, G: m n, gamma: n, beta: n, eps: positive",
)
DIVERGENCE = (
    "d = m0 - w; (logdet(V) - logdet(S) - n + trace(inv(V) @ S) + d @ inv(V) @ d)/2",
    "V: n n positive-definite, S: n n positive-definite, m0: n, w: n",
)
CHAIN = ("a = A @ x; b = a * exp(-a); c = b + a; sum(b * c) * trace(A)", "A: n n, x: n")
LABELS = (
    "z = X @ W; p = exp(z)/sum(exp(z), axis=1, keepdims=True); -mean(log(p[arange(m), y]))",
    "X: m n, W: n k, y: m index k",
)
FACTOR = (
    "L = cholesky(K); a = solve(L.T, solve(L, y)); y @ a/2 + sum(log(diagonal(L)))",
    "K: n n positive-definite, y: n",
)

WRITTEN = [
    (CELL, "gradient", "Wf", "outer(v * o * c * f * (1 - tanh(c1)**2) * (1 - f), x)"),
    (CELL, "gradient", "c", "v * o * f * (1 - tanh(c1)**2)"),
    (NORM, "gradient", "gamma", "sum(G * xh, axis=0)"),
    (DIVERGENCE, "gradient", "w", "-inv(V) @ d"),
    (("K = X @ X.T; K @ y", "X: m n, y: m"), "jvp", "X", "(u @ X.T + X @ u.T) @ y"),
    (("K = X @ X.T; K @ y", "X: m n, y: m"), "jacobian", "y", "K"),
    (("r = X @ w - y; r @ r", "X: m n, w: n, y: m"), "hessian", "w", "2 * X.T @ X"),
    (("z = X @ w; p = sigmoid(z); -sum(y*log(p) + (1 - y)*log(1 - p))", "X: m n, w: n, y: m"), "hessian", "w",
     "X.T @ diag(p * (1 - p)) @ X"),
    (LABELS, "gradient", "W", "X.T @ (p - one_hot(y, k)) / m"),
    (("s = 1/(1 + exp(-X @ w)); -sum(y*log(s) + (1 - y)*log(1 - s))", "X: m n, w: n, y: m bits"), "gradient", "w",
     "X.T @ (s - y)"),
    (FACTOR, "gradient", "K", "(inv(K) - outer(a, a)) / 2"),
    (FACTOR, "gradient", "y", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "question", "by", "text"), WRITTEN)
def test_a_derivative_is_written_in_the_names_of_the_formula(asked, question, by, text):
    answer = getattr(symprop, question)(symprop.formula(*asked), by)
    assert answer.text() == text


def test_a_batch_norm_with_names_ends_in_the_formula_of_the_textbooks():
    answer = symprop.gradient(symprop.formula(*NORM), "X").pretty()
    assert answer.startswith("γ ⊙ (G − (1/m) 𝟏 𝟏ᵀ G − (1/m) xh ⊙ (𝟏 𝟏ᵀ (G ⊙ xh)))")


QUESTIONS = [
    *((PROCESS, "gradient", by) for by in ("l", "sn", "D")),
    (PROCESS, "hessian", "y"),
    (CELL, "gradient", "h"),
    (NORM, "gradient", "X"),
    (LABELS, "gradient", "W"),
    (FACTOR, "gradient", "K"),
    (DIVERGENCE, "gradient", "V"),
    *((CHAIN, question, "x") for question in ("gradient", "hessian", "hvp")),
    (("u = A @ x; w = u * x; tanh(w) + u", "A: n n, x: n"), "jacobian", "x"),
    (("u = A @ x; w = u * x; tanh(w) + u", "A: n n, x: n"), "vjp", "A"),
]


@pytest.mark.parametrize(("asked", "question", "by"), QUESTIONS)
def test_the_certificate_of_an_answer_in_names_holds_and_compares_with_the_formula_written_out(asked, question, by):
    certificate = getattr(symprop, question)(symprop.formula(*asked), by).check()
    assert certificate.ok and certificate.stable, certificate.table()
    assert {"steps", "text", "NumPy"} <= {row.name for row in certificate.rows}


BESIDE = [
    ("K = exp(x); sum(exp(x)**2 * K)", "x: n", "gradient", "x"),
    ("K = exp(x); sum(exp(x)**3) * sum(K)", "x: n", "hessian", "x"),
    ("s = sigmoid(A @ x); sum(sigmoid(A @ x)**2 * log(s))", "A: m n, x: n", "gradient", "A"),
    ("p = softmax(z); sum(softmax(z)**2 * p)", "z: n", "gradient", "z"),
    ("r = A @ x; tanh((A @ x)**2 * r)", "A: m n, x: n", "vjp", "x"),
    ("K = exp(-D); sum(K @ A @ K.T @ B)", "D: n n symmetric, A: n n, B: n n", "gradient", "D"),
    ("K = exp(-D); sum((K.T @ A)**2)", "D: n n symmetric, A: n n", "hvp", "D"),
]
"""What a name stands for is typed beside it, and a fact that holds for values of a name, not for its derivative."""


@pytest.mark.parametrize(("text", "where", "question", "by"), BESIDE, ids=[each[0] for each in BESIDE])
def test_what_is_yet_to_be_differentiated_is_not_written_by_a_name_or_a_fact(text, where, question, by):
    certificate = getattr(symprop, question)(symprop.formula(text, where), by).check()
    assert certificate.ok, certificate.table()


@st.composite
def named_formulas(draw: st.DrawFn) -> Formula:
    """A random formula with two names, one of them perhaps symmetric; what a name stands for may stand beside it."""
    leaves = {leaf.name: leaf for same in LEAVES.values() for leaf in same if isinstance(leaf, n.Variable)}
    k, K = variable("k1", (3,)), variable("k2", (3, 3))
    first, second = draw(formulas((3,), 2)), draw(formulas((3, 3), 2))
    second = draw(st.sampled_from([second, second + n.Transpose(second)]))
    beside = {
        leaves["v"]: k,
        leaves["w"]: draw(st.sampled_from([first, k])),
        leaves["C"]: draw(st.sampled_from([K, second])),
    }
    whole, second = replace(draw(formulas((), 4)), beside), replace(second, {leaves["w"]: k})
    symmetric = {leaves["C"]: leaves["C"].change(facts=(n.Fact("symmetric"),))} if draw(st.booleans()) else {}
    whole, first, second = (replace(each, symmetric) for each in (whole, first, second))
    given = [each for part in (whole, first, second) for each in variables(part) if each not in (k, K)]
    definitions = needed_for(whole, (Equation(k, first), Equation(K, second)))
    return Formula("drawn", whole, tuple(dict.fromkeys(given)), definitions)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(named_formulas(), st.sampled_from(["gradient", "hessian"]), st.integers(0, 9))
def test_random_formulas_with_names_have_the_derivative_of_what_they_stand_for(f, question, place):
    read = [each.name for each in f.variables if each in variables(f.whole.node)]
    assume(f.definitions and read)
    result = getattr(questions, question)(f, read[place % len(read)])
    first, *_ = check_result(result).rows
    assert first.ok or first.points == "0", (f.text(), first)


def test_an_answer_is_called_with_the_inputs_alone():
    f = symprop.formula(*PROCESS)
    rng = np.random.default_rng(7)
    points = rng.normal(size=(5, 2))
    given = {"D": ((points[:, None] - points) ** 2).sum(2), "y": rng.normal(size=5), "sf": 1.3, "l": 0.7, "sn": 0.4}

    def value(length):
        K = given["sf"] ** 2 * np.exp(-given["D"] / (2 * length**2)) + given["sn"] ** 2 * np.eye(5)
        return -(given["y"] @ np.linalg.solve(K, given["y"]) + np.linalg.slogdet(K)[1]) / 2

    true = value(given["l"] + 1e-5) - value(given["l"] - 1e-5)
    # central differences: their own square of the step, and rounding of the value over the step
    assert symprop.gradient(f, "l")(**given) == pytest.approx(true / 2e-5, rel=1e-7, abs=1e-7)


def test_a_derivation_has_the_equations_that_were_typed():
    d = symprop.derive(symprop.formula(*CELL))
    assert [equation.name for equation in d.system.equations] == ["i", "f", "o", "g", "c1", "h1", "L"]
    assert d.equation("dc1").text() == "dc1 = dh1 * o * (1 - tanh(c1)**2)"


def test_facts_follow_for_names_from_what_they_stand_for():
    f = symprop.formula("K = X @ X.T + s**2*eye(m); y @ inv(K) @ y", "X: m n, y: m, s: positive")
    answer = symprop.gradient(f, "y")
    assert (answer.text(), answer.ledger) == ("2 * inv(K) @ y", ("used: K is symmetric",))


def test_the_value_may_have_a_name_and_its_page_uses_it():
    f = symprop.formula("r = X @ w - y; E = r @ r", "X: m n, w: n, y: m")
    assert f.text() == "r = X @ w - y; E = r @ r"
    assert symprop.gradient(f, "w").page().splitlines()[:3] == [
        "r = X w − y   (m,)",
        "E = rᵀ r   ()",
        "∂E/∂w = 2 Xᵀ r   (n,)",
    ]


def test_formulas_with_names_compare_as_what_they_stand_for():
    assert symprop.compare("K = X @ X.T; trace(K)", "sum(X**2)", "X: m n")


REFUSED = [
    ("K = X; K = X; K", FormulaError, "'K' is defined twice", 7),
    ("X = 3; X", FormulaError, "'X' is declared as an array and defined", 0),
    ("m = 3; X", FormulaError, "'m' is declared as a size and defined", 0),
    ("K; K", FormulaError, "only the last statement has no name", 0),
    ("K = K + 1; K", FormulaError, "'K' is read before it is defined", 4),
    ("K = X\nK @ z", FormulaError, "'z' has no shape", 10),
    ("K = X; K @ inv(", FormulaError, "'(' is never closed", 14),
    ("lambda = X; X", SymbolNameError, "'lambda' is reserved", 0),
    (";", FormulaError, "';' is not part of a formula", 0),
    ("; ".join(f"a{k} = X" for k in range(201)), LimitError, "201 statements; at most 200", None),
    ("a0 = X; " + "".join(f"a{k} = a{k - 1} * exp(a{k - 1}); " for k in range(1, 60)) + "a59", LimitError,
     "with its names written out the formula has more than 5,000 parts", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "told", "column"), REFUSED)
def test_statements_that_cannot_be_read_are_refused_at_their_place(text, kind, told, column):
    with pytest.raises(kind) as problem:
        formula_of(text, read_declarations("X: m n"))
    assert str(problem.value).startswith(told)
    assert problem.value.column == column


def test_a_line_break_or_a_comment_does_not_change_what_is_read():
    one = symprop.formula("a = x @ x; exp(-a) * (a + 1)", x="n")
    two = symprop.formula("\na = (x @\n x)  # its square; not a statement\n\nexp(-a) * (a + 1)\n", x="n")
    assert one.text() == two.text()


def test_a_hundred_names_are_derived_at_once() -> None:
    text = "; ".join(f"c{k} = x @ A @ x + {k}" for k in range(100)) + "; " + " + ".join(f"c{k}**2" for k in range(100))
    given = symprop.formula(text, "A: n n, x: n")
    with at_once():
        answer = symprop.gradient(given, "x")
    assert all(f"c{k}" in answer.text() for k in range(100))
