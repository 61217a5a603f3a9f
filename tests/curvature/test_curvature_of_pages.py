"""Curvature of pages: of a batch in columns, and of a number of blocks or moments that is a name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import Integer, Symbol

import symprop
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import System
from symprop.algebra.unrolling import unrolled, written_out
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked

COUNTS = {Symbol(name, integer=True, positive=True): Integer(2) for name in ("N", "K")}
SEQUENCE = "Input(2, 3) >> Dense(2) >> RNN(4) >> Dense(2) >> MeanSquaredError()"
LAYERS = "Input(3) >> Dense(4) >> Tanh() >> LayerNorm() >> Dense(2) >> MeanSquaredError()"


@pytest.mark.parametrize(("network", "shape"), [(SEQUENCE, (2, 3)), (LAYERS, (3,))])
def test_columns_have_what_rows_have(network: str, shape: tuple[int, ...]) -> None:
    module = symprop.compile(network, fast=False)
    random, params = np.random.default_rng(0), module.init_params(seed=0)
    x = random.standard_normal((5, *shape))
    y = random.standard_normal(module.predict(params, x).shape)
    columns = symprop.derive(network, layout="columns")
    check_examples(columns.per_example(), module, params, params, x, y)
    found = kernel_of(columns.tangent_kernel(), params, x, y)
    wanted = module.tangent_kernel(params, x[:2], x[2:])
    assert np.abs(np.transpose(found, (2, 3, 0, 1)) - wanted).max() <= 1e-12 * np.abs(wanted).max()


GENERAL = [
    ("Input(3) >> Repeat(Residual(LayerNorm() >> Dense(3) >> Tanh()), N) >> Dense(2) >> MeanSquaredError()", (3,)),
    ("Input(3) >> Repeat(Dense(2) >> Tanh() >> Dense(3, bias=False), N, tied=True) >> MeanSquaredError()", (3,)),
    ("Input(3) >> Repeat(Repeat(Dense(3) >> Tanh(), K), N) >> Dense(2) >> MeanSquaredError()", (3,)),
    ("Input(N, 3) >> Dense(2) >> GRU(4, sequence=False) >> Dense(2) >> MeanSquaredError()", (2, 3)),
]


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize(("network", "shape"), GENERAL)
def test_a_named_number_of_steps_has_what_its_numbers_have(network: str, shape: tuple[int, ...], layout: str) -> None:
    module = symprop.compile(network, fast=False, sizes={str(each): 2 for each in COUNTS if str(each) in network})
    random, params = np.random.default_rng(0), module.init_params(seed=0)
    x = random.standard_normal((5, *shape))
    y = random.standard_normal(module.predict(params, x).shape)
    general = symprop.derive(network, layout=layout)
    wanted = module.tangent_kernel(params, x[:2], x[2:])
    plain, params = params, called_as_in(unrolled(general.system, COUNTS), params)
    check_examples(general.per_example(), module, plain, params, x, y)
    found = kernel_of(general.tangent_kernel(), params, x, y)
    found = np.transpose(found, (2, 3, 0, 1)) if layout == "columns" else found
    assert np.abs(found - wanted).max() <= 1e-12 * np.abs(wanted).max()


def check_examples(
    derivation: Any, module: Any, plain: dict[str, Array], params: dict[str, Array], x: Array, y: Array
) -> None:
    """Compare norms and clipped gradients of examples of a page with those of a module, which calls them as `plain`."""
    norms = module.per_example_norms(plain, x, y)
    bound = float(np.median(norms))
    values = values_of(derivation, params | {"C": np.array(bound)}, x, y)
    assert np.abs(values["norms"] - norms).max() <= 1e-12 * norms.max()
    wanted = module.clipped_grads(plain, x, y, bound)
    found = called_as_in(unrolled(derivation.system, COUNTS), wanted)
    largest = max(np.abs(each).max() for each in wanted.values())
    assert all(np.abs(values[f"Cd{name}"] - each).max() <= 1e-12 * largest for name, each in found.items())


def called_as_in(system: System, params: dict[str, Array]) -> dict[str, Array]:
    """Return parameters as a system of written out loops calls them: those of one letter are in the same order."""
    found = {}
    for letter in {each.letter for each in system.parameters}:
        names = [each.name for each in system.parameters if each.letter == letter]
        values = [value for name, value in params.items() if name.rstrip("0123456789") == letter]
        found |= dict(zip(names, values, strict=True))
    return found


def kernel_of(derivation: Any, params: dict[str, Array], x: Array, y: Array) -> Array:
    """Return what the equations of a tangent kernel give for the first two examples beside the others."""
    one, other = (values_of(derivation, params, x[part], y[part], pairs=False) for part in (slice(2), slice(2, None)))
    mark = max(second.mark - first.mark for first, second in derivation.along.second)
    made = written_out((*derivation.system.items, *derivation.along.forward), COUNTS)
    arrays = (*derivation.system.inputs, *(each.target for each in made))
    seconds = {each.change(mark=each.mark + mark).name: other[each.name] for each in arrays}
    others = derivation.along.results[0].shape[-1 if derivation.system.layout == "columns" else 1]
    sizes = {BATCH_SIZE: 2, others: len(x) - 2}
    return run({**one, **seconds}, derivation.along.backward, sizes)["Theta"]


def values_of(derivation: Any, params: dict[str, Array], x: Array, y: Array, pairs: bool = True) -> dict[str, Array]:
    """Return what the equations of a batch give, with those behind the way back where `pairs`."""
    behind = -1 if derivation.system.layout == "columns" else 0
    values = params | {name: np.moveaxis(value, 0, behind) for name, value in (("x", x), ("y", y))}
    items = (*derivation.system.items, *derivation.backward, *derivation.along.forward)
    return run(values, (*items, *(derivation.along.backward if pairs else ())), {BATCH_SIZE: len(x)})


def run(values: dict[str, Array], items: Any, sizes: dict[Any, int]) -> dict[str, Array]:
    sizes = sizes | dict.fromkeys(COUNTS, 2)
    evaluator = Evaluator(Complex(), stacked(values, Complex()), sizes)
    evaluator.run(list(written_out(items, COUNTS)))
    return {name: unstacked(value).real for name, value in evaluator.values.items()}
