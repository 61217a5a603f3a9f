"""Curvature of pages: of a batch in columns, and of a number of blocks or moments that is a name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symprop
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.unrolling import written_out
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked

SEQUENCE = "Input(2, 3) >> Dense(2) >> RNN(4) >> Dense(2) >> MeanSquaredError()"
LAYERS = "Input(3) >> Dense(4) >> Tanh() >> LayerNorm() >> Dense(2) >> MeanSquaredError()"


@pytest.mark.parametrize(("network", "shape"), [(SEQUENCE, (2, 3)), (LAYERS, (3,))])
def test_columns_have_what_rows_have(network: str, shape: tuple[int, ...]) -> None:
    module = symprop.compile(network, fast=False)
    random, params = np.random.default_rng(0), module.init_params(seed=0)
    x = random.standard_normal((5, *shape))
    y = random.standard_normal(module.predict(params, x).shape)
    columns = symprop.derive(network, layout="columns")
    norms = values_of(columns.per_example(), params, x, y)["norms"]
    assert np.abs(norms - module.per_example_norms(params, x, y)).max() <= 1e-12 * norms.max()
    found = kernel_of(columns.tangent_kernel(), params, x, y)
    wanted = module.tangent_kernel(params, x[:2], x[2:])
    assert np.abs(np.transpose(found, (2, 3, 0, 1)) - wanted).max() <= 1e-12 * np.abs(wanted).max()


def kernel_of(derivation: Any, params: dict[str, Array], x: Array, y: Array) -> Array:
    """Return what the equations of a tangent kernel give for the first two examples beside the others."""
    one, other = (values_of(derivation, params, x[part], y[part], pairs=False) for part in (slice(2), slice(2, None)))
    seconds = {second.name: other[first.name] for first, second in derivation.along.second if first != second}
    others = derivation.along.results[0].shape[-1]
    return run({**one, **seconds}, derivation.along.backward, {BATCH_SIZE: 2, others: len(x) - 2})["Theta"]


def values_of(derivation: Any, params: dict[str, Array], x: Array, y: Array, pairs: bool = True) -> dict[str, Array]:
    """Return what the equations of a batch in columns give, with those behind the way back where `pairs`."""
    values = params | {name: np.moveaxis(value, 0, -1) for name, value in (("x", x), ("y", y))}
    items = (*derivation.system.items, *derivation.backward, *derivation.along.forward)
    return run(values, (*items, *(derivation.along.backward if pairs else ())), {BATCH_SIZE: len(x)})


def run(values: dict[str, Array], items: Any, sizes: dict[Any, int]) -> dict[str, Array]:
    evaluator = Evaluator(Complex(), stacked(values, Complex()), sizes)
    evaluator.run(list(written_out(items, {})))
    return {name: unstacked(value).real for name, value in evaluator.values.items()}
