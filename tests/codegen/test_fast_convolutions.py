"""The fast step of convolutions and pools: their forms, their memory, and that both mean what the algebra writes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from test_memory import data_of, module_of, poison

import symprop
from symprop.algebra.equations import Equation
from symprop.algebra.trees import walk
from symprop.analysis.derivation import derive
from symprop.codegen import grouped_patches, passes, patch_products
from symprop.codegen.kinds import meaning
from symprop.codegen.patches import OfPatches, PatchGradient, PatchProduct
from symprop.codegen.pools import Pooled, ToAll, ToFirst
from symprop.codegen.targets.fast import convolution_calls, pool_calls
from symprop.codegen.targets.fast.step import STEP
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import counted_step, counted_values

END = " >> Flatten() >> Dense(3) >> SoftmaxCrossEntropy()"
NETWORKS = {
    "one channel": 'Input(8, 8, 1) >> Conv2D(4, 3, padding="same") >> ReLU() >> MaxPool2D(2)',
    "rows shifted": 'Input(6, 5, 4) >> Conv2D(5, 3, padding="same") >> Tanh() >> Conv2D(4, (3, 2), dilation=(2, 1))',
    "strides": "Input(9, 7, 3) >> Conv2D(4, 3, stride=2, padding=(1, 2)) >> Tanh() >> Conv2D(4, 2, stride=(2, 1))",
    "transposed": "Input(3, 3, 4) >> Tanh() >> ConvTranspose2D(3, 3, stride=2, padding=1, output_padding=1) >> Tanh()"
    " >> ConvTranspose2D(2, 2, dilation=2) >> Conv2D(2, 1)",
    "groups": "Input(6, 5, 4) >> Tanh() >> Conv2D(6, 3, groups=2, stride=(2, 1), padding=(1, 2)) >> Tanh()"
    " >> Conv2D(6, (3, 2), depthwise=True, dilation=(1, 2), padding=1)",
    "groups of a sequence": "Input(9, 4) >> Conv1D(4, 3, depthwise=True, stride=2) >> Tanh() >> Conv1D(2, 2, groups=2)",
    "a sequence": 'Input(9, 3) >> Conv1D(4, 3, padding="causal") >> ReLU() >> MaxPool1D(2) >> AveragePool1D(2)',
    "pools that meet": "Input(7, 7, 2) >> Conv2D(3, 2) >> ReLU() >> MaxPool2D(3, stride=2, padding=1)"
    " >> AveragePool2D(2, stride=1, padding=1)",
    "pools that leave some out": "Input(7, 8, 2) >> Conv2D(3, 1) >> MaxPool2D((2, 3)) >> UpSample2D(2) >> MaxPool2D(2)",
    "a pool of padding alone": "Input(3, 2) >> Conv1D(2, 1) >> AveragePool1D(3, stride=3, padding=(2, 0))",
    "a pool padded before alone": "Input(4, 6, 2) >> Conv2D(3, 1) >> AveragePool2D((1, 2), padding=(0, (1, 0)))",
    "one slope before": "Input(6, 3) >> PReLU() >> Conv1D(3, 3)",
    "norms": 'Input(4, 4, 4) >> Conv2D(4, 3, padding="same") >> BatchNorm() >> ReLU() >> GroupNorm(2) >> LayerNorm()',
}


def ties(network: str) -> tuple[dict[str, Any], Any, Any]:
    """Return data of whole numbers, so that several elements of windows are the largest."""
    params, x, y = data_of(network, 3)
    return {name: np.round(value) for name, value in params.items()}, np.round(x), y


BLOCKS = {"all": 65536, "a few images or rows": 100}
"""How many elements of patches are copied at a time: small networks have all in one block else."""


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_a_step_computes_what_is_derived_wherever_windows_lie(
    text: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((convolution_calls, "MANY"), (convolution_calls, "SMALL"), (pool_calls, "CACHED")):
        monkeypatch.setattr(module, name, block)
    monkeypatch.setattr(convolution_calls, "SHORT", 1)
    monkeypatch.setattr(grouped_patches, "CHANNELS", min(16, block // 50))  # all groups in one product, or two channels
    derivation = derive(symprop.parse_network(text + END), layout="rows")
    module = module_of(derivation)
    for params, x, y in (data_of(text + END, 3), *([ties(text + END)] if "MaxPool" in text else [])):
        expected, true = counted_step(derivation, params, x, y)
        work = module.make_workspace(3)
        for _ in range(2):
            poison(work)
            found, grads = module.loss_and_grads(params, x, y, work)
            assert_rounded(found, expected)
            for name, gradient in true.items():
                assert_rounded(grads[name], gradient, name=name)


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_what_passes_make_of_convolutions_and_pools_means_the_same(text: str) -> None:
    derivation = derive(symprop.parse_network(text + END), layout="rows")
    made = STEP[: STEP.index(patch_products.gradients_of_biases) + 1]
    program = passes.run(passes.formed(derivation), made)
    system = derivation.system
    params, x, y = data_of(text + END, 2)
    given = {**params, system.inputs[0].name: x, system.targets[0].name: y}
    equations = [Equation(each.target, meaning(each.expression)) for each in program.statements]
    values = counted_values(equations, given, {system.batch: 2})
    expected, true = counted_step(derivation, params, x, y)
    assert_rounded(values[program.returns[0]], expected)
    for name, gradient in true.items():
        assert_rounded(values[f"d{name}"], gradient, name=name)


def kinds(text: str) -> set[type]:
    """Return the kinds in the step of a network that stand for a helper each."""
    derivation = derive(symprop.parse_network(text + END), layout="rows")
    program = passes.run(passes.formed(derivation), STEP)
    parts = [part for each in program.statements for part in walk(each.expression)]
    return {type(part) for part in parts if isinstance(part, (OfPatches, Pooled, ToAll, ToFirst))}


def test_no_window_of_a_table_stays() -> None:
    assert kinds(NETWORKS["one channel"]) == {PatchProduct, PatchGradient, Pooled, ToFirst}
    assert kinds(NETWORKS["a sequence"]) == {PatchProduct, PatchGradient, Pooled, ToFirst, ToAll}
    for name in ("rows shifted", "transposed", "pools that meet", "groups", "groups of a sequence"):
        code = symprop.generate(NETWORKS[name] + END, fast=True).partition("def _step(")[2]
        assert "sliding_window_view" not in code and "[..., k0" not in code


def test_no_derivative_by_the_images_is_computed() -> None:
    code = symprop.generate('Input(8, 8, 2) >> Conv2D(4, 3, padding="same")' + END, fast=True)
    step = code.partition("def _step(")[2].partition("grads = {")[0]
    assert (step.count("convolved"), step.count("kernel_gradient")) == (1, 1)


@pytest.mark.parametrize("text", [NETWORKS[name] for name in ("one channel", "strides", "pools that meet", "norms")])
def test_a_step_allocates_nothing_that_grows_with_the_batch(text: str) -> None:
    module = symprop.compile(text + END, dtype="float32")
    params, x, y = data_of(text + END, 64)
    params = {name: value.astype(np.float32) for name, value in params.items()}
    x, y = x.astype(np.float32), y.argmax(axis=-1)
    work = module.make_workspace(64)
    module.loss_and_grads(params, x, y, work)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        module.loss_and_grads(params, x, y, work)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # views, and the buffers of one call of a ufunc: three of 1,024 elements for 64 images of at least 64 numbers each
    assert peak < 20_000
