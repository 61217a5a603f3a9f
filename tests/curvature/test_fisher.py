"""The Fisher product against the mean of g g' v over all targets that there are, each with its probability."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.verify.arithmetic import Array

X = np.random.default_rng(3).standard_normal((3, 2))


def choices(p: Array) -> Iterator[tuple[float, Array]]:
    """Yield each class of one example with its probability."""
    yield from ((p[k], np.eye(len(p))[k]) for k in range(len(p)))


def bits(p: Array) -> Iterator[tuple[float, Array]]:
    """Yield each row of zeros and ones with its probability."""
    for each in product((0.0, 1.0), repeat=len(p)):
        yield float(np.prod(np.where(np.array(each) == 1, p, 1 - p))), np.array(each)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("Dense(3) >> SoftmaxCrossEntropy() + L2(0.4)", choices),
        ("Dense(2) >> BinaryCrossEntropy()", bits),
        ("Dense(2) >> Sigmoid() >> BinaryCrossEntropy()", bits),
    ],
)
def test_it_is_the_mean_over_what_the_model_may_draw(loss: str, targets: object) -> None:
    text = f"Input(2) >> Dense(3) >> Tanh() >> {loss}"
    module = symprop.compile(text)
    plain = symprop.compile(text.partition(" + ")[0])
    params, v = module.init_params(seed=0), direction(module)
    wanted = np.zeros(sum(value.size for value in params.values()))
    for x, p in zip(X, module.predict(params, X), strict=True):
        for probability, y in targets(p):  # type: ignore[operator]
            gradient = flat(plain.loss_and_grads(params, x[None], y[None])[1])
            wanted += probability * gradient * (gradient @ flat(v)) / len(X)
    y = np.stack([next(targets(p))[1] for p in module.predict(params, X)])  # type: ignore[operator]
    for form in (module, symprop.compile(text, fast=False)):
        found = flat(form.fisher_vp(params, X, y, v))
        assert np.abs(found - wanted).max() <= 1e-12 * (1 + np.abs(wanted).max())


MASKED = "mask=Input(3, name='mask')"


@pytest.mark.parametrize(
    ("text", "factor", "drawn"),
    [
        ("Dense(2) >> SoftmaxCrossEntropy()", "3", choices),
        (f"Dense(2) >> SoftmaxCrossEntropy({MASKED})", "Omega/m", choices),
        ("Dense(2) >> Sigmoid() >> BinaryCrossEntropy(positions='sum')", "", bits),
        (f"Dense(1) >> BinaryCrossEntropy({MASKED})", "Omega/m", bits),
        ("RNN(2) >> Dense(1) >> MeanSquaredError()", "3", None),
    ],
)
def test_of_a_sequence_each_position_counts_as_an_example(text: str, factor: str, drawn: Any) -> None:
    """The remark says how many times it is the mean of `g g'`, over all sequences of targets that the model may draw.

    Of numbers the gradient is linear in the targets, so that two of them at the variance 1 are as good as all.
    """
    module = symprop.compile(f"Input(3, 2) >> {text}", fast=False)
    params, v, mask = module.init_params(seed=0), direction(module), np.array([[1.0, 0.0, 1.0]])
    x: Any = {"x": X[None], "mask": mask} if MASKED in text else X[None]
    mean, total = module.predict(params, x)[0], 0.0
    numbers = [[(0.5, row + 1), (0.5, row - 1)] for row in mean]
    for sequence in product(*([list(drawn(row)) for row in mean] if drawn else numbers)):
        y = np.stack([each for _, each in sequence])[None]
        gradient = flat(module.loss_and_grads(params, x, y)[1])
        total += np.prod([chance for chance, _ in sequence]) * (gradient @ flat(v)) ** 2
    found = flat(module.fisher_vp(params, x, mean[None], v)) @ flat(v)
    times = {"": 1.0, "3": 3.0, "Omega/m": mask.sum()}[factor]
    assert abs(found - times * total) <= 1e-12 * found
    remarks = symprop.derive(f"Input(3, 2) >> {text}", layout="rows").fisher().remarks
    assert any(f"is {factor} times the mean of g g'" in each for each in remarks) == bool(factor)


def test_it_is_not_called_the_gauss_newton_matrix_where_that_reads_the_targets() -> None:
    text = "Input(2) >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()"
    d = symprop.derive(text)
    assert d.fisher().equation("H1").text() == "H1 = diag(1 / a1 + 1 / (1 - a1))"
    for remark in (d.fisher().remarks[-1], d.kfac().remarks[0]):
        assert "not what gauss_newton() gives" in remark and "as a function of z1" in remark
    penalised = symprop.derive("Input(2) >> Dense(2) >> MeanSquaredError() + L2(0.1)").fisher().remarks
    assert "without its penalties" in penalised[-2] and penalised[-1].endswith("for W1")


def test_the_empirical_one_takes_the_targets_of_the_data() -> None:
    text = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> Tanh() >> Huber(0.5)"
    module = symprop.compile(text)
    params, v, y = module.init_params(seed=0), direction(module), np.random.default_rng(4).standard_normal((3, 2))
    gradients = [flat(module.loss_and_grads(params, X[[k]], y[[k]])[1]).copy() for k in range(len(X))]
    wanted = sum(each * (each @ flat(v)) for each in gradients) / len(X)
    found = flat(module.empirical_fisher_vp(params, X, y, v))
    assert np.abs(found - wanted).max() <= 1e-12 * (1 + np.abs(wanted).max())
    with pytest.raises(symprop.SpecError, match="empirical"):
        symprop.derive(text).fisher()


def direction(module: object) -> dict[str, Array]:
    random = np.random.default_rng(5)
    shapes: dict[str, tuple[int, ...]] = module.PARAMETERS  # type: ignore[attr-defined]
    return {name: random.standard_normal(shape) for name, shape in shapes.items()}


def flat(values: dict[str, Array]) -> Array:
    return np.concatenate([np.ravel(value) for value in values.values()])
