"""Print reports on networks of all kinds on each paper, and list what TeX finds too wide or too high.

    python benchmarks/papers.py [network ...]

A line for each: the pages, and the boxes that are more than a point over, by TeX's own numbers. It takes a few seconds
for each network and paper, so the tests ask for two networks alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import symprop

PLAIN = "Input(8) >> Dense(8) >> Tanh() >> Dense(5) >> ReLU() >> Dense(3) >> SoftmaxCrossEntropy() + L2(0.01)"
BLOCKS = (
    "Input(6) >> Residual(Dense(6) >> Tanh() >> Dense(6) >> Tanh()) >> Residual(Dense(6) >> Tanh() >> Dense(6))"
    " >> Dense(3) >> SoftmaxCrossEntropy() + L2(0.01)"
)
IMAGES = (
    "Input(8, 8, 1) >> Conv2D(4, 3) >> BatchNorm() >> ReLU() >> MaxPool2D(2) >> Flatten() >> Dense(10)"
    " >> SoftmaxCrossEntropy()"
)
TRANSFORMER = (
    "Input(5, 8) >> Positions() >> Residual(LayerNorm() >> Attention(2))"
    " >> Residual(LayerNorm() >> Dense(16) >> GELU() >> Dense(8)) >> At(-1) >> Dense(3) >> SoftmaxCrossEntropy()"
)
CELL = 'Scan("z = sigmoid(Wz@x + Uz@h_prev); h = (1-z)*h_prev + z*tanh(W@x + U@h_prev)", h=4)'
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": (PLAIN, {}),
    "rows": (PLAIN, {"layout": "rows"}),
    "blocks": (BLOCKS, {}),
    "blocks in rows": (BLOCKS, {"layout": "rows"}),
    "convolution": (IMAGES, {}),
    "transformer": (TRANSFORMER, {}),
    "LSTM": ("Input(T, 3) >> LSTM(4) >> Dense(2) >> MeanSquaredError()", {"unroll": 2}),
    "GRU": ("Input(T, 3) >> GRU(4) >> Dense(2) >> MeanSquaredError()", {"unroll": 3}),
    "Scan": (f"Input(T, 3) >> {CELL} >> Dense(2) >> MeanSquaredError()", {"unroll": 2}),
    "ids": ("Input(T) >> Embedding(10, 6, flatten=False) >> RNN(4) >> Dense(2) >> SoftmaxCrossEntropy()", {}),
    "loop": (
        "Input(n) >> Dense(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> Dense(k) >> SoftmaxCrossEntropy()",
        {},
    ),
}
PAPERS = [(paper, points, columns) for points in (12, 11, 10) for paper in ("a4", "letter") for columns in (2, 1)]
_OVER = re.compile(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\)")


def main() -> None:
    """Print the table."""
    for name in sys.argv[1:] or NETWORKS:
        text, chosen = NETWORKS[name]
        for paper, points, columns in PAPERS:
            report = symprop.report(text, author="A. Student", paper=paper, points=points, columns=columns, **chosen)
            log = compiled(report.latex())
            pages = re.findall(r"Output written on .* \((\d+) page", log)
            over = [float(wide) for wide in _OVER.findall(log) if float(wide) > 1]
            print(f"{name:16} {paper:7} {points} pt {columns} columns  {pages[0] if pages else 'no'} pages", *over)


def compiled(document: str) -> str:
    """Return TeX's log of a document, compiled twice for its references."""
    with tempfile.TemporaryDirectory(prefix="symprop-") as folder:
        (Path(folder) / "a.tex").write_text(document, encoding="utf-8")
        for _ in range(2):
            command = ("pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "a.tex")
            subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
        return (Path(folder) / "a.log").read_text(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()
