"""Recurrent layers with a cell of one's own: the built-in ones typed, second readings, certificates, and errors."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from network_reference import Array
from network_reference import Network as Reference

import symprop
from symprop.codegen.case import Case
from symprop.reports.content import SECTIONS
from symprop.verify import recurrence

ROUNDING = 1e-12
"""Of the largest number: some hundred sums and products of float64 numbers of size one."""
MINIMAL = "f = sigmoid(Wf @ x + Uf @ h_prev + bf); n = tanh(Wn @ x + Un @ (f * h_prev) + bn); h = (1 - f)*h_prev + f*n"
LSTM = "; ".join(
    f"{gate} = {function}(W{gate} @ x + R{gate} @ h_prev + b{gate})"
    for gate, function in (("i", "sigmoid"), ("f", "sigmoid"), ("g", "tanh"), ("o", "sigmoid"))
)
LSTM += "; c = f*c_prev + i*g; h = o*tanh(c)"
PACKED = "a = W @ x + R @ h_prev + b; i = sigmoid(a[:k]); f = sigmoid(a[k:2*k]); g = tanh(a[2*k:3*k]); "
PACKED += "o = sigmoid(a[3*k:]); c = f*c_prev + i*g; h = o*tanh(c)"
GRU = "a = W @ x + b; q = R @ h_prev; r = sigmoid(a[:k] + q[:k]); z = sigmoid(a[k:2*k] + q[k:2*k]); "
GRU += "u = q[2*k:] + bh; n = tanh(a[2*k:] + r*u); h = (1 - z)*n + z*h_prev"
PEEPHOLES = "i = sigmoid(W @ x + R @ h_prev + u*c_prev + b); c = (1 - i)*c_prev + i*tanh(V @ x + Q @ h_prev); "
PEEPHOLES += "o = sigmoid(P @ x + v*c + d); h = o*tanh(c)"
DELTA_RULE = "v = V @ x; k = softmax(K @ x); S = S_prev + outer(v - S_prev @ k, k); o = S @ (Q @ x)"

READ_TWICE = (
    f'Input(4, 3) >> Scan("{MINIMAL}", h=2, initial="learned") >> Dense(2) >> MeanSquaredError()',
    f'Input(3, 2) >> Bidirectional(Scan("{LSTM}", h=3)) >> MeanSquaredError()',
    'Input(3, 2) >> Residual(Scan("h = (1 - r)*h_prev + r*tanh(W @ x + U @ h_prev)", h=2, r=0.3)) >> Huber()',
    'Input(4) >> Embedding(5, 3, flatten=False) >> Scan("h = a*h_prev + B @ x; y = C @ h", h=2, y=3, '
    'learned={"a": "h 0.9"}, sequence=False) >> SoftmaxCrossEntropy()',
    f'Input(3, 2) >> Scan("{PEEPHOLES}", h=2) >> Scan("s = s_prev + alpha*x", sequence=False) >> Huber()',
    'Input(1, 2) >> Scan("a = b_prev; b = tanh(V @ a_prev + x)", a=2, b=2, initial="learned") >> MeanSquaredError()',
)
"""All options, in blocks, behind one another, gates that see the state of the same moment."""


def drawn(text: str, seed: int = 0, count: int = 3) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Random parameters, inputs and targets of a network."""
    system, random = symprop.parse_network(text).system(), np.random.default_rng(seed)
    params = {each.name: random.normal(size=tuple(map(int, each.shape))) for each in system.parameters}
    (x,), (y,) = system.inputs, system.targets
    ids = "index" in x.facts_by_kind
    given = (
        random.integers(0, 5, (count, *map(int, x.shape))) if ids else random.normal(size=(count, *map(int, x.shape)))
    )
    classes = np.eye(int(y.shape[-1]))[random.integers(0, int(y.shape[-1]), count)]
    return params, given, classes if ids else random.normal(size=(count, *map(int, y.shape)))


@pytest.mark.parametrize("text", READ_TWICE)
def test_the_second_reading_has_the_same_parameters_starts_and_gradients(text: str) -> None:
    params, x, y = drawn(text)
    network, reference = symprop.parse_network(text), Reference(text)
    assert reference.parameters == {each.name: tuple(each.shape) for each in network.system().parameters}
    starts = {each.name: each.initialiser for each in network.parameters}
    assert reference.starts.items() <= starts.items()
    true_loss = np.real(reference.loss(params, {"x": x}, y))
    for fast in (False, True):
        loss, grads = symprop.compile(network, fast=fast).loss_and_grads(params, x, y)
        assert abs(loss - true_loss) < ROUNDING * max(1, abs(true_loss))
        for name, value in params.items():
            for place in list(np.ndindex(value.shape))[:: max(1, value.size // 3)]:
                moved = {**params, name: value.astype(complex)}
                moved[name][place] += 1e-200j
                slope = np.imag(reference.loss(moved, {"x": x}, y)) / 1e-200
                assert abs(grads[name][place] - slope) < ROUNDING * max(1, np.abs(grads[name]).max()), (name, place)


@pytest.mark.parametrize(
    ("known", "typed"),
    [
        ("RNN(2)", 'Scan("h = tanh(W @ x + R @ h_prev + b)", h=2)'),
        ("LSTM(2)", f'Scan("{PACKED}", a=4*k, k=2)'),
        ("GRU(2)", f'Scan("{GRU}", a=3*k, k=2)'),
    ],
)
def test_a_cell_that_is_typed_is_the_one_that_is_known(known: str, typed: str) -> None:
    one, other = (symprop.parse_network(f"Input(4, 3) >> {cell} >> MeanSquaredError()") for cell in (known, typed))
    params, x, y = drawn(one.text)
    (loss, grads), (another, others) = (symprop.compile(each).loss_and_grads(params, x, y) for each in (one, other))
    assert loss == pytest.approx(another, rel=ROUNDING)
    assert grads.keys() == others.keys()
    for name, value in grads.items():
        np.testing.assert_allclose(others[name], value, rtol=0, atol=ROUNDING * max(1, np.abs(value).max()))
    if known != "GRU(2)":  # of whose two sums only one is called a pre-activation
        ours, theirs = ({each.text() for each in symprop.derive(net).equations} for net in (one, other))
        assert ours == theirs


def test_gates_of_their_own_have_the_packed_ones_as_rows() -> None:
    packed, apart = (
        symprop.compile(f"Input(4, 3) >> {cell} >> MeanSquaredError()") for cell in ("LSTM(2)", f'Scan("{LSTM}", h=2)')
    )
    params, x, y = drawn("Input(4, 3) >> LSTM(2) >> MeanSquaredError()")
    rows = {f"{n}{g}1": params[f"{n}1"][2 * k : 2 * k + 2] for k, g in enumerate("ifgo") for n in "WRb"}
    (loss, grads), (other, others) = packed.loss_and_grads(params, x, y), apart.loss_and_grads(rows, x, y)
    assert loss == pytest.approx(other, rel=ROUNDING)
    for letter in "WRb":
        stacked = np.concatenate([others[f"{letter}{gate}1"] for gate in "ifgo"])
        np.testing.assert_allclose(stacked, grads[f"{letter}1"], rtol=0, atol=ROUNDING)


def test_the_page_has_the_names_of_the_author() -> None:
    d = symprop.derive(f'Input(T, n) >> Scan("{LSTM}", h=k) >> Dense(q) >> SoftmaxCrossEntropy()')
    assert d.equation("i1[t]").pretty() == "i⁽¹⁾ₜ = σ(aᵢ⁽¹⁾ₜ)"
    assert d.equation("delta_i1[t]").pretty() == "δᵢ⁽¹⁾ₜ = ∂L/∂c⁽¹⁾ₜ ⊙ g⁽¹⁾ₜ ⊙ i⁽¹⁾ₜ ⊙ (1 − i⁽¹⁾ₜ)"
    assert d.gradient("Rf1").text() == "sum([outer(delta_f1[t], h1[t - 1]) for t in range(1, T + 1)], axis=0)"


def delta_rule(p: dict[str, Array], x: Array) -> Array:
    """Fast weights, which a key and a value correct (Schlag et al. 2021)."""
    S, rows = np.zeros((3, 2)), []
    for row in x:
        v, k = p["V1"] @ row, np.exp(p["K1"] @ row)
        k = k / k.sum()
        S = S + np.outer(v - S @ k, k)
        rows.append(S @ (p["Q1"] @ row))
    return np.array(rows)


def fading(p: dict[str, Array], x: Array) -> Array:
    """Linear attention that forgets, of which the last state alone is read."""
    S = np.zeros((3, 2))
    for row in x:
        k = np.exp(p["K1"] @ row)
        S = 0.9 * S + np.outer(p["V1"] @ row, k / k.sum())
    return p["W2"] @ S.ravel() + p["b2"]


def counter(p: dict[str, Array], x: Array) -> Array:
    """A number is carried."""
    return np.array([np.tanh(s * p["v1"]) for s in np.cumsum(x @ p["w1"])])


@pytest.mark.parametrize(
    ("cell", "forward"),
    [
        (f'Scan("{DELTA_RULE}", S=(3, 2))', delta_rule),
        ('Scan("S = lam*S_prev + outer(V @ x, softmax(K @ x))", S=(3, 2), lam=0.9, sequence=False) >> Flatten()'
         " >> Dense(2)", fading),
        ('Scan("s = s_prev + w @ x; h = tanh(s * v)", h=3, s=())', counter),
    ],
)  # fmt: skip
def test_states_of_every_rank(cell: str, forward: Callable[[dict[str, Array], Array], Array]) -> None:
    text = f"Input(3, 2) >> {cell} >> MeanSquaredError()"
    params, x, y = drawn(text)
    positions = 1 if forward is fading else 3
    for fast in (False, True):
        _, grads = symprop.compile(text, fast=fast).loss_and_grads(params, x, y)
        for name, value in params.items():
            for place in np.ndindex(value.shape):
                moved = {**params, name: value.astype(complex)}
                moved[name][place] += 1e-200j
                loss = sum(((forward(moved, row) - target) ** 2).sum() for row, target in zip(x, y, strict=True))
                slope = np.imag(loss) / 1e-200 / (2 * len(x) * positions)
                assert abs(grads[name][place] - slope) < ROUNDING * max(1, np.abs(grads[name]).max()), (name, place)


def test_the_recurrence_of_a_page_is_run_where_a_gate_sees_the_state_of_its_moment() -> None:
    text = 'Input(T, 2) >> Scan("c = c_prev + V @ x; o = sigmoid(P @ x + v*c); h = o*tanh(c)", c=2)'
    case = Case(symprop.parse_network(f"{text} >> MeanSquaredError()"))
    rows = list(recurrence.rows(case, {}, 0))
    assert [row.name for row in rows] == [f"recurrence, T = {number}" for number in (1, 2, 3, 40)]
    assert all(row.ok for row in rows), rows


def test_states_are_given_by_inputs_of_their_names() -> None:
    given = 'initial=(Input(k, name="c0"), Input(k, name="h0"))'
    for cell in (f'Scan("c = a*c_prev + W @ x; h = tanh(c + R @ h_prev)", h=k, {given})', f"LSTM(k, {given})"):
        network = symprop.parse_network(f"Input(2, 4) >> {cell} >> MeanSquaredError()").with_sizes({"k": 3})
        assert {each.name: each.shape for each in network.inputs} == {"x": (2, 4), "c0": (3,), "h0": (3,)}
        assert all(row.ok for row in recurrence.rows(Case(network), {}, 0))


def test_a_page_has_the_rows_that_sums_alone_read() -> None:
    case = Case(symprop.parse_network('Input(2, 3) >> Scan("h = x + h_prev; g = h*a") >> MeanSquaredError()'))
    assert "dg[1, t] = take(dg[1], t - 1, axis=0)" in case.own.derivation.text()
    assert all(row.ok for row in recurrence.rows(case, {}, 0))


def test_nothing_that_is_made_of_rows_is_said_to_be_zero() -> None:
    leaky = symprop.derive('Input(3, 2) >> Scan("h = r*h_prev + (1 - r)*x", r=0.5) >> MeanSquaredError()')
    assert not leaky.remarks


def test_a_report_of_a_number_of_moments_has_its_costs() -> None:
    text = 'Input(3, 2) >> Scan("h = r*h_prev + W @ x", h=2, r=0.5) >> MeanSquaredError()'
    report = symprop.report(text, full=True, without=[name for name in SECTIONS if name != "cost"])
    assert r"$h_t^{(1)}$ & $n_0 n_1^{2}" in report.latex()


@pytest.mark.parametrize("target", ["jax", "torch"])
def test_other_libraries(target: str) -> None:
    pytest.importorskip(target)
    if target == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    for text in (READ_TWICE[0], f'Input(3, 2) >> Scan("{DELTA_RULE}", S=(3, 2)) >> MeanSquaredError()'):
        params, x, y = drawn(text)
        loss, grads = symprop.compile(text, fast=False).loss_and_grads(params, x, y)
        given = params
        if target == "torch":
            import torch

            given = {name: torch.tensor(value) for name, value in params.items()}
        other, others = symprop.compile(text, target=target).loss_and_grads(given, x, y)
        assert abs(float(other) - loss) < ROUNDING * max(1, abs(loss))
        for name, value in grads.items():
            atol = ROUNDING * max(1, np.abs(value).max())
            np.testing.assert_allclose(np.asarray(others[name]), value, rtol=0, atol=atol)


def test_parameters_start_by_what_the_equations_make_of_them() -> None:
    cell = symprop.Scan(
        """
        u = W @ x + R @ h_prev   # what a gain and a bias make of
        h = tanh(g*(u - mean(u))/sqrt(var(u) + eps) + b)
        """,
        h=3,
        eps=1e-5,
        learned={"R": "h h normal"},
    )
    network = symprop.Input(4, 2) >> cell >> symprop.MeanSquaredError()
    starts = {each.name: (each.kind, each.initialiser) for each in network.parameters}
    assert starts == {
        "W1": ("weight", "xavier_uniform"),
        "R1": ("weight", "normal"),
        "g1": ("learned", "ones"),
        "b1": ("bias", "zeros"),
    }
    assert symprop.parse_network(network.text) == network


@pytest.mark.parametrize(
    ("cell", "told", "marked"),
    [
        ('Scan("h = tanh(W @ x + R @ h + b)", h=2)', "'h' needs itself at the same moment; allowed: h_prev", "h + b"),
        ('Scan("h = tanh(W @ u); u = h + x", h=2)', "'u' needs itself at the same moment", "u)"),
        ('Scan("h = tanh(W @ u); u = W @ x", h=2)', "read before its equation; allowed: u_prev", "u)"),
        ('Scan("h = tanh(W @ x + g_prev)", h=2)', "no equation says 'g'", "g_prev"),
        ('Scan("h = tanh(W @ x_t)", h=2)', "'x_t' is no name here; allowed: x", "x_t"),
        ('Scan("h = x + h_old")', "allowed: h, of this moment, or h_prev", "h_old"),
        ('Scan("h = x + x_prev")', "allowed: an equation that keeps it: s = x", "x_prev"),
        ('Scan("h = tahn(W @ x)", h=2)', "unknown function 'tahn'", "tahn"),
        ('Scan("h = W @ x + b")', "the size of h follows from no equation", "Scan"),
        ('Scan("h = D*x + h_prev; y = C @ h", y=2)', "D may have shape () or (3,)", "Scan"),
        ('Scan("h = W @ x", h=2, W=2)', "W=0.5, a hyperparameter with its decimal point", "Scan"),
        ('Scan("h = concatenate((x, h_prev))", h=2)', "h has shape (5,) at t, and (2,) at t - 1", "concatenate"),
        ('Scan("h = x + h_prev", h=2)', "shapes (3,) and (2,) do not broadcast", "x + h_prev"),
        ('Scan("g = x; h = x + h_prev")', "'g' is read by no equation that the output needs", "g = x"),
        ('Scan("h = R @ h_prev", h=2)', "no equation reads x", "Scan"),
        ('Scan("h = x; y = h; h = y")', "'h' is defined twice", "h = y"),
        ('Scan("h = W @ x + dW", h=2)', "'dW' has a meaning of its own", "dW"),
        ('Scan("h = W1 @ x", h=2)', "another name, without a number", "W1"),
        ('Scan("h = x*t + h_prev")', "'t' is the moment", "t +"),
        ('Scan("h = x.__class__")', "'.T' is the only attribute", "x."),
        ('Scan("h = x + h_prev", output="g")', "no equation says the output 'g'; allowed: h", "Scan"),
        ('Scan("h = x + h_prev", initial=Input(2, name="start"))', "that of h, (3,)", "Scan"),
        ('Scan("h = hs*x + h_prev", initial="learned")', "'hs' is the learned initial state of h", "Scan"),
        ('Scan("x + h_prev")', "an equation begins with a name", "x +"),
        ('Scan("h = expm(A) @ h_prev + x")', "has no form for a batch", "expm"),
        ('Scan("h = x + oo")', "type inf", "oo"),
        ('Scan("h = W @ x", h=h)', "h has a size of its own name", "Scan"),
        (f'Scan("h = x{"@x" * 900}")', "takes an array of one axis", "x@"),
    ],
)
def test_errors_have_their_place(cell: str, told: str, marked: str) -> None:
    text = f"Input(4, 3) >> {cell} >> MeanSquaredError()"
    with pytest.raises(symprop.SympropError, match=re.escape(told)) as caught:
        symprop.parse_network(text)
    assert caught.value.column is not None
    assert text[caught.value.column :].startswith(marked)
