"""Random transformers as text: encoders, decoders and what reads a memory, with all that attention can be asked for.

`transformer(random)` draws a text that is a network: pre- and post-norm, heads and groups of them, masks of the future
and of lengths, positions of all kinds, a class token, gated blocks, ties, blocks by number, by name and tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

NORMS = ("LayerNorm()", "LayerNorm()", "RMSNorm()", "LayerNorm(eps=0.1)", "RMSNorm(eps=0.01)")
ACTIVATIONS = ("GELU()", 'GELU("tanh")', "ReLU()", "SiLU()", "Tanh()")
NAMES = {"n": 8, "h": 2, "V": 7, "S": 3, "g": 4}
"""Numbers for the names of sizes, beside those of `random_networks`: a width, heads, tokens, a memory, a head."""


class Transformer:
    """One transformer in the making: `places` positions, each of the width `width`, as they are typed."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.named = self.chance(0.15)
        self.heads = self.one([1, 2, 2, 2, 3, 4])
        self.width = str(max(2, self.heads * self.one([1, 2, 2, 3, 4])))
        self.places = str(self.one([2, 3, 4, 4, 5, 6]))
        self.memory = (str(self.one([2, 3, 5])), str(self.one([2, 3, 6])))
        if self.named:
            self.heads, self.width, self.places, self.memory = 2, "n", "T", ("S", "n")
        self.tokens = "V" if self.named else str(self.one([3, 5, 7]))
        self.ids = self.chance(0.5)
        self.padded, self.crossed = self.chance(0.4), self.chance(0.3)
        self.causal, self.rope = self.chance(0.5), self.chance(0.35)
        self.token = self.chance(0.2) and not self.padded and not self.named

    def chance(self, share: float) -> bool:
        """Return whether something that happens so often happens now."""
        return bool(self.random.random() < share)

    def one(self, choices: Sequence[Any]) -> Any:
        """Return one of several."""
        return choices[int(self.random.integers(len(choices)))]

    def attention(self, crossed: bool = False) -> str:
        """Return an attention; one that is `crossed` reads the memory."""
        heads = self.heads if self.named or self.chance(0.85) else self.one([1, 2, 3])
        rope = self.rope and not crossed
        words = [str(heads)]
        if self.named and heads == 2 and self.chance(0.5):
            words = ["h"]
        whole = self.width == "n" or int(self.width) % (heads * (2 if rope else 1)) == 0
        if not whole or self.chance(0.15):
            words.append(f"head_size={'g' if self.named else self.one([2, 4] if rope else [1, 2, 3])}")
        if self.causal and not crossed:
            words.append("causal=True")
        if heads > 1 and words[0] != "h" and self.chance(0.3):
            words.append(f"kv_heads={self.one([each for each in range(1, heads + 1) if heads % each == 0])}")
        words += ["rope=True"] * rope + ["bias=False"] * self.chance(0.25)
        if crossed:
            words += [f'mask=Input({self.memory[0]}, name="seen")'] * self.chance(0.4)
            words.append('memory=Input({}, {}, name="memory")'.format(*self.memory))
        elif self.padded and self.chance(0.8):
            words.append(f'mask=Input({self.places}, name="lengths")')
        return f"Attention({', '.join(words)})"

    def between(self) -> str:
        """Return what works on each position by itself."""
        hidden = self.one(["2*n", "4*n", "n"]) if self.named else self.one(["3", "6", "8"])
        first = f"Dense({hidden}) >> {self.one(ACTIVATIONS)}"
        gated = f"{self.one(['SwiGLU', 'SwiGLU', 'GLU'])}({hidden}{self.one(['', ', bias=False'])})"
        return f"{gated if self.chance(0.3) else first} >> Dense({self.width})"

    def block(self) -> str:
        """Return a block of a transformer."""
        before, norm = self.chance(0.7), self.one(NORMS)
        parts = [self.attention(), *[self.attention(crossed=True)] * self.crossed, self.between()]
        dropped = " >> Dropout(0.1)" if self.chance(0.12) else ""
        if self.chance(0.1):  # side by side, as in GPT-J
            return f"Sum({norm} >> {parts[0]}, {norm} >> {parts[-1]}, ())"
        form = "Residual({norm} >> {part}{dropped})" if before else "Residual({part}{dropped}) >> {norm}"
        return " >> ".join(form.format(norm=norm, part=part, dropped=dropped) for part in parts)

    def blocks(self) -> str:
        """Return blocks: one, two, or a number or a name of them."""
        block = self.block()
        kind = self.one(["one", "one", "two", "repeat", "tied", "name"])
        if kind == "two":
            return f"{block} >> {self.block()}"
        count = {"one": "", "repeat": ", 2", "tied": ", 2, tied=True", "name": ", N"}[kind]
        return f"Repeat({block}{count})" if count else block

    def text(self) -> str:
        """Return the network."""
        layers = [f"Input({self.places}, {self.width})"]
        if self.ids:
            layers = [f"Input({self.places})", f"Embedding({self.tokens}, {self.width}, flatten=False)"]
        start = ["ClassToken()"] * self.token
        start += [self.one(["Positions()", "Positions()", "SinusoidalPositions()"])] * self.chance(0.8)
        layers += start[::-1] if self.chance(0.3) else start
        layers.append(self.blocks())
        layers += [self.one(NORMS)] * self.chance(0.5)
        masked = f'mask=Input({self.places}, name="lengths")'
        whole = self.chance(0.3)
        if whole:
            layers += [self.one(["Flatten()", "GlobalAveragePool()", "At(0)", "At(-1)"]), "Dense(3)"]
        elif self.ids and self.chance(0.6):
            layers.append(f'Dense({self.tokens}, bias=False, tied="E1")')
        else:
            layers.append("Dense(4)")
        loss = self.one(["SoftmaxCrossEntropy", "SoftmaxCrossEntropy", "MeanSquaredError", "KLDivergence"])
        words = [masked] if self.padded and not whole else []
        words = words or (["ignore=0"] if loss == "SoftmaxCrossEntropy" and self.chance(0.2) else [])
        layers.append(f"{loss}({', '.join(words)})")
        return " >> ".join(layers)


def transformer(random: np.random.Generator) -> str:
    """Return the text of a random transformer."""
    return Transformer(random).text()
