"""Random recurrent networks as text: all cells and options, stacked, in blocks, between layers of other kinds.

`recurrent(random)` draws a text that is a network: one to five moments, or a name for their number; cells of one's own;
states that start at zero, learned or given; truncation; sequences read in both directions; ids, convolutions, norms,
attention and dropout around.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from network_reference import Network

SIZES = {"T": 6, "n": 8, "k": 9, "V": 7, "N": 2}
"""Numbers for the names of sizes and counts."""
NORMS = ("LayerNorm()", "RMSNorm(eps=0.01)", "LayerNorm(eps=0.1)")
LOSSES = (
    *("SoftmaxCrossEntropy()", "SoftmaxCrossEntropy()", "SoftmaxCrossEntropy(ignore=0)", "MeanSquaredError()"),
    *("SoftmaxCrossEntropy(smoothing=0.1, weights=(1, 2, 3, 4))", "KLDivergence()", "Huber(0.3)", "Hinge()"),
    *('MeanSquaredError(positions="sum")', "BinaryCrossEntropy()", "MeanAbsoluteError()"),
    *('Loss("sum((a - y)**4) / 4")', "SoftmaxCrossEntropy(ignore=1, weights=(1, 2, 3, 4))"),
)
"""Of four outputs."""
PENALTIES = ("", "", "", " + L2(0.1)", ' + L1(0.2, on="R*") + L2(1, on="*")')


class Recurrent:
    """One recurrent network in the making: `flat` are its layers so far."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.named = self.chance(0.15)
        self.count = "T" if self.named else str(self.one([1, 1, 2, 3, 4, 5]))
        self.flat = [f"Input({self.count}, {'n' if self.named else self.one([1, 2, 3])})"]
        if self.chance(0.3):
            self.flat = [f"Input({self.count})", f"Embedding({'V' if self.named else 5}, 3, flatten=False)"]
        self.keeping = False  # whether a block is open that is repeated, so that inputs of its layers are the same

    def chance(self, share: float) -> bool:
        """Return whether something that happens so often happens now."""
        return bool(self.random.random() < share)

    def one(self, choices: Sequence[Any]) -> Any:
        """Return one of several."""
        return choices[int(self.random.integers(len(choices)))]

    @property
    def width(self) -> int:
        """The width of the latest output."""
        return Network(" >> ".join(self.flat), SIZES).shape[-1]

    def written(self) -> str:
        """The width of the latest output, as it is typed."""
        names = {"n": 1, "2*n": 2, "k": 1, "2*k": 2} if self.named else {}
        widths = {count * SIZES[name[-1]]: name for name, count in names.items()}
        return widths.get(self.width, str(self.width))

    def cell(self, size: str = "", sequence: bool = True) -> str:
        """Return a recurrent layer."""
        kind = self.one(["LSTM", "LSTM", "GRU", "GRU", "RNN", "Scan"])
        size = size or self.size()
        if kind == "Scan":
            return self.own(size, sequence)
        words = [size]
        if kind == "GRU" and self.chance(0.5):
            words.append('reset="before"')
        if kind == "RNN" and self.chance(0.5):
            words.append(f'activation="{self.one(["relu", "sigmoid"])}"')
        words += self.initial([("h", size), ("c", size)][: 1 + (kind == "LSTM")])
        words += ["bias=False"] * self.chance(0.2)
        return f"{kind}({', '.join([*words, *self.in_time(sequence)])})"

    def size(self) -> str:
        """Return a size as it is typed."""
        return str(self.one(["k", "2", "3"]) if self.named else self.one(["1", "2", "3", "4"]))

    def initial(self, states: Sequence[tuple[str, str]]) -> list[str]:
        """Return the option that says where states of these sizes start, or none: at zero."""
        if self.chance(0.3):
            return ['initial="learned"']
        if not self.chance(0.3):
            return []
        given = [f'Input({size}, name="{letter}_{size.replace("*", "")}")' for letter, size in states]
        return [f"initial={given[0]}" if len(given) == 1 else f"initial=({', '.join(given)})"]

    def in_time(self, sequence: bool) -> list[str]:
        """Return what all recurrent layers may have."""
        words = ["sequence=False"] * (not sequence)
        words += [f"truncate={self.one([1, 2, 2, 3])}"] * self.chance(0.25)
        return words + ["unroll=True"] * (not self.named and not self.keeping and self.chance(0.1))

    def own(self, size: str, sequence: bool) -> str:
        """Return a cell of one's own: up to two gates, one state or two, at times an output that is none."""
        if self.chance(0.2):
            return self.packed(size, sequence)
        states = list(self.one([["h"], ["h"], ["c", "h"]]))
        gates = ["f", "g"][: self.one([0, 1, 1, 2])]
        equations = [f"{name} = sigmoid({self.sum_of(name, states)})" for name in gates]
        for place, name in enumerate(states):
            before, made = f"{name}_prev", f"{self.one(['tanh', 'tanh', 'relu'])}({self.sum_of(name, states)})"
            forms = [made, f"(1 - r)*{before} + r*{made}", f"a{name} * {before} + {made}"]
            if gates:
                gate, other = self.one(gates), self.one(gates)
                forms += [f"{gate} * {before} + (1 - {gate}) * {made}", f"{gate}*{before} + {other}*{made}"] * 2
                forms += [f"{gate} * tanh({states[0]})"] * (3 * place)
            equations.append(f"{name} = {self.one(forms)}")
        words = [f"{states[0]}={size}", *[f"{each}={size}" for each in states[1:]]]
        text = "; ".join(equations)
        if self.chance(0.2):
            words, text = [f"h={self.size()}", f"y={size}"], f"{text}; y = C @ h"
            words += [words[0].replace("h", "c", 1)] * (len(states) - 1)
        words += ["r=0.25"] * ("r*" in text)
        read = [(name, words[0].partition("=")[2]) for name in states if f"{name}_prev" in text]
        if not read or not all_are_read(text):  # a cell has a state, and no equation without use
            return self.own(size, sequence)
        return f"Scan({', '.join([f'{chr(34)}{text}{chr(34)}', *words, *self.initial(read), *self.in_time(sequence)])})"

    def packed(self, size: str, sequence: bool) -> str:
        """Return a cell whose gates are rows of one product."""
        text = "a = W @ x + R @ h_prev + b; i = sigmoid(a[:k]); g = tanh(a[k:]); "
        text += self.one(["c = (1 - i)*c_prev + i*g; h = tanh(c)", "h = h_prev + i*(g - h_prev)"])
        whole = str(2 * int(size)) if size.isdecimal() else f"2*{size}".replace("2*2*", "4*")
        states = [(name, size) for name in "ch" if f"{name}_prev" in text]
        words = [f"a={whole}", f"k={size}", *self.initial(states[::-1]), *self.in_time(sequence)]
        return f"Scan({', '.join([chr(34) + text + chr(34), *words])})"

    def sum_of(self, name: str, states: Sequence[str]) -> str:
        """Return what goes into the function of an equation, with parameters of its own."""
        terms = [f"W{name} @ x"]
        terms += [f"R{name} @ {self.one(states)}_prev"] * self.chance(0.8)
        terms += [f"u{name}*{self.one(states)}_prev"] * self.chance(0.25)
        return " + ".join([*terms, *[f"b{name}"] * self.chance(0.7)])

    def between(self) -> str:
        """Return a layer that works on each moment by itself, or on all together, and keeps their number."""
        width = self.width
        heads = 2 if width % 2 == 0 else 1
        found = ["Dense(3)", "Dense(4) >> ReLU()", "Tanh()", 'Activation("t * sigmoid(t)", name="swish")']
        found += ["Dropout(0.5)", "Dropout(p=0.25)", "Positions()", 'Conv1D(3, 3, padding="same")']
        if width > 1:
            found += [*self.random.permutation(NORMS)[:2], "BatchNorm(eps=0.1)"]
        if self.count != "1":
            found.append(f"Attention({heads}{self.one(['', ', causal=True', ', bias=False'])})")
            found.append(f"Residual(Attention({heads}, causal=True))")
        return str(self.one(found))

    def both(self, sequence: bool = True) -> str:
        """Return a layer that reads in both directions."""
        return f"Bidirectional({self.cell(sequence=sequence)})"

    def block(self) -> str:
        """Return layers around a cell that end as wide as they begin."""
        width = self.written()
        before, keeping = len(self.flat), self.keeping
        self.keeping = True
        if self.chance(0.3) and self.width > 1:
            self.flat.append(self.one(NORMS))
        if self.chance(0.25):
            self.flat.append(self.both())
        else:
            self.flat.append(self.cell(self.one([width, ""])))
        if self.chance(0.3):
            self.flat.append(
                self.one(["Dropout(0.5)", "Tanh()", "LayerNorm()" if self.width > 1 else "ELU()", "ReLU()"])
            )
        if self.written() != width:
            self.flat.append(f"Dense({width})")
        self.keeping = keeping
        found = " >> ".join(self.flat[before:])
        del self.flat[before:]
        return found

    def layer(self) -> str:
        """Return a recurrent layer, or a block that holds some."""
        kind = self.one(["cell", "cell", "cell", "both", "both", "residual", "repeat", "repeat", "branches"])
        if kind == "cell":
            return self.cell()
        if kind == "both":
            return self.both()
        if kind == "residual":
            return f"Residual({self.block()})"
        if kind == "repeat":
            block = self.block()
            block = f"Residual({block})" if self.chance(0.3) else block
            return f"Repeat({block}, {self.one(['2', '2', '3', 'N'])}{self.one(['', '', ', tied=True'])})"
        first, second = self.block(), self.one(["()", self.block()])
        return str(
            self.one([f"Sum({first}, {second})", f"Multiply({first}, {second})", f"Highway({first})",
                      f"Concatenate({first}, {second})"])
        )  # fmt: skip

    def text(self) -> str:
        """Return the network."""
        if self.chance(0.25):
            self.flat.append(self.between())
        for _ in range(self.one([1, 1, 2, 2, 3])):
            self.flat.append(self.layer())
            if self.width > 18:
                self.flat.append("Dense(3)")
            if self.chance(0.35):
                self.flat.append(self.between())
        end = self.one(["all", "all", "last", "last both", "one", "flat"])
        if end == "last":
            self.flat.append(self.cell(sequence=False))
        if end == "last both":
            self.flat.append(self.both(sequence=False))
        if end == "one":
            self.flat.append(self.one(["At(-1)", "At(0)", "GlobalAveragePool()"]))
        if end == "flat":
            self.flat.append("GlobalAveragePool()" if self.named else "Flatten()")
        whole = end != "all"
        if whole and self.chance(0.2):
            self.flat.append("Dropout(0.5)")
        if self.width != 4 or self.chance(0.5):
            self.flat.append("Dense(4)")
        loss = self.one(LOSSES)
        if not whole and not loss.startswith("Loss(") and self.chance(0.25):
            loss = f'{loss[:-1]}{"" if loss.endswith("()") else ", "}mask=Input({self.count}, name="counted"))'
        return " >> ".join([*self.flat, loss]) + self.one(PENALTIES)


def all_are_read(text: str) -> bool:
    """Whether each equation is read by those that the last one needs."""
    formulas = {name: made for name, _, made in (each.partition(" = ") for each in text.split("; "))}
    needed, waiting = set(), [list(formulas)[-1]]
    while waiting:
        needed.add(name := waiting.pop())
        read = [each.removesuffix("_prev") for each in re.findall(r"\w+", formulas[name])]
        waiting += [each for each in read if each in formulas.keys() - needed]
    return needed == formulas.keys()


def recurrent(random: np.random.Generator) -> str:
    """Return the text of a random recurrent network."""
    return Recurrent(random).text()
