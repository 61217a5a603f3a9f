"""Derive a small GPT, check it, train it on 5,163 first names, and let it make up new ones.

    make gpt

writes into build/gpt/ the certificate (certificate.txt), the module to read (gpt.py), and, after the training, a report
with the formulas, the figure of the network and the losses of its epochs (report.html). The network is a causal
transformer (Radford et al., "Language models are unsupervised multitask learners", 2019, as small as the names are
short): each character sees those before it. Names are drawn with the keys and values of earlier characters kept.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
from checked import check
from names import ALPHABET, Ids, split
from rich.console import Console

import symprop
from symprop.history import NOTE, History
from symprop.saved import Model
from symprop.training import progress_bar, train

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "gpt"
FILLED = len(ALPHABET)  # what fills up a row behind a name; as a class it does not count
LONGEST = 11
NETWORK = (
    f"Input({LONGEST + 1}) >> Embedding({FILLED + 1}, 20, flatten=False) >> Positions()"
    " >> Repeat(Residual(LayerNorm() >> Attention(4, causal=True) >> Dropout(0.05))"
    ' >> Residual(LayerNorm() >> Dense(80) >> GELU(approximate="tanh") >> Dense(20) >> Dropout(0.05)), 2)'
    f' >> LayerNorm() >> Dense({FILLED + 1}, tied="E1", bias=False) >> SoftmaxCrossEntropy(ignore={FILLED})'
)
OPTIMISER = symprop.Adam(lr=0.01, schedule=symprop.Cosine())
BATCH = 128


def sequences(names: list[str]) -> tuple[Ids, Ids]:
    """Return a row of characters for each name, and the characters that follow them.

    >>> x, y = sequences(["al"])
    >>> x[0, :4].tolist(), y[0, :4].tolist()
    ([0, 1, 12, 0], [1, 12, 0, 27])
    """
    rows = np.full((len(names), LONGEST + 2), FILLED)
    for row, name in zip(rows, names, strict=True):
        row[: len(name) + 2] = [0, *(ALPHABET.index(character) for character in name), 0]
    return rows[:, :-1], rows[:, 1:]


def new_names(module: Any, params: dict[str, Any], count: int, known: set[str], seed: int) -> list[str]:
    """Return `count` different names that the model draws and nobody in `known` has."""
    found: dict[str, None] = {}
    while len(found) < count:
        drawn = module.sample(params, np.zeros((count, 1), int), seed=seed)
        for row in drawn[:, 1:]:
            name = "".join((ALPHABET + " ")[each] for each in row).partition(".")[0]
            if len(name) > 1 and name.isalpha() and name not in known:
                found.setdefault(name)
        seed += 1
    return list(found)[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for report, module and certificate")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0, help="of split, initial weights, batches and samples")
    options = parser.parse_args()
    console = Console(highlight=False)

    learned, held_out = split(options.seed)
    x, y = sequences(learned)

    case = symprop.Case(symprop.parse_network(NETWORK))
    check(case, options.output, "gpt.py", console)
    module = symprop.compile(case.network, dtype="float32", optimizer=OPTIMISER)
    with progress_bar(console, options.epochs) as show:
        trained = train(module, x, y, epochs=options.epochs, batch=BATCH, seed=options.seed, after_epoch=show)
    steps = options.epochs * -(-len(x) // BATCH)
    history = History(OPTIMISER, trained.epochs, (len(x), 0, len(held_out)), BATCH, options.seed, steps)
    model = Model(case.network, trained.params, {NOTE: history.notes()})
    (options.output / "report.html").write_text(symprop.report(model).html(), encoding="utf-8")

    files = ", ".join(sorted(path.name for path in options.output.iterdir()))
    console.print(f"in {os.path.relpath(options.output)}: {files}", soft_wrap=True)
    for what, some in (("training", learned), ("held-out", held_out)):
        loss = module.loss(trained.params, *sequences(some), training=False)
        console.print(f"loss on the {what} names: {loss:.3f}")
    new = new_names(module, trained.params, 20, {*learned, *held_out}, options.seed)
    console.print("new names: " + ", ".join(new), soft_wrap=True)


if __name__ == "__main__":
    main()
