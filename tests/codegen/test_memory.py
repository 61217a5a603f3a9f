"""The memory plan: no array is allocated in a step, and no result is written over while it is still read."""

from __future__ import annotations

import tracemalloc
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from example_networks import EACH
from hypothesis import given, settings
from hypothesis import strategies as st

from symprop.algebra.batching import BATCH_SIZE
from symprop.analysis.derivation import Derivation, derive
from symprop.codegen import compile_network, passes
from symprop.codegen.gallery import Example
from symprop.codegen.loading import loaded
from symprop.codegen.lowering import lower
from symprop.codegen.passes import formed
from symprop.codegen.targets.fast.memory import KINDS
from symprop.codegen.targets.fast.module import module_source
from symprop.codegen.targets.fast.step import planned
from symprop.codegen.targets.fast.taken import made_into_rows
from symprop.codegen.targets.target import Options
from symprop.networks.spec import as_network
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import counted_step

ACTIVATIONS = (
    *("Tanh()", "ReLU()", "Sigmoid()", "SiLU()", "GELU()", 'GELU(approximate="tanh")', "Softplus()", "LeakyReLU()"),
    *("ELU()", "Softmax()", 'Activation("x**3 / (1 + x**2)")', 'Activation("where(x > 1, log(x), x - 1) * abs(x)")'),
)
LOSSES = (
    *("SoftmaxCrossEntropy()", "MeanSquaredError()", "BinaryCrossEntropy(from_logits=True)"),
    *("SoftmaxCrossEntropy() + L2(0.1)", 'Loss("sum((a - y)**4)")'),
    'Loss("sum(abs(a - y)) + sum(softmax(a)**2 * a) + sum(maximum(a, y))")',
)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Return the text of a random network: layers, residual blocks, an embedding or none, any loss."""
    width = draw(st.integers(2, 5))
    layers = [f"Input({draw(st.integers(1, 4))})"]
    flat = True
    if draw(st.integers(0, 3)) == 0:
        flat = draw(st.booleans())
        layers.append(f"Embedding({draw(st.sampled_from([5, 70]))}, 3{'' if flat else ', flatten=False'})")
    layers.append(f"Dense({width})")
    for _ in range(draw(st.integers(0, 4))):
        dense = f"Dense({width}{draw(st.sampled_from(['', ', bias=False']))})"
        inside = f"{dense} >> {draw(st.sampled_from(ACTIVATIONS))}"
        layers.append(draw(st.sampled_from([inside, f"Residual({inside})", f"Residual(Tanh() >> {dense})"])))
    layers.append(f"Dense({draw(st.integers(2, 4))})")
    return " >> ".join([*layers, draw(st.sampled_from(LOSSES))])


def module_of(derivation: Derivation, dtype: str = "float64") -> ModuleType:
    return loaded(module_source(derivation, formed(derivation), Options(dtype)))


def data_of(text: str, m: int, seed: int = 0) -> tuple[dict[str, Any], Any, Any]:
    """Return random parameters, inputs and targets of a network."""
    random = np.random.default_rng(seed)
    system = as_network(text).system()
    params = {each.name: random.normal(size=tuple(map(int, each.shape))) for each in system.parameters}
    ids = system.inputs[0].facts_by_kind.get("index")
    shape = (m, *map(int, system.inputs[0].shape))
    x = random.normal(size=shape) if ids is None else random.integers(0, int(ids), shape)
    y = random.uniform(0.1, 0.9, (m, *map(int, system.targets[0].shape)))
    return params, x, y / y.sum(axis=-1, keepdims=True)


def poison(work: Any) -> None:
    """Write NaN, true or the largest id into all of a workspace but its constants."""
    for name, array in vars(work).items():
        if isinstance(array, np.ndarray) and not name.startswith(
            ("ones", "zeros", "identity", "constant", "frame", "omega")
        ):
            array.fill({"f": np.nan, "b": True, "i": 2**40}[array.dtype.kind])


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(1, 4))
def test_a_step_in_memory_that_is_used_again_computes_what_is_derived(text: str, m: int) -> None:
    params, x, y = data_of(text, m)
    derivation = derive(as_network(text), layout="rows")
    planned = module_of(derivation)
    expected, true = counted_step(derivation, params, x, y)
    assert_rounded(planned.loss(params, x, y), expected)
    work = planned.make_workspace(m)
    before = {name: value.copy() for name, value in params.items()}
    given_x, given_y = x.copy(), y.copy()
    for _ in range(2):
        poison(work)
        found, grads = planned.loss_and_grads(params, x, y, work)
        assert_rounded(found, expected)
        for name, gradient in true.items():
            assert_rounded(grads[name], gradient, name=name)
    for name, value in before.items():
        assert np.array_equal(params[name], value)
    assert np.array_equal(x, given_x) and np.array_equal(y, given_y)


@settings(max_examples=40, deadline=None)
@given(networks(), st.sampled_from(["float64", "float32"]), st.integers(1, 40))
def test_the_plan_says_how_large_a_workspace_is(text: str, dtype: str, m: int) -> None:
    derivation = derive(as_network(text), layout="rows")
    found = planned(passes.run(lower(derivation), passes.FORMS), made_into_rows(derivation.system.targets))
    assert all(found.naive[kind].subs(BATCH_SIZE, m) >= found.totals[kind].subs(BATCH_SIZE, m) for kind in KINDS)
    work = module_of(derivation, dtype).make_workspace(m)
    arrays = [each for each in vars(work).values() if isinstance(each, np.ndarray)]
    owners = {id(owner): owner for owner in (each if each.base is None else each.base for each in arrays)}
    assert found.bytes(np.dtype(dtype).itemsize).subs(BATCH_SIZE, m) == sum(each.nbytes for each in owners.values())
    for first in found.blocks:
        for second in found.blocks:
            live = first.start <= second.stop and second.start <= first.stop
            if first is not second and first.kind == second.kind and live:
                ends = [(block.offset + block.size).subs(BATCH_SIZE, m) for block in (first, second)]
                starts = [block.offset.subs(BATCH_SIZE, m) for block in (first, second)]
                assert ends[0] <= starts[1] or ends[1] <= starts[0], f"{first.holds} and {second.holds} overlap"


@pytest.mark.parametrize("example", EACH)
def test_a_step_in_a_workspace_allocates_nothing(example: Example) -> None:
    m = 64
    module = compile_network(example.network, dtype=example.dtype)
    params, x, y = data_of(example.network, m)
    params = {name: value.astype(module.DTYPE) for name, value in params.items()}
    x, y = (x if x.dtype.kind == "i" else x.astype(module.DTYPE)), y.astype(module.DTYPE)
    if hasattr(module, "ONE_HOT"):
        y = y.argmax(axis=-1)
    work = module.make_workspace(m)
    module.loss_and_grads(params, x, y, work)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(100):
            module.loss_and_grads(params, x, y, work)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 10_000
