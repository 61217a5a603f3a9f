"""Train a recurrent next-character model (LSTM) on 5,163 first names and let it make up new ones.

    make names-lstm

Each character is read with a state that all characters before it have left (Hochreiter and Schmidhuber, "Long
short-term memory", 1997; Graves, "Generating sequences with recurrent neural networks", 2013). The rows of a batch have
the same length, so a name is filled up with a class that does not count. Names are drawn one character at a time with
the state carried. Beside it stands the model of `make names`, which sees three characters.
"""

from __future__ import annotations

import argparse
from typing import Any

import names
import numpy as np
from gpt import FILLED, LONGEST, new_names, sequences
from rich.console import Console

import symprop
from symprop.training import mean_loss, progress_bar, train

NETWORK = (
    f"Input({LONGEST + 1}) >> Embedding({FILLED + 1}, 16, flatten=False) >> LSTM(42) >> Dropout(0.2)"
    f" >> Dense({FILLED + 1}) >> SoftmaxCrossEntropy(ignore={FILLED})"
)
OPTIMISER = symprop.Adam(lr=0.01, schedule=symprop.Cosine())
BATCH = 128


def size(module: Any) -> int:
    """Return how many parameters a module has."""
    return sum(int(np.prod(shape)) for shape in module.PARAMETERS.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of split, initial weights, batches and samples")
    options = parser.parse_args()
    console = Console(highlight=False)

    learned, held_out = names.split(options.seed)
    x, y = sequences(learned)
    counted = int((y != FILLED).sum())
    console.print(f"{len(learned) + len(held_out):,} names, {counted:,} characters to learn from")
    console.print(NETWORK, markup=False, soft_wrap=True)
    module = symprop.compile(symprop.parse_network(NETWORK), dtype="float32", optimizer=OPTIMISER)
    with progress_bar(console, options.epochs) as show:
        params = train(module, x, y, epochs=options.epochs, batch=BATCH, seed=options.seed, after_epoch=show).params
    for what, some in (("training", learned), ("held-out", held_out)):
        loss = module.loss(params, *sequences(some), training=False)
        console.print(f"loss on the {what} names: {loss:.3f} with {size(module):,} parameters")

    plain = symprop.compile(symprop.parse_network(names.NETWORK), dtype="float64", optimizer="adam")
    epochs = min(15, options.epochs)
    trained = train(plain, *names.examples(learned), epochs=epochs, batch=128, rate=0.002, seed=options.seed)
    loss = mean_loss(plain, trained.params, *names.examples(held_out))
    console.print(f"make names, held-out names: {loss:.3f} with {size(plain):,} parameters")

    new = new_names(module, params, 20, {*learned, *held_out}, options.seed)
    console.print("new names: " + ", ".join(new), soft_wrap=True)


if __name__ == "__main__":
    main()
