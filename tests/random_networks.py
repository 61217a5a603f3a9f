"""Random networks as text, over the whole language of `docs/networks.md`: nested blocks, ties of all kinds, penalties.

`network(random)` draws a text that is a network; which earlier weights a layer may be tied to says the reference,
asked for the layers so far. A few dozen run in every test run, and more by

    python tests/random_networks.py --count 500
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from network_reference import Array, Network, Params
from random_recurrent import SIZES as OF_RECURRENT
from random_recurrent import recurrent
from random_transformers import NAMES, transformer
from random_windows import NAMED, Windows

import symprop
from symprop.verify.text_reader import UnreadError, parameters_of

DROPOUTS = ("Dropout(0.5)", "Dropout(0.1)", "Dropout(p=0.25)", "Dropout(0)")
ACTIVATIONS = (
    *("Sigmoid()", "Tanh()", "ReLU()", "LeakyReLU()", "LeakyReLU(0.2)", "LeakyReLU(slope=-0.5)", "ELU()", "ELU(2)"),
    *("ELU(alpha=0.5)", "GELU()", 'GELU("tanh")', 'GELU(approximate="tanh")', "SiLU()", "Softplus()", "Identity()"),
    *("Softmax()", 'Activation("t * sigmoid(t)", name="swish")', 'Activation("log(1 + u**2)")'),
    'Activation("where(r > 0, r, 0.3 * tanh(r))", "bent")',
    *("PReLU()", "PReLU(each=True)", 'Activation("r * sigmoid(c * r)", learned={"c": "1.5"})'),
    'Activation("g * z / sqrt(mean(z**2) + eps)", eps=1e-5, learned={"g": "n"})',
    'Activation("g * (z - mean(z)) / sqrt(mean((z - mean(z))**2) + eps) + c", eps=0.1,'
    ' learned={"g": "n", "c": "n 0.5"})',
    'Activation("tanh(z) @ A + log(temp) * softmax(z / temp)", temp=2, learned={"A": "n n"})',
    'Activation("where(z > d, d * z**2, abs(z)**r)", name="powers", d=0.5, r=1.5)',
    'Activation("z * where(z > 0, 1, s)", name="two_sided", s=-0.5)',
)
OWN_LOSSES = (
    'Loss("sum((a - y)**4) / 4")',
    'Loss("sum(log(1 + exp(-y * a)))", name="logistic")',
    'Loss("norm(a - y) + sum(a) / 3")',
    'Loss("sum(abs(a - y)**3) + mean(a * y)")',
    'Loss("sum(where(abs(a - y) < d, (a - y)**2 / 2, d * (abs(a - y) - d / 2)))", d=0.75)',
    'Loss("sum(log(1 + exp(-s * y * a))) / s", y="signs", s=2)',
)
LOSSES = (
    *("MeanSquaredError()", "MeanAbsoluteError()", "Huber()", "Huber(0.3)", "Hinge()", "SquaredHinge()"),
    *('MeanSquaredError(positions="sum")', 'Huber(delta=2, positions="sum")', 'Hinge(positions="sum")'),
)
CLASSES = (
    *("SoftmaxCrossEntropy()", "SoftmaxCrossEntropy(smoothing=0.1)", "KLDivergence()", "SoftmaxCrossEntropy(ignore=0)"),
    *("SoftmaxCrossEntropy(weights={})", "SoftmaxCrossEntropy(smoothing=0.2, ignore=1, weights={})"),
    *('SoftmaxCrossEntropy(positions="sum", ignore=1)', 'KLDivergence(positions="sum")'),
)
"""Losses of at least two classes, with a weight for each in the braces."""
PENALTIES = (
    "",
    "",
    " + L2(0.1)",
    " + L2(0.1) + L2(coefficient=2)",
    " + L1(0.1)",
    ' + L1(0.2, on="W*") + L2(1, on="*")',
)
CLASS_LOSSES = (
    'Loss("logsumexp(a) - a[y]", y="class")',
    'Loss("log(sum(exp(s * a))) - s * a[y] + q * sum(a**2)", y="class", s=0.5, q=0.1)',
)
"""Losses of one vector, whose target is the number of a class."""
DENSE = ("Dense(3)", "Dense(4, bias=False)", "Dense(n1)", 'Dense(2, initialiser="he_normal")')

SIZES = {**OF_RECURRENT, "n1": 5, "N": 2, "k_1": 11, "k_2": 7, "T": 8, "H": 6, "U": 7, **NAMES}
"""Numbers for the names that a random network may have; no other width is 5 or 11."""


def written(width: int) -> str:
    """Return a width as it is typed: a size with a name differs from every number."""
    return {5: "n1", 11: "k_l"}.get(width, str(width))


class Draw:
    """One network in the making; `flat` are its layers so far, each block opened as in its first repetition."""

    def __init__(self, random: np.random.Generator, places: bool = False) -> None:
        self.random = random
        self.places = places  # whether it may read windows of a sequence or an image
        self.keeping = False  # whether a block is open, which keeps their number
        self.named = False  # whether that is a name
        self.flat: list[str] = []
        self.symbolic = False  # whether a Repeat of a named count is open, in which nothing is tied by name
        self.beside = False  # whether branches stand beside this one, whose weights are not read yet
        self.counted = False  # whether there is or was one

    def chance(self, share: float) -> bool:
        """Return whether something that happens so often happens now."""
        return bool(self.random.random() < share)

    def one(self, choices: Sequence[Any]) -> Any:
        """Return one of several."""
        return choices[int(self.random.integers(len(choices)))]

    def read(self) -> Network:
        """Return the layers so far as the reference reads them."""
        return Network(" >> ".join(self.flat), {**SIZES, "l": 1})

    @property
    def width(self) -> int:
        """The width of the latest output."""
        return self.read().shape[-1]

    def after(self, layer: str) -> int:
        """The width of the output of a further layer, of `()` too."""
        return Network(" >> ".join([*self.flat, *[layer] * (layer != "()")]), {**SIZES, "l": 1}).shape[-1]

    def ties(self, width: int) -> list[str]:
        """The earlier matrices, or their transposes, that a Dense after this width may use."""
        if (
            self.symbolic or self.counted or self.beside or self.named
        ):  # a number behind a named one is no name of one matrix
            return []
        matrices = {
            name: shape
            for name, shape in self.read().parameters.items()
            if len(shape) == 2 and name[0] in "WE" and max(shape) < 15  # larger ones may be a multiple of a name
        }
        found = [(columns, f'{written(rows)}, tied="{name}"') for name, (rows, columns) in matrices.items()]
        found += [(rows, f'{written(columns)}, tied="{name}.T"') for name, (rows, columns) in matrices.items()]
        return [f"Dense({arguments})" for before, arguments in found if before == width]

    def kernels(self, width: int) -> list[tuple[tuple[int, ...], str, str]]:
        """The sizes of earlier kernels that read this width, the channels that each makes, and its name; `W1.T` too."""
        if self.symbolic or self.counted or self.beside:
            return []
        shapes = {name: shape for name, shape in self.read().parameters.items() if len(shape) > 2}
        found = [(shape[1:-1], written(shape[0]), name) for name, shape in shapes.items() if shape[-1] == width]
        found += [(shape[1:-1], written(shape[-1]), f"{name}.T") for name, shape in shapes.items() if shape[0] == width]
        return found

    def dense(self) -> str:
        """Return a Dense with a weight of its own or an earlier one."""
        ties = self.ties(self.width)
        if ties and self.chance(0.45):
            tied = self.one(ties)
            return tied.replace(", tied", ", bias=False, tied") if self.chance(0.2) else tied
        return str(self.one([*DENSE, *["Dense(k_l)"] * 2 * self.symbolic]))

    def layer(self, depth: int, repeated: bool = False) -> str:
        """Return a layer; a block at most so deep, and not one of a named count where a Repeat is open."""
        kind = self.one(["dense", "activation", *["block"] * bool(depth)])
        if self.places and 2 <= len(shape := self.read().shape) <= 3 and self.chance(0.5):
            channels = ["2", "3", "4", "6", "n1", *["k_l"] * 3 * self.symbolic]
            windows = Windows(self.random, written, self.named)
            layer = windows.layer(shape, self.keeping, channels, self.kernels(shape[-1]))
            unsaid = self.named or shape[-1] in NAMED or np.prod(shape) in NAMED  # as a number
            return "Flatten() >> Dense(3)" if layer == "Flatten()" and unsaid else layer
        if self.places and self.keeping and len(self.read().shape) == 3 and self.chance(0.1):
            width = written(self.width)
            return f"Multiply((), GlobalAveragePool() >> Dense({width}) >> {self.one(['Sigmoid()', 'Tanh()'])})"
        if kind == "dense":
            return self.dense()
        if kind != "block" and self.chance(0.2) and self.width > 1:
            norms = ["LayerNorm()", "RMSNorm(eps=0.01)", "LayerNorm(eps=0.1)", "GroupNorm(1)"]
            norms += ["BatchNorm(eps=0.1)"] * (not repeated) + ["GroupNorm(2)"] * (self.width == 4)
            return str(self.one(norms))
        if kind != "block":
            usual = [each for each in ACTIVATIONS if "softmax" not in each.lower() or self.width > 1]
            return str(self.one(DROPOUTS if self.chance(0.15) else usual))
        if self.chance(0.35):
            return self.branches(depth, repeated)
        if self.chance(0.4):
            projection = self.chance(0.4)
            block = self.block(depth - 1, repeated, same=not projection)
            return f"Residual({block}{', projection=True' if projection else ''})"
        if repeated or self.counted or self.chance(0.75):
            tied = ", tied=True" if self.chance(0.6) else ""
            return f"Repeat({self.block(depth - 1, repeated=True)}, {self.one([2, 2, 3])}{tied})"
        self.symbolic = self.counted = True
        block = self.block(depth - 1, repeated=True, first=self.one(["Dense(k_l)", "Dense(3)"]))
        self.symbolic = False
        return f"Repeat({block}, N)"

    def branches(self, depth: int, repeated: bool) -> str:
        """Return a layer with branches, or a gated one."""
        kind = self.one(["Sum", "Multiply", "Concatenate", "Highway", "GLU", "SwiGLU"])
        if kind in ("GLU", "SwiGLU"):
            return f"{kind}({self.one(['3', '2, bias=False', 'n1'])})"
        if kind == "Highway":
            return f"Highway({self.block(depth - 1, repeated)})"
        rows: list[str] = []
        beside, count = self.beside, self.one([2, 2, 3])
        plain = self.one([0, count - 1])  # a branch that reads what stands before
        for place in range(count):
            first = self.further() if place != plain and self.chance(0.5) and not self.named else ""
            block = self.block(depth - 1, repeated, same=kind != "Concatenate", first=first)
            row = block if first else self.one(["()", "Identity()", block, block, block])
            if kind == "Concatenate" and self.after(row) in (5, 11):  # of which a sum would be no number
                row = "Dense(2)"
            rows.append(row)
            self.beside = True
        self.beside = beside
        while kind == "Concatenate" and self.after(f"{kind}({', '.join(rows)})") in (5, 11):
            rows.append("Dense(2)")
        return f"{kind}({', '.join(rows)})"

    def further(self) -> str:
        """Return a further input, of numbers or ids, that a branch reads: for each position where there are some."""
        before = self.read().shape[:-1]
        if not before:
            return str(self.one(['Input(3, name="side")', 'Input(2, name="ids") >> Embedding(4, 2)']))
        places, lengths = ", ".join(map(str, before)), "_".join(map(str, before))
        known = self.read().inputs
        others = [name for name in ("pixels", "steps", "tags") if known.get(name, before)[: len(before)] != before]
        mark = f"_{lengths}" if others else ""  # a name is of one input
        if len(before) > 1:
            return f'Input({places}, 3, name="pixels{mark}")'
        numbers, ids = f'Input({places}, 3, name="steps{mark}")', f'Input({places}, name="tags{mark}")'
        return str(self.one([numbers, f"{ids} >> Embedding(4, 3, flatten=False)"]))

    def block(self, depth: int, repeated: bool, same: bool = True, first: str = "") -> str:
        """Return layers in a row; `same`: they end as wide as they begin."""
        before, width, keeping = len(self.flat), self.width, self.keeping
        self.keeping = True
        if first:
            self.flat.append(first)
        for _ in range(int(self.random.integers(1, 4))):
            self.flat.append(self.layer(depth, repeated))
        if same and self.width != width:
            self.flat.append(f"Dense({written(width)})")
        self.keeping = keeping
        block = " >> ".join(self.flat[before:])
        del self.flat[before:]
        return block


def network(random: np.random.Generator, places: bool = False) -> str:
    """Return the text of a random network; with `places` of one that reads windows of a sequence or an image."""
    draw = Draw(random, places)
    draw.flat = [f"Input({draw.one([2, 3, 4])})"]
    if places:
        draw.named = draw.chance(0.1)
        numbers, names = draw.one([([4, 6, 7, 8, 9], ["T"]), ([3, 4, 6, 7], ["H", "U"])])
        lengths = names if draw.named else [str(draw.one(numbers)) for _ in names]
        draw.flat = [f"Input({', '.join(lengths)}, {draw.one(['1', '2', '3', '4', '6', 'n1'])})"]
    elif draw.chance(0.25):
        rows, width = draw.one(["", "", ", flatten=False"]), draw.one([2, 3])
        tables = [f"Embedding(4, {width}{rows})", f"Embedding(4, 1{rows})"]  # two of the same ids
        draw.flat.append(f"Concatenate({', '.join(tables)})" if draw.chance(0.2) else tables[0])
    for _ in range(int(random.integers(2, 5))):
        draw.flat.append(
            draw.branches(1, False) if draw.chance(0.15) else draw.layer(1 if places and draw.chance(0.6) else 2)
        )
    if len(draw.read().shape) > 1 and places and draw.chance(0.6):
        draw.flat += [draw.one(["Flatten()", "GlobalAveragePool()"]), "Dense(3)"]
    reference = draw.read()
    if not reference.parameters:
        draw.flat.append("Dense(3)")
        reference = draw.read()
    losses = [draw.one(LOSSES), draw.one(OWN_LOSSES)]
    if (classes := reference.shape[-1]) > 1:
        usual = [each for each in CLASSES if "{}" not in each or written(classes).isdecimal()]  # a weight for each
        losses += [draw.one(usual).format(tuple(range(1, classes + 1)))] * 2
    losses += ["BinaryCrossEntropy()", "BinaryCrossEntropy(from_logits=True)"] if reference.maker != "Softmax" else []
    losses += ["BinaryCrossEntropy(from_logits=False)", "BinaryCrossEntropy()"] if reference.maker == "Sigmoid" else []
    losses += [draw.one(CLASS_LOSSES)] if len(reference.shape) == 1 and reference.shape[0] > 1 else []
    loss = draw.one(losses)
    if not loss.startswith("Loss(") and draw.chance(0.3) and not draw.named:
        positions = ", ".join(map(str if places else written, reference.shape[:-1] or (1,)))
        loss = f'{loss[:-1]}{"" if loss.endswith("()") else ", "}mask=Input({positions}, name="counted"))'
    if any(name.startswith("W") for name in reference.parameters):
        loss += draw.one(PENALTIES)
    return " >> ".join([*draw.flat, loss])


Ask = Callable[[Params, Params, Array, Params], tuple[float, Mapping[str, Array]]]
"""What gives loss and gradients at parameters, inputs, targets and masks."""

CLOSE = 1e-8
"""How far two right values may be apart, of what they are sums of.

Both round in float64. Over 500 networks they differed by less than 1e-10; a wrong reading shows in the first digits.
"""


def problems(
    text: str, sizes: Mapping[str, int], batch: int = 3, ask: Ask | None = None, evaluation: bool = False
) -> list[str]:
    """Return where symprop's module of a network is not what the reference says: parameters, loss, gradients.

    Gradients are those of the fast module, or those that `ask` gives at parameters, inputs, targets and masks, in
    evaluation without masks.
    """
    reference, network = Network(text, sizes), symprop.parse_network(text)
    counted = network.with_sizes({name: sizes[name] for name in network.sizes if name in sizes})
    numeric = counted.with_sizes({name: sizes[name] for name in counted.sizes})
    starts = {each.name: each.initialiser for each in numeric.parameters if each.kind == "weight"}
    if starts != reference.starts:
        return [f"starts {starts}, not {reference.starts}"]
    with suppress(UnreadError):
        if (told := parameters_of(numeric.text)) != reference.parameters:
            return [f"parameters {told} by the certificate's reader of the text, not {reference.parameters}"]
    module = symprop.compile(numeric)
    if list(module.PARAMETERS.items()) != list(reference.parameters.items()):
        return [f"parameters {module.PARAMETERS}, not {reference.parameters}"]
    random = np.random.default_rng(0)
    params, x, y = point(reference, random, batch)
    masks = {} if evaluation else dropped(reference, random, batch)
    options = {"masks": masks} if masks else {}
    loss, grads = ask(params, x, y, masks) if ask else module.loss_and_grads(params, taken(x), y, **options)
    expected = reference.loss(params, x, y, masks)
    if masks and "STATISTICS" not in vars(module):  # running statistics are others than those of the batch
        evaluated, right = module.loss(params, taken(x), y, training=False), reference.loss(params, x, y)
        if not abs(evaluated - right) <= CLOSE * (1 + abs(right)):
            return [f"loss {evaluated} in evaluation, not {right}"]
    found = [] if abs(loss - expected) <= CLOSE * (1 + abs(expected)) else [f"loss {loss}, not {expected}"]
    largest = max(np.abs(gradient).max() for gradient in grads.values())
    for what, along in directions(reference.parameters, random):
        slope = sum(np.sum(grads[name] * along[name]) for name in along)
        right = reference.derivative(params, x, y, along, masks)
        if not abs(slope - right) <= CLOSE * (1 + largest):
            found.append(f"slope {slope}, not {right}, along {what}")
    return found


def directions(shapes: Mapping[str, tuple[int, ...]], random: np.random.Generator) -> Iterator[tuple[str, Params]]:
    """Yield a random direction in all parameters, and a random coordinate of each."""
    yield "all", {name: random.normal(size=shape) for name, shape in shapes.items()}
    for name, shape in shapes.items():
        along = {other: np.zeros(size) for other, size in shapes.items()}
        place = tuple(random.integers(0, shape))
        along[name][place] = 1
        yield f"{name}{list(map(int, place))}", along


def taken(x: dict[str, Array]) -> Any:
    """Return inputs as a module takes them: an array, or where there are several a dict."""
    return x if len(x) > 1 else next(iter(x.values()))


def dropped(reference: Network, random: np.random.Generator, batch: int = 3) -> dict[str, Array]:
    """Return random masks of dropout for a batch, by name."""
    return {name: random.integers(0, 2, (batch, *shape)).astype(float) for name, shape in reference.masks.items()}


def point(
    reference: Network, random: np.random.Generator, batch: int = 3
) -> tuple[dict[str, Array], dict[str, Array], Array]:
    """Return random parameters, and a batch: inputs or ids by name, and targets that the loss allows."""
    params = {
        name: np.asarray(random.normal(size=shape) * 0.7 / np.sqrt(np.prod(shape[1:] or shape)))
        for name, shape in reference.parameters.items()
    }
    x: dict[str, Array] = {}
    for name, size in reference.inputs.items():
        ids, shape = reference.ids.get(name), (batch, *size)
        x[name] = random.normal(size=shape) if ids is None else random.integers(0, ids, shape)
    for name in reference.hiding:  # some of the first positions, one at least
        count = x[name].shape[1]
        x[name] = (np.arange(count) < random.integers(1, count + 1, (batch, 1))) * 1.0
    if reference.mask and reference.mask not in reference.hiding:
        x[reference.mask] = random.uniform(0.1, 1, x[reference.mask].shape)
    y = random.normal(size=(batch, *reference.shape))
    declared = reference.ends[0].keywords.get("y", "")
    if declared == "class":
        y = random.integers(0, reference.shape[-1], (batch, *reference.shape[:-1]))
    if declared == "signs":
        y = np.sign(y)
    if reference.ends[0].name == "BinaryCrossEntropy":
        y = random.uniform(0.05, 0.95, y.shape)
    if reference.ends[0].name.endswith("Hinge"):
        y = np.sign(y)
    if reference.ends[0].name in ("SoftmaxCrossEntropy", "KLDivergence") or "sums-to-1" in declared:
        y = random.uniform(0.05, 1, y.shape)
        y /= y.sum(axis=-1, keepdims=True)
    if {"ignore", "weights"} & set(reference.ends[0].keywords):
        y = np.eye(y.shape[-1])[np.argmax(y, axis=-1)]
        ignored = reference.ends[0].keywords.get("ignore")
        y[0] = np.eye(y.shape[-1])[ignored - 1] if ignored is not None else y[0]  # a mean over nothing is no number
    return params, x, y


def drawn(random: np.random.Generator, options: argparse.Namespace) -> str:
    """Return a random network of the kind that is asked for."""
    if options.recurrent:
        return recurrent(random)
    return transformer(random) if options.transformers else network(random, options.places)


def main() -> None:
    """Draw and check networks, and print those that differ."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--places", action="store_true", help="networks with convolutions and pools")
    parser.add_argument("--transformers", action="store_true", help="transformers in their place")
    parser.add_argument("--recurrent", action="store_true", help="recurrent networks in their place")
    options = parser.parse_args()
    start, bad = time.perf_counter(), 0
    for number in range(options.count):
        random = np.random.default_rng([options.seed, number])
        text = drawn(random, options)
        for problem in problems(text, SIZES):
            bad += 1
            print(f"{number}: {text}\n    {problem}", flush=True)
    print(f"{options.count} networks in {time.perf_counter() - start:.0f} s, {bad} problems")


if __name__ == "__main__":
    main()
