"""Compare compiled Hessians with `jax.hessian` and `torch.func.hessian`: one process, interleaved, equal threads.

    make bench-hessians

Three Hessians, float64: logistic regression (2048 x 256), the quadratic form (n = 1024), and matrix factorisation by
one factor (m = n = 256, rank 8, so 2048 x 2048). All three tools get the same arrays; their results are compared before
anything is timed; each round times each tool once, and the table has medians over the rounds and their ratios.
JAX's function is jitted and both are called once before, so that only execution is measured. What each tool is given
is its usual way: `jax.jit(jax.hessian(f))`, `torch.func.hessian(f)`. Writes `benchmarks/results/hessians.json`.

JAX and PyTorch are wanted by this benchmark alone: `pip install -e '.[bench]'`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

THREADS = 2
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)  # read when NumPy is imported
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=true"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

import symprop  # noqa: E402

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(THREADS)

RESULTS = Path(__file__).parent / "results" / "hessians.json"
TOOLS = ("symprop", "jax", "torch")


@dataclass(frozen=True)
class Problem:
    """One Hessian: the formula for symprop, and the same function for JAX and for PyTorch."""

    name: str
    formula: symprop.Formula
    by: str
    arrays: dict[str, np.ndarray]
    in_jax: Callable[..., Any]
    in_torch: Callable[..., Any]


def problems(random: np.random.Generator) -> tuple[Problem, ...]:
    """Return the three problems with random arrays."""
    m, n = 2048, 256
    X, w, y = random.normal(size=(m, n)) / 16, random.normal(size=n), random.integers(0, 2, m).astype(float)
    logistic = Problem(
        f"logistic regression, {m} x {n}",
        symprop.formula("sum(log(1 + exp(X @ w)) - y * (X @ w))", X="m n", w="n", y="m"),
        "w",
        {"X": X, "w": w, "y": y},
        lambda w, X, y: jnp.sum(jax.nn.softplus(X @ w) - y * (X @ w)),
        lambda w, X, y: torch.sum(torch.nn.functional.softplus(X @ w) - y * (X @ w)),
    )
    n = 1024
    A, x = random.normal(size=(n, n)), random.normal(size=n)
    quadratic = Problem(
        f"quadratic form, n = {n}",
        symprop.formula("x @ A @ x", A="n n", x="n"),
        "x",
        {"A": A, "x": x},
        lambda x, A: x @ A @ x,
        lambda x, A: x @ A @ x,
    )
    m, n, r = 256, 256, 8
    T, U, V = random.normal(size=(m, n)), random.normal(size=(m, r)), random.normal(size=(n, r))
    factorisation = Problem(
        f"matrix factorisation, {m} x {n}, rank {r}",
        symprop.formula("sum((T - U @ V.T)**2)", T="m n", U="m r", V="n r"),
        "U",
        {"T": T, "U": U, "V": V},
        lambda U, T, V: jnp.sum((T - U @ V.T) ** 2),
        lambda U, T, V: torch.sum((T - U @ V.T) ** 2),
    )
    return logistic, quadratic, factorisation


def runners(problem: Problem) -> dict[str, Callable[[], np.ndarray]]:
    """Return, for each tool, a call without arguments that computes the Hessian and waits for it."""
    function = symprop.hessian(problem.formula, problem.by).function
    reads = function.__code__.co_varnames[: function.__code__.co_argcount]
    ours = {name: value for name, value in problem.arrays.items() if name in reads}
    others = [name for name in problem.arrays if name != problem.by]
    in_jax = jax.jit(jax.hessian(problem.in_jax))
    jax_arrays = [jnp.asarray(problem.arrays[name]) for name in (problem.by, *others)]
    in_torch = torch.func.hessian(problem.in_torch)
    torch_arrays = [torch.from_numpy(problem.arrays[name]) for name in (problem.by, *others)]
    return {
        "symprop": lambda: function(**ours),
        "jax": lambda: in_jax(*jax_arrays).block_until_ready(),
        "torch": lambda: in_torch(*torch_arrays),
    }


def measure(problem: Problem, rounds: int) -> dict[str, float]:
    """Return the median seconds of each tool, after all three agree."""
    calls = runners(problem)
    results = {tool: np.asarray(call()) for tool, call in calls.items()}
    size = results["symprop"].shape
    for tool in TOOLS[1:]:
        other = results[tool].reshape(size)
        if not np.allclose(other, results["symprop"], rtol=1e-9, atol=1e-9 * np.abs(other).max()):
            raise SystemExit(f"{problem.name}: {tool} disagrees; nothing was timed")
    seconds: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    for number in range(rounds):
        for tool in TOOLS[number % 3 :] + TOOLS[: number % 3]:
            start = time.perf_counter()
            calls[tool]()
            seconds[tool].append(time.perf_counter() - start)
    return {tool: statistics.median(values) for tool, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    table = Table(title=f"Hessians, float64, {THREADS} threads, medians of {options.rounds} rounds")
    for heading in ("problem", *(f"{tool}, ms" for tool in TOOLS), "jax / symprop", "torch / symprop"):
        table.add_column(heading, justify="left" if heading == "problem" else "right")
    rows = []
    for problem in problems(np.random.default_rng(0)):
        seconds = measure(problem, options.rounds)
        ratios = {tool: seconds[tool] / seconds["symprop"] for tool in TOOLS[1:]}
        rows.append({"problem": problem.name, "seconds": seconds, "ratios": ratios})
        cells = (f"{1000 * seconds[tool]:.2f}" for tool in TOOLS)
        table.add_row(problem.name, *cells, *(f"{ratio:.1f}" for ratio in ratios.values()))
    Console().print(table)
    versions = {"numpy": np.__version__, "jax": jax.__version__, "torch": torch.__version__}
    setting = {"machine": platform.machine(), "python": platform.python_version(), "threads": THREADS, **versions}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"setting": setting, "rounds": options.rounds, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
