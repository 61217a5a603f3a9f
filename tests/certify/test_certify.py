"""A right backward pass is never said to be wrong; of a wrong one each wrong gradient is, and no other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy
from markupsafe import escape

import symprop
from symprop.calculus import pullbacks
from symprop.certify.certify import certified, subject_of
from symprop.certify.judging import UNCONFIRMED
from symprop.errors import FormulaError, LimitError, SpecError, SympropError
from tests.certify.backward_passes import CASES, NETWORKS, Case, softmax


@pytest.mark.parametrize("case", (*CASES, *NETWORKS), ids=lambda case: case.name)
def test_right_backward_passes_are_right_and_each_mistake_is_found(case: Case) -> None:
    wrt = None if case.wrt is None else case.wrt.split()
    subject = subject_of(case.forward, case.where, wrt=wrt)
    shown = certified(subject, case.backward(), wrt)
    assert shown.ok and shown.message.startswith("right: "), shown.table
    for mistake in case.mistakes:
        found = certified(subject, case.backward(mistake), wrt, limit=0)
        wrong = {line.name for line in found.lines if not line.ok}
        assert wrong == set(mistake[2].split()), f"{mistake}\n{found.table}"
        assert found.message.startswith("wrong: ")


def test_what_derivations_give_is_right_for_networks_of_many_kinds() -> None:
    for text in (
        "Input(5) >> Dense(4) >> BatchNorm() >> ReLU() >> Dense(1) >> BinaryCrossEntropy()",
        "Input(t, 4) >> Attention(2, kv_heads=1, causal=True) >> RMSNorm() >> Dense(3) >> SoftmaxCrossEntropy()",
        "Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()",
    ):
        subject = subject_of(text)
        module = symprop.Case(subject.network).module
        found = certified(subject, lambda params, x, y, module=module: module.loss_and_grads(params, x=x, y=y)[1])
        assert found.ok and len(found.lines) == len(subject.by), found.table


def test_the_mistake_is_named_in_the_sentence() -> None:
    attention_, network = CASES[0], NETWORKS[0]
    found = symprop.certify(attention_.forward, attention_.backward(attention_.mistakes[-1]))
    assert found.diagnosis is not None and (found.diagnosis.variable, found.diagnosis.kind) == ("K", "sign")
    assert found.message.startswith("wrong: dK has the wrong sign") and "(dK[" in found.message
    found = symprop.certify(network.forward, network.backward(network.mistakes[0]))
    assert "delta2 lacks the factor 1/m (equation 6)" in found.message, found.message


# ---------------------------------------------------------------- how a function is called, and what it returns


def attention(Q: Any, K: Any, V: Any, g: Any) -> tuple[Any, ...]:
    P = softmax(Q @ K.T)
    dP = g @ V.T
    dS = P * (dP - np.sum(dP * P, 1, keepdims=True))
    return dS @ K, dS.T @ Q, P.T @ g


class Kernel:
    """A function as an object, as a method and by a class."""

    def __call__(self, Q: Any, K: Any, V: Any, g: Any) -> Any:
        return attention(Q, K, V, g)

    def backward(self, dout: Any, Q: Any, K: Any, V: Any) -> Any:
        return dict(zip("QKV", attention(Q, K, V, dout), strict=True))

    @staticmethod
    def apart(Q: Any, K: Any, /, V: Any, *, d_out: Any, scale: float = 1.0, block: Any = None) -> Any:
        return list(attention(Q, K, V, d_out * scale))


def defaults_between(Q: Any, block: int = 4, K: Any = None, /, V: Any = None, g: Any = None) -> Any:
    assert block == 4
    return attention(Q, K, V, g)


FORWARD = subject_of("softmax(Q @ K.T) @ V")


@pytest.mark.parametrize(
    "backward",
    [
        attention,
        Kernel(),
        Kernel().backward,
        Kernel.apart,
        defaults_between,
        partial(attention, g=None),
        lambda g, V, K, Q: {"dV": attention(Q, K, V, g)[2], "dQ": attention(Q, K, V, g)[0]},
        lambda **given: attention(*(given[name] for name in ("Q", "K", "V", "g"))),
        lambda g, *rest, **given: attention(given["Q"], given["K"], given["V"], g),
        lambda Q, K, V, grad_output, m, n: attention(Q.copy(), K, V, grad_output + 0 * m * n),
        lambda df, Q, K, V, out: attention(Q, K, V, df + 0 * out),
    ],
)
def test_a_function_is_called_by_the_names_of_its_parameters(backward: Callable[..., Any]) -> None:
    if isinstance(backward, partial):
        backward = partial(lambda scale, Q, K, V, g: attention(Q, K, V, g * scale), 1.0)
    found = certified(FORWARD, backward)
    assert found.ok and found.table, found.table


@pytest.mark.parametrize(
    ("backward", "told"),
    [
        (lambda q, K, V, g: 0, "asks for 'q' (did you mean 'Q'?), which is no name of"),
        (lambda Q, K, V: 0, "does not ask for the cotangent"),
        (lambda *given: 0, "asks for nothing by name\nallowed: names, as in lambda Q, K, V, g: f(Q, K, V, g)"),
        (lambda: 0, "asks for nothing by name"),
        (print, "asks for nothing by name"),
        (int, "int does not say the names of its parameters"),
        (len, "asks for 'obj'"),
        (dict.fromkeys, "asks for 'iterable'"),
        (7, "a backward pass is a function, not 'int'"),
        ("Q @ K", "a backward pass is a function, not 'str'"),
        (
            lambda Q, K, V, g: (Q, K),
            "returns 2 gradients, expected 3, for Q, K, V\nallowed: a tuple in this order, or a di",
        ),
        (lambda Q, K, V, g: Q, "returns 1 gradient, expected 3"),
        (lambda Q, K, V, g: {"dZ": Q}, "returns 'dZ', which is no gradient\nallowed: dQ, dK, dV"),
        (lambda Q, K, V, g: {}, "returns no gradient\nallowed: dQ, dK, dV"),
    ],
)
def test_what_cannot_be_called_or_understood_is_said(backward: Any, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        certified(FORWARD, backward)
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def raising(Q: Any, K: Any, V: Any, g: Any) -> Any:
    raise KeyError("saved\nfor later")


@pytest.mark.parametrize(
    ("backward", "told"),
    [
        (lambda Q, K, V, g: Q @ K, "raises ValueError: matmul: "),
        (raising, "raises KeyError: 'saved\\nfor later' (test_certify.py, line "),
        (lambda Q, K, V, g: exit(3), "raises SystemExit: 3 ("),
        (lambda Q, K, V, g: (None, K, V), "dQ: None is returned for it"),
        (lambda Q, K, V, g: ("Q", [K, [1]], V), "dQ: str is no array of numbers; dK: "),
        (lambda Q, K, V, g: (Q * np.nan, K / 0, V), "dQ is not a number: dQ[0, 0] is nan, right is "),
        (
            lambda Q, K, V, g: (Q.T, K.ravel(), 0.0),
            "dQ: shape (3, 2), right is (2, 3); dK: shape (12,), right is (4, 3)",
        ),
        (lambda Q, K, V, g: (Q > 0, Q + 1j, V), "dQ: bool is no array of numbers; dK: complex128 is no array"),
        (lambda Q, K, V, g: (*attention(Q, K, V, g)[1::-1], V), "is off by"),
        (
            lambda Q, K, V, g: attention(Q, K, V, g)[::-1],
            "wrong: what is returned is dV, dK and dQ, where dQ, dK and dV",
        ),
        (lambda Q, K, V, g: attention(Q, K, V, g * (np.arange(g.size) > 0).reshape(g.shape)), "the element [0, 0] of"),
        (
            lambda Q, K, V, g: [np.float64(np.float32(1)) * each.astype(np.float32) for each in attention(Q, K, V, g)],
            "",
        ),
        (
            lambda Q, K, V, g: [each.astype(np.float32).astype(float) for each in attention(Q, K, V, g)],
            "single precision",
        ),
        (
            lambda Q, K, V, g: attention(Q, K, V, g * g / g),
            "right for random cotangents, wrong for one that is 0 but in ",
        ),
        (lambda Q, K, V, g: (abs(g) @ V.T @ K, *attention(Q, K, V, g)[1:]), "dQ is off by"),
    ],
)
def test_what_a_function_does_wrong_is_said_in_a_sentence(backward: Callable[..., Any], told: str) -> None:
    found = certified(FORWARD, backward, limit=0)
    assert not found.ok and told in found.message and "\n" not in found.message, found.message
    assert found.message in found.table and str(escape(found.message)) in str(found._repr_html_())


def test_a_function_that_writes_into_its_arguments_is_given_copies_and_told() -> None:
    def writes(Q: Any, K: Any, V: Any, g: Any) -> Any:
        found = attention(Q, K, V, g)
        Q *= 0
        g[:] = 1
        return found

    found = certified(FORWARD, writes)
    assert found.ok and found.remarks[-1] == "it writes into its arguments: Q, the cotangent"


def test_single_precision_is_judged_as_such() -> None:
    found = certified(FORWARD, lambda **given: [each.astype(np.float32) for each in attention(*map(given.get, "QKVg"))])
    assert found.ok and all("float32" in line.note and 1e-5 < line.limit < 1e-2 for line in found.lines), found.table
    coarse = lambda **given: [(each * 1.01).astype(np.float32) for each in attention(*map(given.get, "QKVg"))]  # noqa: E731
    found = certified(FORWARD, coarse, limit=0)
    assert not any(line.ok for line in found.lines), found.table


def test_a_function_that_takes_single_precision_alone_is_given_it() -> None:
    def single(A: Any, x: Any, g: Any) -> Any:
        if A.dtype != np.float32:
            raise TypeError("expected float32")
        return np.outer(g, x), A.T @ g

    found = symprop.certify("A @ x", single)
    assert found.ok and found.remarks[-1] == "called with numbers in float32"


@pytest.mark.parametrize("layout", ["rows", "columns", "example"])
def test_a_network_is_judged_in_each_layout(layout: str) -> None:
    def rows(W1: Any, b1: Any, x: Any, y: Any) -> Any:
        d = (x @ W1.T + b1 - y) / len(x)
        return {"W1": d.T @ x, "b1": d.sum(0), "x": d @ W1}

    def columns(W1: Any, b1: Any, x: Any, y: Any) -> Any:
        d = (W1 @ x + b1[:, None] - y) / x.shape[1]
        return {"W1": d @ x.T, "b1": d.sum(1), "x": W1.T @ d}

    def example(W1: Any, b1: Any, x: Any, z1: Any, y: Any) -> Any:
        return {"W1": np.outer(z1 - y, x), "b1": z1 - y, "x": W1.T @ (z1 - y)}

    functions = {each.__name__: each for each in (rows, columns, example)}
    for name, function in functions.items():
        found = symprop.certify("Input(4) >> Dense(3) >> MeanSquaredError()", function, layout=layout, limit=0)
        assert found.ok is (name == layout), found.table
    without = {"rows": lambda x, g: {"dx": g * (x > 0)}, "columns": lambda x, g: {"dx": g * (x > 0)}}
    assert symprop.certify("Input(4) >> ReLU()", without.get(layout, without["rows"]), layout=layout).ok


@pytest.mark.parametrize(
    ("formula", "where", "right", "wrong"),
    [
        ("where(s > 0, s**2, -3*s)", "s:", lambda s: 2 * s if s > 0 else -3.0, lambda s: 2 * s),
        ("sum(abs(x)) + x @ x", "x: n", lambda x: np.sign(x) + 2 * x, lambda x: 1 + 2 * x),
        ("sqrt(x @ x - 1)", "x: n", lambda x: x / np.sqrt(x @ x - 1), lambda x: x / (x @ x - 1)),
        ("sum(log(x))", "x: n", lambda x: 1 / x, lambda x: -1 / x),
        ("norm(A, 2)", "A: m n", lambda A: _spectral(A), lambda A: _spectral(A) * np.linalg.norm(A, 2)),
        ("x @ S @ x", "S: n n symmetric, x: n", lambda S, x: (np.outer(x, x), 2 * S @ x), lambda S, x: (S, 2 * S @ x)),
        ("var(x, ddof=1)", "x: n", lambda x: 2 * (x - x.mean()) / (len(x) - 1), lambda x: 2 * (x - x.mean()) / len(x)),
        (
            "sum(E[i] @ w)",
            "E: k n, i: m index k, w: n",
            lambda E, i, w: _rows(E, i, w),
            lambda E, i, w: _rows(E, i[:1], w),
        ),
    ],
)
def test_places_have_a_value_satisfy_what_is_declared_and_see_both_sides(
    formula: str, where: str, right: Callable[..., Any], wrong: Callable[..., Any]
) -> None:
    subject = subject_of(formula, where)
    assert certified(subject, right).ok
    assert not certified(subject, wrong, limit=0).ok


def _spectral(A: Any) -> Any:
    U, _, V = np.linalg.svd(A)
    return np.outer(U[:, 0], V[0])


def _rows(E: Any, i: Any, w: Any) -> Any:
    found = np.zeros_like(E)
    np.add.at(found, i, w)
    return found, E[i].sum(0)


def test_what_is_derived_or_in_the_matrices_of_sympy_is_a_forward_pass_too() -> None:
    derivation = symprop.derive("Input(2) >> Dense(3) >> MeanSquaredError()")
    assert symprop.certify(derivation, lambda W1, z1, y, x: {"W1": np.outer(z1 - y, x)}).ok
    A, x = sympy.MatrixSymbol("A", 3, 3), sympy.MatrixSymbol("x", 3, 1)
    assert symprop.certify(x.T * A * x, lambda A, x, g: g * (A + A.T) @ x, "x").ok


def test_a_system_is_a_formula_with_names() -> None:
    system = symprop.parse_network("Input(2) >> Dense(3) >> MeanSquaredError()").system()
    assert symprop.certify(system, lambda W1, z1, y, x: {"W1": np.outer(z1 - y, x)}).ok


def test_a_scalar_has_a_random_cotangent_only_where_it_is_asked_for() -> None:
    assert symprop.certify("x @ A @ x", lambda A, x: {"dx": (A + A.T) @ x}).ok
    assert symprop.certify("x @ A @ x", lambda A, x, g: {"dx": g * (A + A.T) @ x}).ok
    assert not symprop.certify("x @ A @ x", lambda A, x, g: {"dx": (A + A.T) @ x}).ok


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "told"),
    [
        (("x @ A @ x", lambda x: x, "z"), {}, FormulaError, "no variable 'z'"),
        (("x @ A @ x", lambda x: x, ""), {}, SpecError, "wrt is ''"),
        (("x @ A @ x", lambda x: x, 3), {}, SpecError, "as wrt, not 3"),
        (("x @ A @ x", None), {}, SpecError, "there is no backward pass"),
        ((3, lambda x: x), {}, SpecError, "a forward pass is a formula or a network, not 'int'"),
        (("x @ A @ x", lambda x: x), {"arrays": "cupy"}, SpecError, "arrays='cupy' is no library"),
        (("x @ A @ x", lambda x: x), {"sizes": {"q": 3}}, FormulaError, "the formula has no size 'q'"),
        (("x @ A @ x", lambda x: x), {"sizes": {"n": 0}}, SympropError, "size 'n'"),
        (("x @ A @ x", lambda x: x, "x"), {"sizes": {"n": 2000}}, LimitError, "'A' has 4,000,000 elements"),
        (("x @ A @ x", lambda x: x), {"seed": -1}, SympropError, "a seed"),
        (("x @ A @ x", lambda x: x), {"limit": "long"}, SpecError, "as limit, not 'long'"),
        (("x @ A @ x", lambda x: x, "x x"), {}, SpecError, "each variable once"),
        ((symprop.formula("x @ x", x="n"), lambda x: x, "x", "x: n"), {}, FormulaError, "a formula knows its arrays"),
        (("x @ x", lambda x: x, "x", "x: 9000"), {}, LimitError, "9,000 elements, more than 4,000"),
        (("log(-x @ x)", lambda x: x, "x", "x: n"), {}, SpecError, "no place was found"),
        (("Input(2) >> Dense(1)", lambda x, g: x, None, "x: 3"), {}, SpecError, "a network knows its shapes"),
        (("Input(2) >> BatchNorm()", lambda x, g: x), {"layout": "example"}, SpecError, "unknown layout 'example'"),
        ((symprop.System((), (), (), (), symprop.variable("x"), None), abs), {}, SpecError, "equations alone"),
        (("Input(2) >> Dense(1)", lambda x, g: x, "W2"), {}, FormulaError, "there is no gradient with respect to 'W2'"),
        (("Input(n) >> Dense(k)", lambda x, g: x), {"sizes": {"z": 2}}, SpecError, "has no size 'z'"),
    ],
)
def test_bad_input_is_said(arguments: Any, options: Any, kind: type[SympropError], told: str) -> None:
    with pytest.raises(kind) as caught:
        symprop.certify(*arguments, **options)
    assert told in str(caught.value)


def test_a_fault_in_a_rule_is_never_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pullbacks.PULLBACK
    row = rows.rows[symprop.algebra.nodes.MatMul]
    monkeypatch.setitem(rows.rows, symprop.algebra.nodes.MatMul, lambda *given: row(*given) * 2)
    found = symprop.certify("tanh(B @ c)", lambda B, c, g: {"dc": B.T @ (g * (1 - np.tanh(B @ c) ** 2))})
    assert not found.ok and UNCONFIRMED in found.message


def test_a_mask_of_whole_numbers_is_no_kink() -> None:
    def masked(Q: Any, K: Any, V: Any, M: Any, g: Any) -> Any:
        s = np.where(M > 0, Q @ K.T, -1e9)
        p = np.exp(s - s.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        ds = p * (g @ V.T - ((g @ V.T) * p).sum(1, keepdims=True))
        return ds @ K, ds.T @ Q, p.T @ g

    found = symprop.certify(
        "softmax(where(M > 0, Q @ K.T, -1e9)) @ V", masked, "Q K V", "Q: m d, K: n d, V: n k, M: m n bits"
    )
    assert found.ok and found.places >= 3, found.table
    hinge = symprop.certify(
        "sum(where(y > 0, relu(1 - s), relu(1 + s)))", lambda s, y: y * (y * s < 1), "s", "s: n, y: n signs"
    )
    assert not hinge.ok and hinge.diagnosis is not None and hinge.diagnosis.kind == "sign", hinge.table


def test_a_factor_that_one_term_lacks_is_told_with_the_term() -> None:
    ridge = "sum((X @ w - y)**2) + lam * w @ w"

    def at(first: float, second: float) -> str:
        return symprop.certify(
            ridge, lambda X, w, y, lam: first * X.T @ (X @ w - y) + second * lam * w, wrt="w"
        ).message

    assert at(2, 1).startswith("wrong: dw lacks the factor 2 in the term 2 * lam * w: dw = 2 * (X.T @ v + lam * w)")
    assert at(1, 2).startswith("wrong: dw lacks the factor 2 in the term 2 * X.T @ v: ")
    assert at(1, 1).startswith("wrong: dw lacks the factor 2: ")
