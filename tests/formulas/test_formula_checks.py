"""The certificate of an answer: right answers pass, and every kind of wrong one is caught by the row that should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.declarations import DECLARED
from symprop.algebra.equations import Step
from symprop.algebra.formula import formula, formula_of
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Node
from symprop.errors import SpecError
from symprop.formulas.checks.checks import check_result
from symprop.formulas.checks.extremes import exponents
from symprop.formulas.checks.points import numbered, points, size_symbols
from symprop.formulas.questions import gradient, hessian, hvp, jacobian, jvp, vjp
from symprop.formulas.result import Result
from symprop.verify.certificate import Certificate
from symprop.verify.evaluate import complex_value
from symprop.verify.measure import Row
from symprop.verify.values import satisfies

ASK = {"gradient": gradient, "jacobian": jacobian, "hessian": hessian, "vjp": vjp, "jvp": jvp, "hvp": hvp}
LOGISTIC = ("sum(log(1 + exp(-y * (X @ w))))", "X: m n, w: n, y: m")
LAYER = ("tanh(A @ x) * b", "A: m n, x: n, b: m")
SQUARES = ("sum((X @ W - Y)**2) / m", "X: m n, W: n k, Y: m k")


def ask(kind: str, source: str, declarations: str, *by: str) -> Result:
    return ASK[kind](formula(source, declarations), *by)


def wrong(result: Result, text: str) -> Certificate:
    """The certificate of another answer to the same question, its steps left out."""
    return check_result(replace(result, node=formula_of(text, result.variables).node, steps=()))


QUESTIONS = [
    ("gradient", *LOGISTIC, "w"),
    ("gradient", *LOGISTIC, "X"),
    ("gradient", *SQUARES, "W"),
    ("gradient", "s * sum(x) + s**2", "s:, x: n", "s"),
    ("gradient", "x @ A @ x", "A: n n symmetric, x: n", "A"),
    ("gradient", "-sum(y * log(softmax(z)))", "y: k sums-to-1, z: k", "z"),
    ("gradient", "-sum(Y * log_softmax(Z, axis=1)) / m", "Y: m k one-hot, Z: m k", "Z"),
    ("gradient", "sum(p * log(q))", "p: k sums-to-1 nonnegative, q: k sums-to-1 positive", "q"),
    ("gradient", "sum(log(p))", "p: n between-0-and-1", "p"),
    ("gradient", "sum((E[i] - T)**2)", "E: k d, i: m index k, T: m d", "E"),
    ("gradient", "sum(x)", "x: n, y: n", "y"),
    ("gradient", "s * x**2", "s: signs, x:", "x"),
    ("hessian", "sum(tanh(logsumexp(X, axis=1)))", "X: 3 1", "X"),
    ("jacobian", "sliding_window_view(Y, (2, k))", "Y: 3 n", "Y"),
    ("jacobian", *LAYER, "x"),
    ("jacobian", *LAYER, "A"),
    ("jacobian", "s * x", "s:, x: n", "s"),
    ("vjp", *LAYER, "A", "v"),
    ("jvp", *LAYER, "A", "u"),
    ("hessian", *LOGISTIC, "w"),
    ("hessian", *SQUARES, "W"),
    ("hessian", "sum((T - U @ V.T)**2)", "T: m n, U: m k, V: n k", "U", "V"),
    ("hessian", "logsumexp(x)", "x: n", "x"),
    ("hvp", *LOGISTIC, "w", "v"),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: " ".join(each))
def test_right_answers_pass(question: tuple[str, ...]) -> None:
    certificate = check_result(ask(*question))
    assert certificate.ok, str(certificate)
    assert certificate.rows[0].points != "0"


def test_the_certificate_is_the_same_every_time() -> None:
    result = ask("gradient", *LOGISTIC, "w")
    assert check_result(result).table() == check_result(result).table()


WRONG = [
    # (question, wrong answers: a factor, a sign, a transpose, a term, a sum that is missing)
    (("gradient", *SQUARES, "W"), "X.T @ (X @ W - Y) / m"),
    (("gradient", *SQUARES, "W"), "-2 * X.T @ (X @ W - Y) / m"),
    (("gradient", *SQUARES, "W"), "2 * X.T @ (X @ W) / m"),
    (("gradient", *SQUARES, "W"), "2 * X.T @ (X @ W - Y)"),
    (("gradient", *LOGISTIC, "w"), "X.T @ (y * sigmoid(-y * (X @ w)))"),
    (("gradient", *LOGISTIC, "w"), "-X.T @ (y * sigmoid(y * (X @ w)))"),
    (("gradient", *LOGISTIC, "w"), "0 * w"),
    (("gradient", "x @ A @ x", "A: n n, x: n", "x"), "2 * A @ x"),
    (("gradient", "x @ A @ x", "A: n n, x: n", "x"), "A @ x"),
    (("gradient", "-sum(y * log(softmax(z)))", "y: k, z: k", "z"), "softmax(z) - y"),
    (("gradient", "sum(p * log(p))", "p: k sums-to-1 positive", "p"), "log(p)"),
    (("gradient", "sum(A * A.T)", "A: n n symmetric", "A"), "A"),
    (("jacobian", *LAYER, "x"), "diag(b) @ A"),
    (("jacobian", "A @ x", "A: n n, x: n", "x"), "A.T"),
    (("jacobian", "softmax(x)", "x: n", "x"), "diag(softmax(x))"),
    (("vjp", *LAYER, "x", "v"), "A.T @ (v * (1 - tanh(A @ x)**2))"),
    (("vjp", "A @ x", "A: n n, x: n", "x", "v"), "A @ v"),
    (("vjp", "A @ x", "A: m n, x: n", "x", "v"), "-A.T @ v"),
    (("jvp", "A @ x + x * x", "A: n n, x: n", "x", "u"), "A @ u + x * u"),
    (("jvp", "A @ x + x * x", "A: n n, x: n", "x", "u"), "A @ u"),
    (("hessian", "x @ A @ x", "A: n n, x: n", "x"), "2 * A"),
    (("hessian", "x @ A @ x", "A: n n, x: n", "x"), "A.T"),
    (("hessian", "logsumexp(x)", "x: n", "x"), "diag(softmax(x))"),
    (("hessian", "sum((T - U @ V.T)**2)", "T: n n, U: n n, V: n n", "U"), "zeros((n * n, n * n))"),
    (("hvp", "x @ A @ x", "A: n n, x: n", "x", "v"), "2 * A @ v"),
    (("hvp", "sum(x**3)", "x: n", "x", "v"), "3 * x * v"),
    (("hvp", "sum(x**3)", "x: n", "x", "v"), "-6 * x * v"),
]


@pytest.mark.parametrize(("question", "text"), WRONG, ids=lambda each: each if isinstance(each, str) else each[1])
def test_wrong_answers_are_caught(question: tuple[str, ...], text: str) -> None:
    certificate = wrong(ask(*question), text)
    assert not certificate.rows[0].ok
    found = {row.name: row.ok for row in certificate.rows}
    assert not found.get("elements", False)  # the second oracle finds it as well


def test_a_fact_that_was_not_declared_is_caught() -> None:
    """The same answer is right where y sums to 1, and wrong where nothing is known of y."""
    source, answer = "-sum(y * log(softmax(z)))", "softmax(z) - y"
    known, unknown = (ask("gradient", source, f"y: k {fact}, z: k", "z") for fact in ("sums-to-1", ""))
    assert wrong(known, answer).ok
    assert not wrong(unknown, answer).ok


def test_a_fact_is_no_part_of_the_derivative() -> None:
    """sum(p) is 1 wherever p sums to 1, and its derivative is 1 all the same: single elements are moved."""
    result = ask("gradient", "sum(p)", "p: k sums-to-1", "p")
    assert wrong(result, "ones(k)").ok
    assert not wrong(result, "zeros(k)").ok


def test_a_missing_transpose_shows_where_sizes_are_equal() -> None:
    result = ask("gradient", "sum((A @ B)**2)", "A: n n, B: n n", "A")
    assert wrong(result, "2 * A @ B @ B.T").ok
    assert not wrong(result, "2 * A @ B @ B").ok
    assert not wrong(result, "(2 * A @ B @ B.T).T").ok


def test_an_answer_of_another_shape_is_caught() -> None:
    result = ask("gradient", *SQUARES, "W")
    for text in ("(2 * X.T @ (X @ W - Y) / m).T", "0", "sum(2 * X.T @ (X @ W - Y) / m, axis=0)"):
        assert not wrong(result, text).ok


def test_a_wrong_step_names_itself() -> None:
    result = ask("gradient", *LOGISTIC, "w")
    step = result.steps[-2]
    steps = (*result.steps[:-2], replace(step, after=n.Multiply(n.Scalar(2), step.after)), result.steps[-1])
    rows = {row.name: row for row in check_result(replace(result, steps=steps)).rows}
    assert not rows["steps"].ok
    assert f"step {len(steps) - 1}, {step.rule}" in rows["steps"].note
    assert rows["gradient with respect to w"].ok


def test_steps_that_lead_elsewhere_are_caught() -> None:
    result = ask("gradient", *LOGISTIC, "w")
    other = n.Multiply(n.Scalar(2), result.node)
    rows = {row.name: row for row in check_result(replace(result, steps=(Step("other", other, other),))).rows}
    assert rows["steps"].note == "the steps do not lead to the answer"


def test_a_text_that_says_something_else_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    result = ask("gradient", *LOGISTIC, "w")
    right = type(result.node).text
    monkeypatch.setattr(type(result.node), "text", lambda node: f"2 * ({right(node)})")
    rows = {row.name: row for row in check_result(result).rows}
    assert not rows["text"].ok


def test_a_text_that_cannot_be_read_is_a_failed_row(monkeypatch: pytest.MonkeyPatch) -> None:
    result = ask("gradient", *LOGISTIC, "w")
    monkeypatch.setattr(type(result.node), "text", lambda node: "X @ (")
    rows = {row.name: row for row in check_result(result).rows}
    assert not rows["text"].ok
    assert rows["text"].note.startswith("FormulaError")


# ---------------------------------------------------------------- compiled functions


def interpreted(node: Node, factor: float = 1.0) -> Any:
    """A function of the logistic question's arrays that is right, but for a factor."""

    def function(X: Any, w: Any, y: Any) -> Any:
        sizes = dict(zip(map(size_symbol, "mn"), X.shape, strict=True))
        return factor * complex_value(node, {"X": X, "w": w, "y": y}, sizes).real

    return function


def test_a_compiled_function_is_checked() -> None:
    result = ask("gradient", *LOGISTIC, "w")
    certificate = check_result(result, function=interpreted(result.node))
    assert [row.name for row in certificate.rows][-2:] == ["NumPy", "stable"]
    assert certificate.ok, str(certificate)


@pytest.mark.parametrize(
    "function",
    [
        lambda X, w, y: np.zeros(3),
        lambda X, w, y: np.full(w.shape, np.nan),
        lambda X, w: w,
        lambda Z: Z,
        lambda X, w, y: undefined,  # type: ignore[name-defined]  # noqa: F821
    ],
)
def test_a_wrong_function_is_caught(function: Any) -> None:
    result = ask("gradient", *LOGISTIC, "w")
    rows = {row.name: row for row in check_result(result, function=function).rows}
    assert not rows["NumPy"].ok
    assert not check_result(result, function=interpreted(result.node, 1 + 1e-10)).ok


def test_a_function_that_overflows_is_caught() -> None:
    def unstable(X: Any, w: Any, y: Any) -> Any:
        t = np.exp(-y * (X @ w))
        return -X.T @ (y * (t / (1 + t)))

    rows = {row.name: row for row in check_result(ask("gradient", *LOGISTIC, "w"), function=unstable).rows}
    assert rows["NumPy"].ok
    assert not rows["stable"].ok
    assert rows["stable"].verdict == "overflows" and "up to" in rows["stable"].note


def test_a_formula_without_exponentials_has_no_extreme_row() -> None:
    result = ask("gradient", *SQUARES, "W")
    assert exponents(result.formula.node) == ()
    found = check_result(result, function=lambda X, W, Y: 2 * X.T @ (X @ W - Y) / len(X))
    assert found.ok
    assert "stable" not in [row.name for row in found.rows]


def test_an_exponent_that_reads_the_index_of_a_series_is_that_of_the_last_term() -> None:
    source = "sum(sum([tanh(t * x) / t for t in range(1, k + 1)], axis=0))"
    assert [part.text() for part in exponents(formula(source, x="n").node)] == ["k * x"]
    certificate = symprop.gradient(source, "x", x="n").check()
    assert certificate.ok and certificate.stable, str(certificate)
    assert "stable" in [row.name for row in certificate.rows]


def test_a_slope_that_is_tiny_at_a_point_is_right() -> None:
    """Where tanh is saturated the slope is 1e-40, and central differences leave 1e-80 of the value that is 1."""
    loss = "sum(tanh(sum([matrix_power(norm(w) * A, t) @ w for t in range(0, 3)], axis=0)))"
    certificate = symprop.gradient(loss, "w", w="2", A="2 2").check()
    assert certificate.ok and certificate.stable, str(certificate)


@pytest.mark.parametrize("question", ["vjp", "jvp", "hvp"])
def test_a_direction_may_be_declared(question: str) -> None:
    f = "sum(sin(A))" if question == "hvp" else "sin(A)"
    told, untold = (getattr(symprop, question)(f, "A", "v", A="n n", **given) for given in ({"v": "n n"}, {}))
    assert told.numpy() == untold.numpy()
    assert told.check().ok


# ---------------------------------------------------------------- points


SHAPES = {"sums-to-1": "n", "rows-sum-to-1": "m n", "columns-sum-to-1": "m n", "one-hot": "m n", "signs": "m"}


@pytest.mark.parametrize("word", DECLARED)
def test_every_declared_fact_has_points(word: str) -> None:
    given = formula("A", f"A: {SHAPES.get(word, 'n n')} {word}").variables
    found = list(points(given, 0, lambda number: numbered(size_symbols(given), number), 6))
    assert len(found) == 6
    assert all(satisfies(each.values["A"], given[0], each.sizes) for each in found)


def test_facts_hold_to_many_digits() -> None:
    given = formula("A @ p", "A: n n orthogonal, p: n sums-to-1").variables
    with mpmath.workdps(120):
        at = next(points(given, 0, lambda number: numbered(size_symbols(given), 2), 1)).precise
        off = at["A"].T @ at["A"] - np.eye(3, dtype=int)
        assert max(abs(each) for each in off.ravel()) < mpmath.mpf("1e-100")
        assert abs(sum(at["p"]) - 1) < mpmath.mpf("1e-100")


def test_facts_that_do_not_go_together_give_no_point() -> None:
    certificate = check_result(ask("gradient", "sum(A * A)", "A: n n one-hot orthogonal signs", "A"))
    assert not certificate.ok
    assert "no point" in certificate.rows[0].note


def test_a_formula_without_a_finite_value_is_not_proven() -> None:
    certificate = check_result(ask("gradient", "sum(log(-1 - x * x))", "x: n", "x"))
    assert not certificate.ok
    assert "no point" in certificate.rows[0].note


def test_points_are_looked_for_where_a_logarithm_has_a_value() -> None:
    assert check_result(ask("gradient", "sum(log(x) * sqrt(y))", "x: n, y: n", "x")).ok


def test_too_many_elements_are_refused_politely() -> None:
    certificate = check_result(ask("gradient", "sum(x * x)", "x: 100000", "x"))
    assert not certificate.ok
    assert "100,000 elements" in certificate.rows[0].note
    large = check_result(ask("gradient", "sum(x * x)", "x: 1000", "x"))
    assert large.ok
    assert large.remarks


def test_more_digits_tell_where_float64_has_lost_them() -> None:
    """At these points tanh is saturated: `1 - tanh**2` is the difference of two numbers near 1."""
    result = ask("gradient", "sum(tanh(20 + 16 * x))", "x:", "x")
    assert check_result(result).ok
    assert "120 digits" in check_result(result).rows[0].note
    for text in ("16.0001 * (1 - tanh(20 + 16 * x)**2)", "0", "-16 * (1 - tanh(20 + 16 * x)**2)"):
        assert not wrong(result, text).rows[0].ok


def test_three_that_tie_share_a_derivative() -> None:
    result = ask("gradient", "min(outer(p, y))", "p: n sums-to-1 nonnegative, y: m signs", "p")
    tied = {"p": np.array([0.48763744, 0.51236256]), "y": np.ones(3)}
    sizes = dict(zip(size_symbols(result.variables), (2, 3), strict=True))
    assert complex_value(result.node, tied, sizes).real.tolist() == [1.0, 0.0]
    assert check_result(result).ok, str(check_result(result))
    assert not wrong(result, "2 * (where(outer(p, y) == min(outer(p, y)), 1, 0)) @ y").ok


def test_a_zero_answer_is_called_one() -> None:
    assert check_result(ask("gradient", "sum(x)", "x: n, y: n", "y")).rows[0].note.startswith("zero at all points")


def test_sizes_differ_and_take_turns() -> None:
    symbols = size_symbols(formula("X", "X: a b").variables + formula("Y", "Y: c").variables)
    for variant in range(8):
        assert len(set(numbered(symbols, variant).values())) == 3
    orders = {tuple(sorted(symbols, key=numbered(symbols, variant).__getitem__)) for variant in range(6)}
    assert len(orders) == 6


def test_a_confirmed_derivative_is_told_apart_from_an_overflow_in_evaluating_it() -> None:
    certificate = symprop.gradient("sum(g * softmax(exp(t) * x))", "t", g="n", x="n", t="").check()
    assert certificate.ok and not certificate.stable and not certificate.failures
    assert "confirmed by 5 checks; evaluating it overflows at t = " in certificate.summary
    wrong = Row("stable", "", "", 1.0, 0.0, False, "t = 1000")
    assert not Certificate("", (*certificate.rows[:-1], wrong)).ok


def test_a_limit_of_time_leaves_out_parts_and_says_so() -> None:
    answer = symprop.gradient("sum((X @ w - y)**2)", "w", X="m n", w="n", y="m")
    certificate = answer.check(limit=1e-6)
    assert not certificate.ok and not certificate.failures
    assert (
        certificate.summary
        == "0 checks agree; not reached in time: gradient with respect to w, steps, elements, text, NumPy, stable"
    )
    assert answer.check(limit=None).unreached == ()
    network = symprop.check("Input(3) >> Dense(2) >> MeanSquaredError()", limit=1e-6)
    assert not network.ok and network.unreached[0] == "the parameters"
    for limit in (0, -1.0, True, "60"):
        with pytest.raises(SpecError, match=r"a limit is a number of seconds above 0|takes a number or None as limit"):
            answer.check(limit=limit)  # type: ignore[arg-type]
