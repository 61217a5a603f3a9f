"""K-FAC's factors: for one example `kron(G, A)` is the block of the Fisher matrix, by all targets that there are."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest

import symprop
from symprop.verify.arithmetic import Array

X = np.random.default_rng(3).standard_normal((4, 2))
HIDDEN = "Input(2) >> Dense(3) >> Tanh() >> "
Drawn = Iterator[tuple[float, Array]]


def choices(p: Array) -> Drawn:
    """Yield each class of one example with its probability."""
    yield from ((p[k], np.eye(len(p))[k]) for k in range(len(p)))


def bits(p: Array) -> Drawn:
    """Yield each row of zeros and ones with its probability."""
    for each in product((0.0, 1.0), repeat=len(p)):
        yield float(np.prod(np.where(np.array(each) == 1, p, 1 - p))), np.array(each)


def numbers(p: Array) -> Drawn:
    """Yield targets whose mean is p and whose covariance is the identity, as those of a normal distribution."""
    for k, sign in product(range(len(p)), (1, -1)):
        yield 1 / (2 * len(p)), p + sign * np.sqrt(len(p)) * np.eye(len(p))[k]


def given(p: Array) -> Drawn:
    """Yield the targets of the data alone."""
    yield 1.0, p + np.array([0.2, -0.9])


CASES: dict[str, Callable[[Array], Drawn]] = {
    "Dense(3) >> SoftmaxCrossEntropy() + L2(0.4)": choices,
    "Dense(2) >> BinaryCrossEntropy()": bits,
    "Dense(2, bias=False) >> Sigmoid() >> BinaryCrossEntropy()": bits,
    "Dense(2) >> MeanSquaredError()": numbers,
    "Dense(2) >> Tanh() >> Huber(0.5)": given,
}


@pytest.mark.parametrize("loss", CASES)
def test_for_one_example_they_are_the_block_of_the_fisher_matrix(loss: str) -> None:
    module, plain = symprop.compile(HIDDEN + loss), symprop.compile((HIDDEN + loss).partition(" + ")[0])
    params, drawn = module.init_params(seed=0), CASES[loss]
    params = {name: value + 0.1 for name, value in params.items()}
    targets = [list(drawn(p)) for p in module.predict(params, X)]
    alone = []
    for x, each in zip(X, targets, strict=True):
        found = module.kfac(params, x[None], each[0][1][None])
        alone.append(found)
        gradients = [
            (probability, *layers_of(plain.loss_and_grads(params, x[None], y[None])[1])) for probability, y in each
        ]
        for place, name in enumerate(("W1", "W2")):
            wanted = sum(probability * np.outer(g[place], g[place]) for probability, *g in gradients)
            factor_a, factor_g = found[name]
            assert np.abs(np.kron(factor_g, factor_a) - wanted).max() <= 1e-12 * (1 + np.abs(wanted).max())
    whole = module.kfac(params, X, np.stack([each[0][1] for each in targets]))
    assert list(whole) == ["W1", "W2"]
    for name, factors in whole.items():
        for place, factor in enumerate(factors):
            mean = np.mean([each[name][place] for each in alone], axis=0)
            assert np.abs(factor - mean).max() <= 1e-13 * (1 + np.abs(mean).max())


def test_the_page_says_what_they_assume_and_what_has_none() -> None:
    network = (
        "Input(4, 4, 1) >> Conv2D(2, 3) >> ReLU() >> Flatten() >> LayerNorm() >> Dense(2) >> SoftmaxCrossEntropy()"
    )
    d = symprop.derive(network).kfac()
    assert "independent over the examples" in d.remarks[-4] and "each of W1, W2" in d.remarks[-4]
    assert d.remarks[-4].endswith("exact for W2")
    assert "row after row" in d.remarks[-2]
    assert "no factors for gamma1, beta1:" in d.remarks[-1]
    tied = "Input(4) >> Dense(4) >> Tanh() >> Dense(4, tied='W1.T')"
    assert any(
        "W1: the places" in each for each in symprop.derive(f"{tied} >> Dense(1) >> MeanSquaredError()").kfac().remarks
    )
    with pytest.raises(symprop.SpecError, match="W1: the places where it is used hold it in different orientations"):
        symprop.derive(f"{tied} >> MeanSquaredError()").kfac()
    block = symprop.derive(f"{HIDDEN}Dense(2) >> MeanSquaredError()").kfac().equation("FW1")
    assert block.target.shape == (9, 9)
    with pytest.raises(symprop.SpecError, match="no weight has"):
        symprop.derive("Input(2, 3) >> LayerNorm() >> MeanSquaredError()").kfac()


@pytest.mark.parametrize(
    ("network", "options", "allowed"),
    [
        ("Input(3) >> Repeat(Dense(3) >> Tanh(), N) >> MeanSquaredError()", {}, "a number"),
        ("Input(3) >> Dense(2) >> MeanSquaredError()", {"layout": "columns"}, '"example", "rows"'),
        ("Input(3) >> Dense(3) >> SoftmaxCrossEntropy(weights=(1, 2, 3))", {}, "evaluation=True"),
    ],
)
def test_what_has_none_is_told(network: str, options: dict[str, str], allowed: str) -> None:
    with pytest.raises(symprop.SpecError, match=f"allowed: .*{allowed}"):
        symprop.derive(network, **options).kfac()


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_other_libraries_have_the_same(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    text = f"{HIDDEN}Dense(3) >> SoftmaxCrossEntropy()"
    plain, module = symprop.compile(text), symprop.compile(text, target=library)
    params, y = plain.init_params(seed=0), np.array([0, 2, 1, 1])
    found, wanted = module.kfac(*map(to_library(library), (params, X, y))), plain.kfac(params, X, y)
    for name, factors in wanted.items():
        for factor, other in zip(factors, found[name], strict=True):
            assert np.abs(np.asarray(other) - factor).max() <= 1e-12


def layers_of(grads: dict[str, Array]) -> tuple[Array, ...]:
    """Return the gradients of each layer, its bias the last column of its weight, row after row."""
    layers = ([grads[f"W{k}"], *([grads[f"b{k}"][:, None]] if f"b{k}" in grads else [])] for k in (1, 2))
    return tuple(np.hstack(each).ravel() for each in layers)


def to_library(library: str) -> Callable[..., object]:
    """Return what makes the arrays of a library."""
    if library != "torch":
        return lambda value: value
    torch = importlib.import_module("torch")

    def made(value: Array | dict[str, Array]) -> object:
        return (
            {name: torch.tensor(each) for name, each in value.items()}
            if isinstance(value, dict)
            else torch.tensor(value)
        )

    return made


def test_many_rows_are_taken_in_parts() -> None:
    """Of parts that are not all as long, with class ids, and with two inputs in a dict."""
    random, m = np.random.default_rng(0), 1200
    text = f"{HIDDEN}Dense(3) >> SoftmaxCrossEntropy()"
    module = symprop.compile(text)
    params, x, y = module.init_params(seed=0), random.normal(size=(m, 2)), random.integers(0, 3, m)
    each = [module.kfac(params, x[k : k + 1], y[k : k + 1]) for k in range(0, m, 100)]
    some = module.kfac(params, np.repeat(x[::100], 100, axis=0), np.repeat(y[::100], 100))
    for name, factors in some.items():
        for place, factor in enumerate(factors):
            assert np.abs(factor - np.mean([one[name][place] for one in each], axis=0)).max() <= 1e-13
    with pytest.raises(ValueError, match=r"y has shape \(1199,\)"):
        module.kfac(params, x, y[:-1])
    both = symprop.compile("Input(2) >> Sum(Dense(3), Input(3, name='c')) >> Dense(1) >> MeanSquaredError()")
    given = {"x": x, "c": random.normal(size=(m, 3))}
    params, targets = both.init_params(seed=0), random.normal(size=(m, 1))
    whole = both.kfac(params, given, targets)
    halves = [both.kfac(params, {n: v[k::3] for n, v in given.items()}, targets[k::3]) for k in range(3)]
    for name, factors in whole.items():
        for place, factor in enumerate(factors):
            assert np.abs(factor - np.mean([one[name][place] for one in halves], axis=0)).max() <= 1e-13
