"""K-FAC's factors of weights that are used in several places, by derivatives at each place and all targets there are.

The networks are written in NumPy once more, with a shift of every product at every place: the complex step of the
output along the shifts is what goes back to that place.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symprop
from symprop.verify.arithmetic import Array

Shifts = dict[str, Array]
Forward = Callable[[dict[str, Array], Array, Shifts], tuple[Array, dict[str, Array]]]


def positions(p: dict[str, Array], x: Array, shift: Shifts) -> tuple[Array, dict[str, Array]]:
    a = np.tanh(x @ p["W1"].T + p["b1"] + shift["W1"])
    return a @ p["W2"].T + p["b2"] + shift["W2"], {"W1": x, "W2": a}


def pixels(p: dict[str, Array], x: Array, shift: Shifts) -> tuple[Array, dict[str, Array]]:
    windows = np.array([x[i : i + 3, j : j + 3].ravel() for i in range(2) for j in range(2)])
    a = np.tanh(windows @ p["W1"].reshape(2, -1).T + p["b1"] + shift["W1"]).ravel()
    return p["W2"] @ a + p["b2"] + shift["W2"][0], {"W1": windows, "W2": a[None]}


def moments(p: dict[str, Array], x: Array, shift: Shifts) -> tuple[Array, dict[str, Array]]:
    states = [np.zeros(2)]
    for t, row in enumerate(x):
        both = p["W1"] @ row + p["R1"] @ states[-1] + p["b1"] + shift["W1"][t] + shift["R1"][t]
        states.append(np.tanh(both))
    h = np.array(states)
    return h[1:] @ p["W2"].T + p["b2"] + shift["W2"], {"W1": x, "R1": h[:-1], "W2": h[1:]}


def of_classes(z: Array) -> Array:
    """Return the mean over the positions of the covariance of the classes of each."""
    found = np.zeros((z.size, z.size))
    for t, row in enumerate(z):
        p = np.exp(row) / np.exp(row).sum()
        at = slice(t * len(p), (t + 1) * len(p))
        found[at, at] = sum(q * np.outer(p - e, p - e) for q, e in zip(p, np.eye(len(p)), strict=True)) / len(z)
    return found


def of_bits(z: Array) -> Array:
    p = 1 / (1 + np.exp(-z.ravel()))
    return np.diag(p * (1 - p) ** 2 + (1 - p) * p**2)


def of_numbers(z: Array) -> Array:
    return np.eye(z.size) / len(z)


CASES: dict[str, tuple[str, Forward, Callable[[Array], Array], dict[str, int]]] = {
    "Input(3, 2) >> Dense(2) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()": (
        positions,
        of_classes,
        {"W1": 3, "W2": 3},
    ),
    "Input(4, 4, 1) >> Conv2D(2, 3) >> Tanh() >> Flatten() >> Dense(2) >> BinaryCrossEntropy()": (
        pixels,
        of_bits,
        {"W1": 4, "W2": 1},
    ),
    "Input(3, 2) >> RNN(2) >> Dense(2) >> MeanSquaredError()": (moments, of_numbers, {"W1": 3, "R1": 3, "W2": 3}),
}
"""Of each network: its forward pass, the expected Hessian of its loss, and in how many places a weight is used."""


@pytest.mark.parametrize("text", CASES)
def test_they_are_moments_over_places_or_of_what_is_summed_over_them(text: str) -> None:
    forward, hessian, places = CASES[text]
    module, random = symprop.compile(text), np.random.default_rng(0)
    params = {each: 0.4 * random.normal(size=shape) for each, shape in module.PARAMETERS.items()}
    still = {weight: np.zeros((count, len(params[weight])), dtype=complex) for weight, count in places.items()}
    x = random.normal(size=(2, *map(int, symprop.parse_network(text).system().inputs[0].shape)))
    y = np.zeros(np.shape(module.forward(params, x))) + np.eye(3)[0, : np.shape(module.forward(params, x))[-1]]
    expand, reduce = ({weight: ([], []) for weight in places} for _ in range(2))
    for row in x:
        z, used = forward(params, row, still)
        for weight, a in used.items():
            back = np.zeros((z.size, *still[weight].shape))
            for place in np.ndindex(still[weight].shape):
                moved = {**still, weight: still[weight].copy()}
                moved[weight][place] = 1e-30j
                back[(slice(None), *place)] = forward(params, row, moved)[0].ravel().imag / 1e-30
            curved = np.einsum("rti,rs,suj->tiuj", back, hessian(z.real), back)
            beside = (np.hstack([a, np.ones((len(a), 1))]) if weight != "R1" else a).real
            for found, pair in (
                (expand, (beside.T @ beside / len(a), np.einsum("titj->ij", curved))),
                (reduce, (np.outer(beside.mean(0), beside.mean(0)), curved.sum((0, 2)))),
            ):
                for factor, each in zip(found[weight], pair, strict=True):
                    factor.append(each)
    for wanted, found in ((expand, module.kfac(params, x, y)), (reduce, module.kfac_reduce(params, x, y))):
        assert set(found) == set(wanted)
        for weight, pair in wanted.items():
            for factor, parts in zip(found[weight], pair, strict=True):
                assert np.abs(factor - np.mean(parts, axis=0)).max() <= 1e-13 * (1 + np.abs(factor).max())


def test_pages_say_what_is_assumed_of_places_and_who_takes_them_so() -> None:
    d = symprop.derive("Input(4, 4, 1) >> Conv2D(2, 3) >> Flatten() >> Dense(2) >> MeanSquaredError()").kfac()
    assert any(each.startswith("W1: used in several places") and "Grosse and Martens" in each for each in d.remarks)
    assert d.equation("FW1").target.shape == (20, 20)
    d = symprop.derive("Input(3, 2) >> Dense(2) >> SoftmaxCrossEntropy()").kfac(sharing="reduce")
    assert any("Eschenhagen" in each and "(reduce)" in each for each in d.remarks)
    with pytest.raises(symprop.SpecError, match="allowed: expand, reduce"):
        symprop.derive("Input(3, 2) >> Dense(2) >> SoftmaxCrossEntropy()").kfac(sharing="both")


def test_where_a_sigmoid_saturates_they_are_those_of_its_logits() -> None:
    module = symprop.compile("Input(2) >> Dense(3) >> Sigmoid() >> BinaryCrossEntropy()")
    logits = symprop.compile("Input(2) >> Dense(3) >> BinaryCrossEntropy()")
    params = {"W1": np.ones((3, 2)), "b1": np.array([-900.0, 0.5, 900.0])}
    x, y = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([[0.0, 1, 1], [1, 0, 0]])
    for found, wanted in zip(module.kfac(params, x, y)["W1"], logits.kfac(params, x, y)["W1"], strict=True):
        assert np.isfinite(found).all() and np.abs(found - wanted).max() <= 1e-15
    product = module.fisher_vp(params, x, y, params)
    assert np.isfinite(product["W1"]).all() and product["W1"][1].any() and not product["W1"][[0, 2]].any()
    found, wanted = (each.empirical_fisher_vp(params, x, y, params)["W1"] for each in (module, logits))
    assert np.abs(found - wanted).max() <= 1e-12 * np.abs(wanted).max()
