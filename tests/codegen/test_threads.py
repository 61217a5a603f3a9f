"""Two threads: each makes a step with half of the rows, and they meet for sums over all."""

from __future__ import annotations

import functools
import linecache
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_memory import data_of, poison

from symprop.analysis.derivation import Derivation, derive
from symprop.codegen import compile_network, generate
from symprop.codegen.targets.fast.optimizer_step import update_lines
from symprop.errors import SpecError
from symprop.networks.optimisers import OPTIMISERS
from symprop.networks.spec import as_network
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import counted_step

IMAGES = 'Input(6, 6, 2) >> Conv2D(4, 3, padding="same") >> '
END = " >> Flatten() >> Dense(3) >> SoftmaxCrossEntropy()"
STATISTICS = IMAGES + "BatchNorm() >> ReLU() >> MaxPool2D(2) >> GroupNorm(2) >> Conv2D(3, 2) >> BatchNorm()" + END
TEXTS = (
    IMAGES + "ReLU() >> MaxPool2D(2) >> Conv2D(16, 3, groups=2) >> LayerNorm() >> AveragePool2D(1)" + END,
    STATISTICS,
    "Input(3) >> Dense(5) >> Tanh() >> Residual(Dense(5) >> GELU()) >> Dense(3) >> SoftmaxCrossEntropy() + L2(0.1)",
    'Input(4) >> Embedding(5, 6, flatten=False) >> Dense(5) >> SoftmaxCrossEntropy(ignore=2) + L1(0.1, on="E1")',
    "Input(3) >> Dense(5) >> ReLU() >> Dense(2) >> MeanSquaredError()",
)


@functools.cache
def shared(text: str) -> tuple[Derivation, Any]:
    """Return the derivation of a network, and its module for two threads, which share every batch that can be."""
    derivation = derive(as_network(text), layout="rows")
    module = compile_network(derivation, threads=2)
    module.LARGE = 1
    return derivation, module


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("m", [1, 5])
def test_two_threads_compute_what_is_derived_and_the_same_each_time(text: str, m: int) -> None:
    derivation, module = shared(text)
    params, x, y = data_of(text, m)
    if "ignore" in text:
        y = np.eye(5)[np.arange(4 * m).reshape(m, 4) % 4]
    expected, true = counted_step(derivation, params, x, y)
    work = module.make_workspace(m)
    assert len(work.threads) == min(m, 2)
    steps = []
    for _ in range(2):
        for part in (work, *work.threads):
            poison(part)
        found, grads = module.loss_and_grads(params, x, y, work)
        assert_rounded(found, expected)
        for name, gradient in true.items():
            assert_rounded(grads[name], gradient, name=name)
        steps.append([found, *(value.copy() for value in grads.values())])
    assert all(map(np.array_equal, *steps))


def test_threads_draw_the_same_masks_and_train_alike() -> None:
    text = "Input(3) >> Dense(4) >> BatchNorm() >> Dropout(0.5) >> ReLU() >> Dense(3) >> SoftmaxCrossEntropy()"
    plain, other = (compile_network(text, optimizer="sgd", threads=threads) for threads in (1, 2))
    other.LARGE = 1
    params, x, y = data_of(text, 5)
    states = [module.init_state(params, seed=3) for module in (plain, other)]
    for _ in range(3):
        for module, state in zip((plain, other), states, strict=True):
            module.train_step(state, x, y, lr=0.1)
    for name in ("w", "R1", "V1"):
        # sums over two parts of a batch: some tens of roundings of 1.1e-16 in a step, times a condition below 1,000
        np.testing.assert_allclose(states[1][name], states[0][name], rtol=1e-10, atol=1e-12)


def test_threads_meet_for_statistics_of_the_batch_alone() -> None:
    source = ["".join(linecache.getlines(str(shared(text)[1].__file__))) for text in TEXTS[:2]]
    assert source[1].count("= yield ") == 8, "two norms: mean, variance, and two sums of the way back"
    assert "def _rows(" in source[0] and "= yield " not in source[0]


def test_a_small_batch_is_not_shared_and_a_module_for_one_thread_knows_nothing_of_two() -> None:
    assert len(compile_network(TEXTS[-1], threads=2).make_workspace(64).threads) == 1
    assert not any(word in generate(TEXTS[-1], fast=True) for word in ("yield", "SECOND", "span", "copy_context"))


@pytest.mark.parametrize("place", [0, 1])
def test_an_error_of_a_thread_is_raised_and_the_next_step_is_right(place: int) -> None:
    module = shared(STATISTICS)[1]
    params, x, y = data_of(STATISTICS, 4)
    work = module.make_workspace(4)
    loss = module.loss_and_grads(params, x, y, work)[0]
    kept = work.threads[place].z1
    work.threads[place].z1 = kept[:0]
    with pytest.raises(ValueError, match="dimension"):
        module.loss_and_grads(params, x, y, work)
    work.threads[place].z1 = kept
    assert module.loss_and_grads(params, x, y, work)[0] == loss


@pytest.mark.parametrize("optimizer", list(OPTIMISERS))
def test_source_for_two_threads_is_as_ruff_would_have_it(optimizer: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(generate(TEXTS[2], "float32", optimizer, threads=2, fast=True), encoding="utf-8")
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "operations", "spare"), [("sgd", 2, 1), ("momentum", 4, 1), ("adam", 14, 2), ("adamw", 14, 2)]
)
def test_an_optimiser_is_a_handful_of_operations(name: str, operations: int, spare: int) -> None:
    found = update_lines(OPTIMISERS[name])
    code = [line for line in found.lines if not line.startswith("#")]
    assert len(code) == operations and found.spare == spare


@pytest.mark.parametrize("threads", [0, 3, True, "2", None])
def test_threads_are_one_or_two(threads: object) -> None:
    with pytest.raises(SpecError, match="allowed: 1, 2"):
        generate(TEXTS[0], threads=threads)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="allowed: 1, 2"):
        generate(TEXTS[0], threads=threads, fast=True)  # type: ignore[arg-type]
    for target in ("numba", "numpy"):
        with pytest.raises(SpecError, match=f"threads=2 is for the fast NumPy module, not target '{target}'"):
            generate(TEXTS[0], threads=2, target=target)
