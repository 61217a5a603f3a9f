"""Shapes that nobody declared: how they are read, what is listed where two readings fit, and how sizes are written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symprop
from symprop.algebra.declarations import declarations_text, declared, read_declarations
from symprop.algebra.formula import formula_of, inferred_formula
from symprop.algebra.inference.infer import ANYTHING, LIKELY_SCALAR, SCALAR
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.reading.statements import names_read
from symprop.cli import main
from symprop.formulas.ask import value_of
from tests.patience import at_once
from tests.question_cases import ALL
from tests.random_formulas import formulas

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import cookbook_formulas

READINGS = {
    "trace((I - K @ H) @ P @ (I - K @ H).T + K @ R @ K.T)": "K: m n, H: n m, P: m m, R: n n",
    "(x - mu) @ A.I @ (x - mu) + logdet(I + X.T @ X)": "X: m n, A: k k, x: k, mu: k",
    "N/2*log(det(Sigma)) + (x - mu).T @ inv(Sigma) @ (x - mu)/2": "Sigma: n n, x: n, mu: n, N:",
    "(theta - L @ s).T @ D @ (theta - L @ s)": "L: m n, D: m m, theta: m, s: n",
    "norm(y - X @ w - b)**2": "X: m n, y: m, w: n, b:",
    "norm(W @ x + b - y)**2": "W: m n, x: n, b: m, y: m",
    "norm(Y - K @ alpha)**2 + lam*alpha.T @ K @ alpha": "K: n n, Y: n, alpha: n, lam:",
    "sum((x - mu)**2)/(2*sigma**2)": "x: n, mu:, sigma:",
    "log(exp(a @ p) + sum(exp(N @ a/tau)))/tau + 1/sum(exp(N @ a))": "N: m n, a: n, p: n, tau:",
    "x @ A @ x": "A: n n, x: n",
    "sum((X @ w - y)**2)": "X: m n, w: n, y: m",
    "trace(A @ X @ B)": "A: k m, X: m n, B: n k",
    "y @ inv(K) @ y": "K: n n, y: n",
    "norm(A @ x - b)**2 + lam*norm(x)**2": "A: m n, x: n, b: m, lam:",
    "a @ X @ b": "X: m n, a: m, b: n",
    "sum(log(1 + exp(-y*(X @ w))))": "X: m n, y: m, w: n",
    "exp(-x**2/2)": "x:",
    "trace(A.T @ B)": "A: m n, B: m n",
    "-mean(diagonal(log_softmax(A @ B.T/tau, axis=1)))": "A: m n, B: m n, tau:",
    "sum((X @ W + b)**2)": "X: m n, W: n k, b: k",
    "sum(A*x[:, None])": "A: m n, x: m",
    "logdet(s*eye(n) + A)": "A: n n, s:",
    "norm(X @ w - y)**2/(2*m) + lam/2*w @ w": "X: m n, w: n, y: m, lam:",
    "sum((X @ w - y)**2)/n": "X: n m, w: m, y: n",
    "sum(softmax(Q @ K.T/sqrt(d)) @ V*G)": "Q: m d, K: n d, V: n k, G: m k",
    "n*log(sigma) + norm(x)**2/(2*sigma**2)": "x: n, sigma:",
    "k*norm(x)**2/2": "x: n, k:",
    "w @ w/2 + C*sum(maximum(0, 1 - y*(X @ w))**2)": "X: m n, w: n, y: m, C:",
    "P*V - N*R*T": "P:, V:, N:, R:, T:",
    "sum((w[0]*x[0:4] + w[1]*x[1:5] + w[2]*x[2:6] - y)**2)": "w: 3, x: 6, y: 4",
    "sum((x[1:] - x[:-1])**2)": "x: n",
    "sum((x[1:] - A @ x[:-1])**2)": "A: n-1 n-1, x: n",
    "g @ (W @ concatenate((a, x)))": "W: m k+n, g: m, a: n, x: k",
    "sum(A @ kron(B, C))": "A: m k*n, B: n p, C: k q",
    "logsumexp(a) - a[y]": "a: n, y: index n",
    "-mean(log(P[arange(m), y]))": "P: m n, y: m index n",
    "sum(x[i]*w[i]) + A[:, j] @ z": "A: m n, x: k, i: p index k, w: k, z: m, j: index n",
    "sum((one_hot(y, k) - P)**2)": "P: n k, y: n index k",
    "sum(einsum('i,kij,j->k', x, T, y))": "T: m n k, x: n, y: k",
    "(theta @ x - log(1 + exp(theta @ x)))/2": "theta: n, x: n",
    "trace(matrix_power(A, k)) + trace(kron(X, X))": "A: n n, X: m m",
    "sum(cholesky(A) * G)": "A: n n symmetric, G: n n",
    "max(eigvalsh(X)) + trace(inv(Y))": "X: m m symmetric, Y: n n",
    "r = X @ w - y; r @ r": "X: m n, w: n, y: m",
    "K = sf**2*exp(-D/l) + sn**2*eye(n); y @ inv(K) @ y + logdet(K)": "D: n n, sf:, l:, sn:, y: n",
}
"""What is differentiated, and how it is read."""


def test_formulas_are_read_as_people_mean_them() -> None:
    read = {text: inferred_formula(text, SCALAR) for text in READINGS}
    found = {text: {*formula.variables} for text, formula in read.items()}
    assert found == {text: {*read_declarations(reading)} for text, reading in READINGS.items()}
    assert all(formula.readings[0] == declarations_text(formula.variables) for formula in read.values())


def test_the_value_that_is_asked_about_decides() -> None:
    texts = ("tanh(x)", "a*b + c", "softmax(W @ x + b)")
    found = [inferred_formula(text, value).readings[0] for text, value in product(texts, (SCALAR, ANYTHING))]
    assert found[:4] == ["x:", "x: n", "a:, b:, c:", "a: n, b: n, c: n"]
    assert found[4:] == ["W: m n, x: n, b: m"] * 2
    assert inferred_formula("c*sum(x)", LIKELY_SCALAR).readings[0] == "x: n, c:"
    assert inferred_formula("norm(x)**2/(2*m)", SCALAR, ["m"]).readings[0] == "x: n, m:"


def _cases() -> Iterator[tuple[str, str, str, str]]:
    for section in cookbook_formulas.SECTIONS:
        yield from ((row.question, row.formula, row.declarations, row.by) for row in section[1])
    for question, text, where, asked, _ in ALL:
        yield question, text, ", ".join(f"{name}: {sizes}" for name, sizes in where.items()), asked[0]


def _is_case_of(general: Variable, special: Variable, known: dict[sympy.Basic, sympy.Basic]) -> bool:
    """Whether `special` has the shape of `general` for some sizes, those of `known`."""
    pairs = list(zip(general.shape, special.shape, strict=False))
    symbols = all(known.setdefault(one, other) == other for one, other in pairs if one.is_Symbol)
    return general.rank == special.rank and symbols


def test_what_is_declared_elsewhere_is_a_case_of_what_is_inferred() -> None:
    """Shapes of 150 formulas, by ranks and by which sizes are the same; where two readings fit, one of them."""
    listed, others, count = [], [], 0
    for question, text, where, by in dict.fromkeys(_cases()):
        count += 1
        given = [each for each in read_declarations(where) if each.name in names_read(text)]  # and no directions
        wanted = {each.name: each for each in formula_of(text, tuple(given)).variables}
        try:
            readings = [inferred_formula(text, value_of(question), [by]).variables]
        except symprop.ReadingError as problem:
            listed.append(text)
            readings = [read_declarations(each) for each in problem.readings]
        known: dict[sympy.Basic, sympy.Basic] = {}
        if not any(all(_is_case_of(each, wanted[each.name], known) for each in reading) for reading in readings):
            others.append((text, where, readings))
    assert not others and count > 110
    assert {*listed} == {"det(A + x * B)", "inv(A + x * B)", "sum(exp(x * W))"}


def test_where_two_readings_fit_as_well_both_are_listed_and_each_is_a_declaration() -> None:
    for text in ("sum((X*w)**2)", "x @ y @ z", "det(A + x*B)"):
        with pytest.raises(symprop.ReadingError, match="has 2 readings") as caught:
            symprop.gradient(text)
        assert len({*caught.value.readings}) == 2
        assert all(f'"{each}"' in str(caught.value) for each in caught.value.readings)
        assert all(symprop.formula(text, each).readings == () for each in caught.value.readings)
    assert symprop.formula("sum(x*exp(t))").readings == ("x: n, t: n", "x: n, t:")  # one is meant, the other is said


def test_what_fits_in_no_way_is_refused_with_the_shapes_that_were_tried() -> None:
    with pytest.raises(symprop.ShapeError, match=r"with x: m, y: n: .*\n  concatenate"):
        symprop.formula("concatenate((x, y)) @ x")
    with pytest.raises(symprop.ShapeError, match="n against m"):
        symprop.formula("concatenate((x, y)) @ z", x="n", z="m", y="m")
    with pytest.raises(symprop.FormulaError, match="unknown function 'foo'"):
        symprop.formula("foo(x) @ x")


@pytest.mark.parametrize(
    ("text", "declared", "reading"),
    [
        ("sum((X @ w - y)**2) / (2*m) + lam/2 * w @ w", "X: m n", "X: m n, w: n, y: m, lam:"),
        ("sum((X @ w - y)**2) / (2*m)", "y: 5", "X: 5 n, w: n, y: 5, m:"),
        ("x @ A @ x", "A: n n symmetric", "A: n n symmetric, x: n"),
        ("trace(A @ B)", "B: p q", "A: q p, B: p q"),
        ("logsumexp(a) - a[y]", "y: index k", "a: k, y: index k"),
        ("sum(relu(W @ x + b))", "x: 3, b: 4", "W: 4 3, x: 3, b: 4"),
        ("K = X @ X.T + s*eye(n); logdet(K)", "X: n 4", "X: n 4, s:"),
        ("logdet(A + s*I)", "s:", "A: n n, s:"),
        ("-sum(y * log(softmax(z)))", "z: m n", "y: m n, z: m n"),
        ("norm(z - y)**2", "z: m n", "z: m n, y: m n"),
        ("sum(y * log(softmax(x @ w + b)))", "x: m n, w: n k", "x: m n, y: m k, w: n k, b: k"),
        ("sum((x @ w - y)**2)", "x: m n", "x: m n, w: n, y: m"),
    ],
)
def test_what_is_declared_stays_and_the_rest_is_inferred(text: str, declared: str, reading: str) -> None:
    found = symprop.formula(text, declared)
    assert {*found.variables} == {*read_declarations(reading)} and found.readings[0] == declarations_text(
        found.variables
    )


LONG = {
    "names": "sum(" + "+".join(f"s{i}*exp(X{i})" for i in range(90)) + ")",
    "readings": "sum(" + "+".join(f"w{i}*X{i}" for i in range(90)) + ")",
    "terms": "+".join(["x @ A @ x"] * 300),
    "brackets": "exp(" * 90 + "x" + ")" * 90,
    "quotients": "a/(" * 60 + "b" + ")" * 60,
    "joined": "sum(concatenate((" + ",".join(f"x{i}" for i in range(200)) + ")))",
    "slices": "sum(" + "+".join(f"x[{i}:{i + 7}]" for i in range(300)) + ")",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_formulas_are_read_at_once(text: str) -> None:
    with at_once():
        try:
            assert symprop.formula(text).variables
        except symprop.ReadingError as problem:
            assert "X0: m n" in problem.readings[0]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([(), (2,), (2, 3)]).flatmap(lambda shape: formulas(shape)))
def test_random_formulas_have_a_reading_that_reads_back(node: Node) -> None:
    """What has shapes is never refused, whatever its names say; each reading declares the same formula."""
    text = node.text()
    try:
        found = inferred_formula(text, ANYTHING)
    except symprop.ReadingError as problem:
        assert all(symprop.formula(text, each) for each in problem.readings)
    else:
        assert not found.readings or symprop.formula(text, found.readings[0]).node == found.node


WORDS = "x A n w k + - * / @ ** ( ) [ ] , : 0 1 2 .T sum( exp( eye( x[ norm( inv( concatenate(( axis=0 None ; = > ..."


def test_nonsense_is_refused_in_words() -> None:
    random = Random(16)
    for _ in range(400):
        text = " ".join(random.choice(WORDS.split()) for _ in range(random.randint(2, 14)))
        try:
            inferred_formula(text, SCALAR)
        except symprop.SympropError as problem:
            assert len(str(problem).splitlines()) <= 4, text


SIZES = {
    "k k + n": ("k", "k+n"),
    "2*n h*d": ("2*n", "h*d"),
    "(n - 1, 3)": ("n-1", 3),
    "n,n": ("n", "n"),
    "2*(k + n)": ("2*k + 2*n",),
    "3": 3,
    "": (),
}


def test_sizes_are_sums_and_products_in_every_form() -> None:
    for text, sizes in SIZES.items():
        assert declared("A", text) == declared("A", sizes) == read_declarations(f"x: n, A: {text}; y: m")[1], text
    several = read_declarations("A: (n, n) symmetric, B: m, n, W: k, k+n, x: n")
    assert declarations_text(several) == "A: n n symmetric, B: m n, W: k k+n, x: n"
    for wrong in (None, 2.5, True, {"n"}, ("n n",), "n-n", "(n", "n n +", "2**n", "n/2", 0):
        with pytest.raises(symprop.FormulaError, match=r"no size|positive integer|an integer"):
            declared("A", wrong)


def test_sums_of_sizes_hold_at_the_points_of_a_check_and_in_code() -> None:
    where = "W: k k+n, a: k, x: n"
    answer = symprop.gradient(symprop.formula("sum(tanh(W @ concatenate((a, x))))", where), "W")
    assert answer.check().ok
    arrays = {"W": np.ones((2, 5)), "a": [1.0, 2.0], "x": [1.0, 2.0, 3.0]}
    assert answer(**arrays).shape == (2, 5)
    with pytest.raises(ValueError, match=r"W has shape \(2, 4\); it must be \(2, 5\)"):
        answer(**{**arrays, "W": np.ones((2, 4))})
    alone = symprop.gradient(symprop.formula("sum(tanh(W @ y))", "W: k k+n, y: k+n"), "W")
    assert "n = W.shape[1] - k\n" in alone.numpy()
    assert symprop.gradient(symprop.formula("x[5]**2 + sum(x**2)", x="n"), "x").check().ok  # six elements at least


def test_without_a_name_all_gradients_are_given() -> None:
    found = symprop.gradient("x @ A @ x")
    assert found.names == ("A", "x") and len(found) == 2
    assert found.page().splitlines()[0] == "A: n n, x: n"
    assert found["A"].text() == symprop.gradient("x @ A @ x", "A").text() == "outer(x, x)"
    assert found.check().ok and r"\frac{\partial f}{\partial x} &=" in found.latex()
    module: dict[str, object] = {}
    exec(found.numpy(), module)
    x = np.array([1.0, 2.0])
    assert np.array_equal(module["gradient_x"](A=np.eye(2), x=x), 2 * x)  # type: ignore[operator]
    assert np.array_equal(module["gradient_A"](x), np.outer(x, x))  # type: ignore[operator]
    exec(symprop.gradient("r = X @ w - y; r @ r").numpy(), module)
    given = {"X": np.eye(2), "w": x, "y": 0 * x}
    assert np.array_equal(module["gradient_y"](**given), -2 * x)  # type: ignore[operator]
    assert all(f"gradient with respect to {name}" in found.html() for name in "Ax") and "A: n n, x: n" in found.html()
    hessians = symprop.hessian("a @ a + sum(b**3)")
    assert [each.text() for each in hessians] == ["2 * eye(m)", "6 * diag(b)"]


@pytest.mark.parametrize(("format", "first"), [("pretty", ""), ("text", "# "), ("latex", "% "), ("steps", "")])
def test_the_reading_stands_above_the_answer(format: str, first: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradient", "logdet(s*eye(n) + A) + pk @ z", "--wrt", "z", "--format", format]) == 0
    assert capsys.readouterr().out.startswith(f"{first}A: n n, pk: m, z: m, s:\n")
    assert main(["gradient", "x @ A @ x", "--format", "numpy"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "# A: n n, x: n"
    assert main(["gradient", "sum(X * w)"]) == 2
    assert '\nallowed: "X: m n, w: n"\n      or "X: m n, w:"' in capsys.readouterr().err


def test_a_network_and_a_formula_are_told_from_each_other() -> None:
    assert symprop.derive("x @ A @ x").gradient("A").text() == "outer(x, dv1)"
    with pytest.raises(symprop.FormulaError, match="is a network, not a formula"):
        symprop.gradient("Input(3) >> Dense(2) >> MeanSquaredError()", "W1")
    with pytest.raises(symprop.SpecError, match="is a formula, not a network"):
        symprop.generate("x @ A @ x")
    assert symprop.compare("A @ x + A.T @ x", "(A + A.T) @ x").equal
