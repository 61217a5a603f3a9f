"""GPT-2 derived, generated and compared with the `transformers` package: its loss and all of its gradients.

    python examples/gpt2.py            # a small configuration in float64, then GPT-2 small in float32

wants `pip install torch transformers` beside symprop. The network is one line; its module imports NumPy alone. A
`GPT2LMHeadModel` is built from a configuration with random weights (nothing is downloaded), its weights go to the
module under the names of the formulas (`weights_of`), and the module's gradients come back under its names
(`as_named_there`). In float64 both agree to rounding. In float32 each is compared with the model's own gradients in
float64, since rounding has no truth among two equals.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import symprop

Array = NDArray[Any]
LARGEST = 1e-10
"""How far loss and gradients in float64 may differ, for the largest number of each gradient."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of a GPT-2: layers, width, heads, ids, positions, and the tokens of a sequence."""

    layers: int
    width: int
    heads: int
    ids: int
    positions: int
    tokens: int

    @property
    def network(self) -> str:
        """The network in one line.

        >>> Sizes(2, 8, 2, 11, 16, 4).network.partition(" >> Repeat")[0]
        'Input(4) >> Embedding(11, 8, flatten=False) >> Positions()'
        """
        n = self.width
        attention = f"Residual(LayerNorm() >> Attention({self.heads}, causal=True))"
        layers = f'Residual(LayerNorm() >> Dense({4 * n}) >> GELU(approximate="tanh") >> Dense({n}))'
        return (
            f"Input({self.tokens}) >> Embedding({self.ids}, {n}, flatten=False) >> Positions()"
            f" >> Repeat({attention} >> {layers}, {self.layers}) >> LayerNorm()"
            f' >> Dense({self.ids}, tied="E1", bias=False) >> SoftmaxCrossEntropy()'
        )


SMALL = Sizes(layers=3, width=24, heads=4, ids=101, positions=16, tokens=12)
GPT2_SMALL = Sizes(layers=12, width=768, heads=12, ids=50_257, positions=1024, tokens=64)


def names_there(layers: int) -> dict[str, tuple[str, ...]]:
    """Return the name of each weight of the model, and the names that its parts have here.

    What reads one vector stands side by side there: queries, keys and values are one matrix.

    >>> names_there(1)["transformer.h.0.attn.c_attn.weight"]
    ('Wq1', 'Wk1', 'Wv1')
    """
    found: dict[str, tuple[str, ...]] = {"transformer.wte.weight": ("E1",), "transformer.wpe.weight": ("pos1",)}
    for block in range(layers):
        there, k = f"transformer.h.{block}", block + 1
        for kind, W, gamma in (("weight", "W", "gamma"), ("bias", "b", "beta")):
            found[f"{there}.ln_1.{kind}"] = (f"{gamma}{2 * k - 1}",)
            found[f"{there}.attn.c_attn.{kind}"] = tuple(f"{W}{letter}{k}" for letter in "qkv")
            found[f"{there}.attn.c_proj.{kind}"] = (f"{W}o{k}",)
            found[f"{there}.ln_2.{kind}"] = (f"{gamma}{2 * k}",)
            found[f"{there}.mlp.c_fc.{kind}"] = (f"{W}{2 * k - 1}",)
            found[f"{there}.mlp.c_proj.{kind}"] = (f"{W}{2 * k}",)
    last = 2 * layers + 1
    return {**found, "transformer.ln_f.weight": (f"gamma{last}",), "transformer.ln_f.bias": (f"beta{last}",)}


def is_turned(name: str) -> bool:
    """Whether a weight is stored as the transpose there, (n_in, n_out), as all are that stand in a block."""
    return ".h." in name and name.endswith("weight") and ".ln_" not in name


def weights_of(model: Any, sizes: Sizes) -> dict[str, Array]:
    """Return the weights of a `GPT2LMHeadModel` under the names that the module has for them."""
    state = {name: value.detach().numpy() for name, value in model.named_parameters()}
    found: dict[str, Array] = {}
    for name, ours in names_there(sizes.layers).items():
        whole = state[name].T if is_turned(name) else state[name]
        parts = np.split(whole, len(ours)) if len(ours) > 1 else [whole]
        found.update(zip(ours, map(np.ascontiguousarray, parts), strict=True))
    found["pos1"] = found["pos1"][: sizes.tokens]
    return found


def as_named_there(gradients: Mapping[str, Array], sizes: Sizes) -> dict[str, Array]:
    """Return the gradients of a module under the names, and in the shapes, of the model's weights."""
    found = {}
    for name, ours in names_there(sizes.layers).items():
        whole = np.concatenate([gradients[each] for each in ours])
        found[name] = whole.T if is_turned(name) else whole
    unread = np.zeros((sizes.positions - sizes.tokens, sizes.width), gradients["pos1"].dtype)
    found["transformer.wpe.weight"] = np.concatenate([found["transformer.wpe.weight"], unread])
    return found


@dataclass(frozen=True)
class Outcome:
    """A loss, its gradients by the model's names, and the seconds that they took."""

    loss: float
    gradients: dict[str, Array]
    seconds: float


def model_of(sizes: Sizes, seed: int, dtype: str) -> Any:
    """Return a `GPT2LMHeadModel` with random weights, without dropout.

    Biases and norms start at 0 and 1, where a fault could hide: they are drawn too.
    """
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    config = GPT2Config(
        n_layer=sizes.layers,
        n_embd=sizes.width,
        n_head=sizes.heads,
        vocab_size=sizes.ids,
        n_positions=sizes.positions,
        attn_implementation="eager",
        bos_token_id=None,
        eos_token_id=None,
    )
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.to(getattr(torch, dtype))


def theirs(model: Any, x: Array, y: Array) -> Outcome:
    """Return the loss and gradients that PyTorch finds by running the model backwards."""
    import torch

    model.zero_grad()
    start = time.perf_counter()
    logits = model(input_ids=torch.from_numpy(x)).logits
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), torch.from_numpy(y).reshape(-1))
    loss.backward()
    seconds = time.perf_counter() - start
    return Outcome(loss.item(), {name: each.grad.numpy().copy() for name, each in model.named_parameters()}, seconds)


def ours(module: Any, params: dict[str, Array], x: Array, y: Array, sizes: Sizes) -> Outcome:
    """Return the loss and gradients of the generated module."""
    step = module.make_step(params, len(x))
    step(x, y)  # the first one touches its memory
    start = time.perf_counter()
    loss, gradients = step(x, y)
    seconds = time.perf_counter() - start
    return Outcome(loss, as_named_there(gradients, sizes), seconds)


def furthest(found: Outcome, true: Outcome) -> tuple[float, str]:
    """Return how far one gradient is from the true one, for the largest number of it, and which is the furthest."""
    off = {
        name: float(np.abs(found.gradients[name] - gradient).max() / np.abs(gradient).max())
        for name, gradient in true.gradients.items()
    }
    name = max(off, key=lambda each: off[each])
    return off[name], name


def compared(sizes: Sizes, dtype: str, seed: int, console: Console) -> bool:
    """Derive, generate, run and compare; print what was found, and return whether it agrees."""
    console.print(sizes.network, markup=False, soft_wrap=True)
    start = time.perf_counter()
    module = symprop.compile(symprop.parse_network(sizes.network), dtype=dtype)
    made = time.perf_counter() - start
    random = np.random.default_rng(seed)
    ids = random.integers(0, sizes.ids, (1 if sizes is GPT2_SMALL else 3, sizes.tokens + 1))
    x, y = ids[:, :-1], ids[:, 1:]
    model = model_of(sizes, seed, dtype)
    params = weights_of(model, sizes)
    here, there = ours(module, params, x, y, sizes), theirs(model, x, y)
    true = there if dtype == "float64" else theirs(model.double(), x, y)
    away, name = furthest(here, true)
    table = Table("", "symprop", "transformers", title=f"{len(there.gradients)} gradients, {dtype}")
    table.add_row("derive, generate and load, seconds", f"{made:.1f}", "")
    table.add_row("loss", f"{here.loss:.12f}", f"{there.loss:.12f}")
    table.add_row("a step, seconds", f"{here.seconds:.3f}", f"{there.seconds:.3f}")
    if true is there:
        table.add_row("furthest gradient, relative", f"{away:.1e} ({name})", "")
        agrees = away < LARGEST and abs(here.loss - there.loss) < LARGEST * abs(there.loss)
    else:
        theirs_away, other = furthest(there, true)
        table.add_row("loss, away from float64", f"{here.loss - true.loss:.1e}", f"{there.loss - true.loss:.1e}")
        table.add_row("furthest gradient, relative", f"{away:.1e} ({name})", f"{theirs_away:.1e} ({other})")
        agrees = away < 1e-4  # sums of up to 50,257 rounded products, through 12 layers
    console.print(table)
    return agrees


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of weights and tokens")
    parser.add_argument("--small", action="store_true", help="the small configuration alone")
    options = parser.parse_args()
    console = Console(highlight=False)
    agree = compared(SMALL, "float64", options.seed, console)
    if not options.small:
        agree = compared(GPT2_SMALL, "float32", options.seed, console) and agree
    if not agree:
        sys.exit("they do not agree")


if __name__ == "__main__":
    main()
