"""Train the next-character model on 5,163 first names and let it make up new ones.

    make names

The model sees three characters and gives the probabilities of the next (Bengio et al., "A neural probabilistic language
model", 2003, with characters for words): each character is a row of a table, the three rows side by side go through one
hidden layer. Its gradients, the scatter-add into the table among them, are derived; its module imports numpy alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import symprop
from symprop.training import mean_loss, progress_bar, train

DATA = Path(__file__).parent / "data" / "names.txt"
CONTEXT = 3
ALPHABET = ".abcdefghijklmnopqrstuvwxyz"  # the point stands before and after every name
NETWORK = (
    f"Input({CONTEXT}) >> Embedding({len(ALPHABET)}, 10) >> Dense(200) >> Tanh()"
    f" >> Dense({len(ALPHABET)}) >> SoftmaxCrossEntropy()"
)

Ids = NDArray[np.int64]


def examples(names: list[str]) -> tuple[Ids, Ids]:
    """Return every context of three characters in the names, and the character that follows it.

    >>> contexts, following = examples(["al"])
    >>> contexts.tolist(), following.tolist()
    ([[0, 0, 0], [0, 0, 1], [0, 1, 12]], [1, 12, 0])
    """
    contexts, following = [], []
    for name in names:
        ids = [0] * CONTEXT + [ALPHABET.index(character) for character in name] + [0]
        for start in range(len(ids) - CONTEXT):
            contexts.append(ids[start : start + CONTEXT])
            following.append(ids[start + CONTEXT])
    return np.array(contexts), np.array(following)


def split(seed: int) -> tuple[list[str], list[str]]:
    """Return nine tenths of the names, by lot, and the rest."""
    names = DATA.read_text(encoding="ascii").split()
    shuffled = [names[place] for place in np.random.default_rng(seed).permutation(len(names))]
    cut = round(0.9 * len(names))
    return shuffled[:cut], shuffled[cut:]


def sample(module: Any, params: dict[str, Any], random: np.random.Generator) -> str:
    """Return a name drawn from the model, character by character, until it draws the point."""
    ids = [0] * CONTEXT
    while True:
        logits = module.forward(params, np.array([ids[-CONTEXT:]]))[0]
        weights = np.exp(logits - logits.max())
        ids.append(int(random.choice(len(ALPHABET), p=weights / weights.sum())))
        if ids[-1] == 0:
            return "".join(ALPHABET[number] for number in ids[CONTEXT:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0, help="of split, initial weights, batches and samples")
    options = parser.parse_args()
    console = Console(highlight=False)

    learned, held_out = split(options.seed)
    x, y = examples(learned)
    console.print(f"{len(learned) + len(held_out):,} names, {len(y):,} characters to learn from")
    console.print(NETWORK, markup=False, soft_wrap=True)

    module = symprop.compile(symprop.parse_network(NETWORK), dtype="float64", optimizer="adam")
    with progress_bar(console, options.epochs) as show:
        params = train(
            module, x, y, epochs=options.epochs, batch=128, rate=0.002, seed=options.seed, after_epoch=show
        ).params
    console.print(f"loss on the training names: {mean_loss(module, params, x, y):.3f}")
    console.print(f"loss on the held-out names: {mean_loss(module, params, *examples(held_out)):.3f}")

    random = np.random.default_rng(options.seed)
    known, new = {*learned, *held_out}, []
    while len(new) < 20:
        name = sample(module, params, random)
        if len(name) > 1 and name not in known and name not in new:
            new.append(name)
    console.print("new names: " + ", ".join(new), soft_wrap=True)


if __name__ == "__main__":
    main()
