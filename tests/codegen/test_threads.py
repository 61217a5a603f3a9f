"""Two threads: elementwise work on large arrays in halves, which changes no number."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_memory import data_of

from symprop.codegen import compile_network, generate
from symprop.codegen.targets.fast.optimizer_step import update_lines
from symprop.errors import SpecError
from symprop.networks.optimisers import OPTIMISERS
from tests.rounding import FUNCTION, assert_off, moved

WIDE = "Input(3) >> Dense(200) >> Tanh() >> Residual(Dense(200) >> GELU()) >> Dense(150) >> ReLU() >> Dense(3)"
TEXTS = (f"{WIDE} >> SoftmaxCrossEntropy()", f"{WIDE} >> Dense(130) >> Softmax() >> MeanSquaredError()")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("m", [1, 2, 7])
def test_two_threads_change_no_number(text: str, m: int) -> None:
    plain = compile_network(text, optimizer="adamw")
    shared = compile_network(text, optimizer="adamw", threads=2)
    shared.LARGE = 1  # every array that may be shared is
    params, x, y = data_of(text, m)

    def step(module: Any, *values: Any) -> np.ndarray:
        loss, grads = module.loss_and_grads(dict(zip(params, values, strict=True)), x, y)
        return np.concatenate([[loss], *map(np.ravel, grads.values())])

    # an element may fall to another loop of the processor's: two functions and their slopes, on the way of each
    off = moved(functools.partial(step, plain), *params.values(), roundings=4 * FUNCTION)
    assert_off(step(shared, *params.values()), step(plain, *params.values()), off)
    states = plain.init_state(params), shared.init_state(params)
    for _ in range(3):
        shared.train_step(states[1], x, y)
        plain.update(plain._views(states[0]["w"]), plain._views(states[1]["work"].gradient), states[0])
        # products, sums, quotients and roots are rounded correctly everywhere: halves are the same to the last bit
        assert np.array_equal(states[0]["w"], states[1]["w"])


def test_only_wide_rows_are_shared() -> None:
    source = generate(TEXTS[0], threads=2, fast=True)
    assert "_both(np.tanh, z1, out=z1)" in source and "_both(np.multiply, delta1, slope1, out=delta1)" in source
    assert "_both(np.add, z4, b4" not in source, "three columns are not wide"
    assert "_both" not in generate(TEXTS[0], fast=True) and "_both" not in generate(
        "Input(3) >> Dense(3) >> MeanSquaredError()", threads=2, fast=True
    )


def test_an_error_of_the_second_thread_is_raised() -> None:
    module = compile_network(TEXTS[0], threads=2)
    module.LARGE = 1
    with pytest.raises(TypeError):
        module._both(np.add, np.ones((4, 3)), "no array", out=np.ones((4, 3)))


@pytest.mark.parametrize("optimizer", list(OPTIMISERS))
def test_source_for_two_threads_is_as_ruff_would_have_it(optimizer: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(generate(TEXTS[0], "float32", optimizer, threads=2, fast=True), encoding="utf-8")
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
