"""Measure how fast a question about a formula is answered: on a warm process, and from the command line.

    make bench

A first-order question is read, differentiated, simplified and printed (`gradient(...).text()`), SymPy's cache empty
and the rules loaded; the aim is 0.3 s. The command line is a whole process, start included; the aim is 1.5 s. Prints
medians and the slowest, and writes `benchmarks/results/questions.json`. Nothing here is a test: a test would fail on a
busy machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sympy.core.cache import clear_cache

import symprop
from symprop.calculus.tidy import tidy

RESULTS = Path(__file__).parent / "results" / "questions.json"
AIMS = {"warm process": 0.3, "command line": 1.5}

QUESTIONS: tuple[tuple[str, str, str], ...] = (
    ("sum(log(1 + exp(-y * (X @ w))))", "X: m n, w: n, y: m", "w"),
    ("0.5 * x @ A @ x", "A: n n, x: n", "x"),
    ("norm(A @ x - y)**2", "A: m n, x: n, y: m", "x"),
    ("trace(A @ X.T @ B @ X @ C)", "A: k n, X: m n, B: m m, C: n k", "X"),
    ("log(det(inv(X)))", "X: n n", "X"),
    ("-sum(Y * log_softmax(X @ W)) / m", "X: m n, W: n k, Y: m k rows-sum-to-1", "W"),
    ("sum((X - mean(X, axis=0)) / sqrt(mean((X - mean(X, axis=0))**2, axis=0) + 1e-5) * G)", "X: m n, G: m n", "X"),
    ("sum(softmax(Q @ K.T / sqrt(d)) @ V * G)", "Q: t d, K: s d, V: s e, G: t e", "Q"),
    ("sum(tanh(A @ tanh(A @ x + b) + x) * p) + lam * trace(A.T @ A)", "A: n n, x: n, b: n, p: n, lam:", "A"),
)


def warm(source: str, where: str, by: str) -> float:
    """Return the seconds of one question on a process that has answered others."""
    clear_cache()
    tidy.cache_clear()
    start = time.perf_counter()
    symprop.gradient(symprop.formula(source, where), by).text()
    return time.perf_counter() - start


def command_line(source: str, where: str, by: str) -> float:
    """Return the seconds of one question as a process of its own."""
    command = [sys.executable, "-m", "symprop", "gradient", source, "--where", where, "--wrt", by]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    table = Table(title=f"seconds of a first-order question, medians of {options.rounds}")
    for heading in ("question", *(f"{name} (aim {aim} s)" for name, aim in AIMS.items())):
        table.add_column(heading, justify="left" if heading == "question" else "right")
    warm(*QUESTIONS[0])
    rows = []
    for question in QUESTIONS:
        found = [statistics.median(run(*question) for _ in range(options.rounds)) for run in (warm, command_line)]
        rows.append({"question": question[0], **dict(zip(AIMS, found, strict=True))})
        table.add_row(question[0], f"{found[0]:.3f}", f"{found[1]:.2f}")
    slowest = {name: max(float(row[name]) for row in rows) for name in AIMS}
    table.add_row("slowest", f"{slowest['warm process']:.3f}", f"{slowest['command line']:.2f}")
    Console().print(table)
    setting = {"machine": platform.machine(), "python": platform.python_version()}
    RESULTS.write_text(json.dumps({"setting": setting, "rounds": options.rounds, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
