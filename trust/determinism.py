"""The same text gives the same bytes: under every hash seed, Python, version of NumPy and SymPy, and kernels of BLAS.

A case is a way to run Python. The first is this process's own; what it prints is compared with each other one's by one
SHA-256. Numbers may differ by rounding between kernels, and the certificates are green under each.

`make test-matrix` makes the environments of other Pythons and versions, below `build/matrix`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import symprop
from trust.measures import Measure, Outcome

ROOT = Path(__file__).parents[1]
MATRIX = ROOT / "build" / "matrix"
NETWORKS = {
    "residual": "Input(6) >> Dense(5) >> Tanh() >> Residual(Dense(5) >> ReLU() >> Dense(5)) >> Dense(3)"
    " >> SoftmaxCrossEntropy() + L2(0.001)",
    "embedding": "Input(3) >> Embedding(27, 4) >> Dense(8) >> SiLU() >> Dense(27) >> SoftmaxCrossEntropy()",
    "projection": "Input(4) >> Residual(Dense(6) >> GELU(), projection=True) >> Dense(2) >> BinaryCrossEntropy()",
    "own": 'Input(4) >> Dense(3) >> Activation("x * sigmoid(x)", name="swish") >> Dense(2)'
    ' >> Loss("sum((a - y)**4) / 4")',
    "attention": "Input(5, 6) >> Positions() >> Residual(LayerNorm() >> Attention(2)) >> Dense(2)"
    " >> SoftmaxCrossEntropy()",
    "image": "Input(8, 8, 2) >> Conv2D(3, 3) >> ReLU() >> MaxPool2D(2) >> Flatten() >> Dense(2)"
    " >> SoftmaxCrossEntropy()",
    "recurrent": "Input(5, 6) >> LSTM(4, sequence=False) >> Dense(2) >> MeanSquaredError()",
}
SYMBOLIC = "Input(n0) >> Dense(n1) >> Repeat(Residual(Dense(n1) >> Tanh()), L) >> Dense(K) >> SoftmaxCrossEntropy()"
FORMULAS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("norm(X @ w - y)**2 / (2*m) + lam * (w @ w)", "w", {"X": "m n", "w": "n", "y": "m", "lam": ""}),
    ("mean(log(1 + exp(-y * (X @ w)))) + sum(abs(w))", "w", {"X": "m n", "w": "n", "y": "m"}),
    ("logdet(X.T @ X + lam * eye(n))", "lam", {"X": "m n", "lam": ""}),
)
KERNELS = ("Haswell", "SkylakeX", "Prescott")
HASH_SEEDS = 20
CERTIFIED = ("residual", "image")
FEW = ("residual",)
ROUNDING = 1e-11
"""How far losses and gradients of these small networks may differ between kernels, beside their largest number."""


def printed(few: bool = False) -> dict[str, str]:
    """Return all that symprop prints for the texts, by what it is."""
    found: dict[str, str] = {}
    for name, text in NETWORKS.items():
        if few and name not in FEW:
            continue
        derivation = symprop.derive(text)
        found |= {f"{name} {how}": getattr(derivation, how)() for how in ("pretty", "text", "latex")}
        for dtype in ("float64", "float32")[: 1 + (not few)]:
            found[f"{name} {dtype}"] = symprop.generate(text, dtype=dtype)
        found[f"{name} fast"] = symprop.generate(text, optimizer="adam", fast=True)
    symbolic = symprop.derive(SYMBOLIC)
    found["symbolic"] = symbolic.pretty() + symbolic.latex()
    for text, by, where in FORMULAS[: 1 if few else None]:
        for ask in (symprop.gradient, symprop.hessian):
            answer = ask(text, by, **where)
            steps = "\n".join(step.rule for step in answer.steps())
            found[f"{answer.title} {text}"] = "\n".join((answer.text(), answer.latex(), answer.numpy(), steps))
    return found


def numbers() -> dict[str, Any]:
    """Return losses and gradients of the networks at given places, and whether their certificates are green."""
    found: dict[str, Any] = {}
    for name, text in NETWORKS.items():
        module = symprop.compile(text)
        params = module.init_params(seed=0)
        random = np.random.default_rng(0)
        x, y = _batch(name, random)
        loss, grads = module.loss_and_grads(params, x, y)
        found[name] = [
            float(loss),
            *(
                float(np.vdot(grads[each], np.cos(np.arange(grads[each].size)).reshape(grads[each].shape)))
                for each in sorted(grads)
            ),
        ]
        if name in CERTIFIED:
            found[f"{name} is certified"] = symprop.check(text, limit=None).ok
    return found


def _batch(name: str, random: np.random.Generator) -> tuple[Any, Any]:
    shapes = {
        "residual": (6,),
        "projection": (4,),
        "own": (4,),
        "attention": (5, 6),
        "image": (8, 8, 2),
        "recurrent": (5, 6),
    }
    if name == "embedding":
        return random.integers(0, 27, (7, 3)), random.integers(0, 27, 7)
    x = random.normal(size=(7, *shapes[name]))
    match name:
        case "own" | "recurrent":
            return x, random.normal(size=(7, 2))
        case "projection":
            return x, random.integers(0, 2, (7, 2)).astype(float)
        case "attention":
            return x, random.integers(0, 2, (7, 5))
        case _:
            return x, random.integers(0, 2, 7)


def digest(texts: dict[str, str]) -> str:
    """Return one SHA-256 of texts and what they are."""
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Way:
    """A way to run Python: which, and what stands in its environment."""

    name: str
    python: str = sys.executable
    variables: dict[str, str] = field(default_factory=dict)
    counted: bool = False

    def ask(self, few: bool) -> dict[str, Any]:
        """Return what a process says of itself, which runs so."""
        around = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
        around |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1", **self.variables}
        command = [
            self.python,
            "-m",
            "trust.determinism",
            *(["few"] if few else []),
            *(["numbers"] if self.counted else []),
        ]
        run = subprocess.run(
            command, cwd=ROOT, env=around, capture_output=True, text=True, encoding="utf-8", check=False
        )
        if run.returncode:
            return {"failed": run.stderr[-500:]}
        told: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
        return told


def ways() -> Iterator[Way]:
    """Yield the ways: hash seeds, kernels of BLAS, and the environments of `make test-matrix` that are there."""
    yield from (Way(f"hash seed {seed}", variables={"PYTHONHASHSEED": str(seed)}) for seed in range(1, HASH_SEEDS + 1))
    yield from (Way(f"kernels of {kind}", variables={"OPENBLAS_CORETYPE": kind}, counted=True) for kind in KERNELS)
    for python in sorted(MATRIX.glob("*/bin/python")):
        yield Way(f"environment {python.parts[-3]}", str(python), counted=True)


def same(cases: int, seed: int) -> Outcome:
    """Run so many ways, drawn from all; few texts where only one is asked."""
    few = cases == 1
    every = [way for way in ways() if not (few and way.counted)]
    chosen = Random(seed).sample(every, min(cases, len(every)))
    here, counted = printed(few), numbers() if any(way.counted for way in chosen) else {}
    failures, pythons, versions = [], {platform.python_version()}, {np.__version__}
    for way in chosen:
        told = way.ask(few)
        if "failed" in told:
            failures.append(f"{way.name}: {told['failed']}")
            continue
        pythons.add(told["python"])
        versions.add(told["numpy"])
        if told["digest"] != digest(here):
            other = [name for name, text in here.items() if told["each"].get(name) != digest({name: text})]
            failures.append(f"{way.name}: other text of {', '.join(other)}")
        failures += [f"{way.name}: {wrong}" for wrong in _apart(counted if way.counted else {}, told["numbers"])]
    figures = {"SHA-256": digest(here)[:16], "Pythons": " ".join(sorted(pythons)), "NumPy": " ".join(sorted(versions))}
    return Outcome(len(chosen), tuple(failures), figures)


def _apart(here: dict[str, Any], there: dict[str, Any]) -> Iterator[str]:
    for name, value in here.items():
        if isinstance(value, bool):
            if not (value and there[name]):
                yield f"{name}: {value} here, {there[name]} there"
        else:
            far = max(abs(one - other) for one, other in zip(value, there[name], strict=True))
            if far > ROUNDING * max(map(abs, value)):
                yield f"{name}: numbers {far:.1e} apart"


def main() -> None:
    """Print what this process finds, as JSON."""
    found = printed("few" in sys.argv)
    each = {name: digest({name: text}) for name, text in found.items()}
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    counted = numbers() if "numbers" in sys.argv else {}
    print(json.dumps({**versions, "digest": digest(found), "each": each, "numbers": counted}))


if __name__ == "__main__":
    main()

MEASURES = (
    Measure(
        "the same bytes",
        "What is printed is the same, byte for byte, under every hash seed, Python, bound of NumPy and SymPy, and set"
        " of BLAS kernels; numbers are within rounding, certificates green.",
        same,
        short=1,
        usual=6,
        long=100,
    ),
)
