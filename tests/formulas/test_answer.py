"""Answers as users meet them: they print, explain, evaluate, certify, and refuse in words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop.errors import FormulaError, SpecError
from tests.rounding import assert_rounded, exact

LOGISTIC = "sum(log(1 + exp(-y * (X @ w))))"
SHAPES = {"X": "m n", "w": "n", "y": "m"}


@pytest.fixture
def point(random: np.random.Generator) -> dict[str, np.ndarray]:
    return {"X": random.normal(size=(5, 3)), "w": random.normal(size=3), "y": random.choice([-1.0, 1.0], 5)}


def test_an_answer_in_every_notation() -> None:
    g = symprop.gradient(LOGISTIC, "w", **SHAPES)
    assert g.text() == "-X.T @ (y * sigmoid(-y * (X @ w)))"
    assert g.pretty() == str(g) == "−Xᵀ (y ⊙ σ(−y ⊙ (X w)))"
    assert g.latex() == r"-X^{\top} \left(y \odot \sigma{\left(-y \odot \left(X w\right)\right)}\right)"
    assert g._repr_latex_().startswith(r"$\displaystyle \frac{\partial f}{\partial w} = -X")
    assert g.shape == g.variables[1].shape
    assert "gradient of" in repr(g)


def test_an_answer_evaluates_to_what_numpy_makes_of_its_text(point: dict[str, np.ndarray]) -> None:
    for question, names in (("gradient", ("w",)), ("hessian", ("w",)), ("hvp", ("w", "v"))):
        answer = getattr(symprop, question)(symprop.formula(LOGISTIC, **SHAPES), *names)
        arrays = {**point, "v": np.arange(3.0)} if question == "hvp" else point
        known = {"sigmoid": lambda t: 1 / (1 + np.exp(-t)), "diag": np.diag}
        given = {name: exact(value) for name, value in arrays.items()}
        value = eval(compile(ast.parse(answer.text(), mode="eval"), "text", "eval"), known, given)
        assert_rounded(answer(**arrays), value)


def test_the_source_stands_alone(point: dict[str, np.ndarray], tmp_path: Path) -> None:
    g = symprop.gradient(LOGISTIC, "w", **SHAPES)
    (tmp_path / "made.py").write_text(g.numpy(), encoding="utf-8")
    np.savez(tmp_path / "point.npz", **point)
    code = "import numpy as np, made; p = np.load('point.npz'); print(repr(made.gradient(**p).tolist()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    value = eval(g.text(), {"sigmoid": lambda t: 1 / (1 + np.exp(-t))}, {k: exact(each) for k, each in point.items()})
    assert_rounded(ast.literal_eval(done.stdout), value)
    imported = {node.names[0].name for node in ast.walk(ast.parse(g.numpy())) if isinstance(node, ast.Import)}
    assert imported == {"numpy"}


def test_steps_explain_and_names_shorten() -> None:
    h = symprop.hessian("sum(softplus(X @ w))", "w", X="m n", w="n")
    steps = h.steps()
    assert len(steps) == len(h.result.steps) > 4
    assert "elementwise function sigmoid" in str(steps)
    assert "sigmoid" in steps.text() and r"\sigma" in steps.latex()
    s, body = h.named()
    assert (s.text(), body.text()) == ("s = sigmoid(X @ w)", "hessian = X.T @ diag(s * (1 - s)) @ X")
    assert "where s = σ(X w)" in h.page()
    assert "- positive semidefinite" in h.page()


def test_a_page_in_one_file() -> None:
    page = symprop.gradient("x @ A @ x", "x", x="n", A="n n symmetric").html()
    assert page.count("<html") == 1 and "<math" in page and "symmetric; <math" in page and "def gradient(" in page
    assert not any(word in page for word in ("<script", "http://", "https://")) or "www.w3.org" in page
    hostile = symprop.formula("sum(x) # </script><img onerror=x>", x="n")
    assert "<img" not in symprop.gradient(hostile, "x").html()


def test_a_certificate_names_what_is_wrong() -> None:
    g = symprop.gradient(LOGISTIC, "w", **SHAPES)
    certificate = g.check()
    assert certificate.ok and certificate.stable
    assert {"complex step", "50 digits, each step"} <= {row.oracle for row in certificate.rows}


def test_sympy_in_and_sympy_out() -> None:
    n = sympy.Symbol("n", integer=True, positive=True)
    A, x = sympy.MatrixSymbol("A", n, n), sympy.MatrixSymbol("x", n, 1)
    found = symprop.gradient(x.T * A * x, x)
    assert isinstance(found, sympy.MatrixExpr)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=(3, 1))
    value = found.subs(n, 3).subs({A.subs(n, 3): sympy.Matrix(a), x.subs(n, 3): sympy.Matrix(b)}).doit()
    assert_rounded(np.array(value, dtype=float), (exact(a) + exact(a).T) @ exact(b))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: symprop.gradient(3, "x"), "expected a formula, not int"),
        (lambda: symprop.gradient("sum(x)", 3, x="n"), "given by its name"),
        (lambda: symprop.gradient(symprop.formula("sum(x)", x="n"), "x", x="n"), "no declarations beside it"),
        (lambda: symprop.gradient("x", "x", x="n"), "a gradient is of a scalar"),
        (lambda: symprop.jvp("x", "x", "x", x="n"), "is a variable of the formula"),
    ],
)
def test_what_is_no_question_is_refused(call: object, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        call()  # type: ignore[operator]


def test_arrays_that_do_not_fit_are_refused_in_words(point: dict[str, np.ndarray]) -> None:
    g = symprop.gradient(LOGISTIC, "w", **SHAPES)
    with pytest.raises(ValueError, match=r"w has shape \(4,\)"):
        g(**{**point, "w": np.ones(4)})
    for missing in (np.ones(3), np.float64(1)):
        with pytest.raises(ValueError, match=re.escape(f"X has shape {missing.shape}; it must be (m, n)")):
            symprop.gradient("trace(X.T @ X)", "X", X="m n")(X=missing)
    with pytest.raises(ValueError, match="must be a finite number"):
        g(**{**point, "w": [1.0, np.nan, 2.0]})
    with pytest.raises(TypeError, match="y"):
        g(X=point["X"], w=point["w"])
    with pytest.raises(SpecError, match="unknown dtype"):
        g.numpy("float16")


def test_beyond_matrices_an_answer_prints_by_its_matrices_and_runs(random: np.random.Generator) -> None:
    g = symprop.gradient("sum(tanh(P @ Q))", "P", P="b m n", Q="n k")
    assert g.pretty() == "{(1 − tanh(Pᵢ Q)⊙²) Qᵀ}ᵢ"
    assert g.latex().startswith(r"\left\{") and g.latex().endswith(r"\right\}_{i}")
    P, Q = random.normal(size=(2, 3, 4)), random.normal(size=(4, 5))
    exact_P, exact_Q = exact(P), exact(Q)
    assert_rounded(g(P=P, Q=Q), (1 - np.tanh(exact_P @ exact_Q) ** 2) @ exact_Q.T)
    assert g.check().ok


SLIPS = {
    "symetric": ("hessian", True, "did you mean 'symmetric'?"),
    "vecc": ("jacobian", "columns", "did you mean 'vec'?"),
    "vec": ("gradient", "columns", "gradient takes no vec="),
    "symmetric": ("hessian", "pairs", 'vec="vech"'),
    "wrt": ("gradient", "x", "the variable comes second"),
    "B": ("vjp", "n n", "the formula has no 'B' to declare"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_misspelt_keyword_declares_nothing(name: str) -> None:
    question, given, told = SLIPS[name]
    with pytest.raises(symprop.FormulaError) as caught:
        getattr(symprop, question)("x @ A @ x", "x", **{name: given})
    assert told in str(caught.value)


def test_what_tells_a_size_or_is_a_direction_may_be_declared() -> None:
    assert symprop.formula("n / 2 * log(s)", s="", x="n").shape == ()
    assert symprop.vjp("A @ x", "x", "w", A="m n", x="n", w="m").text() == "A.T @ w"
    with pytest.raises(symprop.FormulaError, match="no 'w' to declare"):
        symprop.formula("A @ x", A="m n", w="m")  # x may have been meant


@pytest.mark.parametrize("f", ["sum(2.5**x)", "sum(digamma(x))", "log(n) * (x @ x)"])
def test_float32_stays_float32(f: str) -> None:
    if "gamma" in f:
        pytest.importorskip("scipy")
    namespace: dict[str, Any] = {}
    exec(symprop.gradient(f, "x", x="n").numpy("float32"), namespace)
    assert namespace["gradient"](x=np.ones(3, np.float32)).dtype == np.float32
