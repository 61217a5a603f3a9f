"""Relations between answers, on random networks: something is changed, and numbers must stay or change likewise.

No oracle is asked: what is compared are two answers of symprop's, of which no rule knows the other. Each relation says
for which networks it holds, what is changed, and what must be equal.
"""

from __future__ import annotations

import random as python_random
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import symprop
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from tests import random_comparisons
from tests.network_reference import Network
from tests.random_networks import ACTIVATIONS, CLASSES, LOSSES, SIZES, dropped, network, point, taken
from tests.random_recurrent import recurrent
from tests.random_transformers import transformer
from trust.measures import Measure, Outcome

CLOSE = 1e-9
"""How far two right values may be apart, of 1 or the largest gradient: both round in float64, in short sums."""
OTHERS = {"n1": "width", "k_l": "q_l", "side": "other", "steps": "path", "tags": "marks", "ids": "codes"}
"""Other names for the sizes and inputs of random networks."""
NUMBERS = {**SIZES, "width": SIZES["n1"], **{f"q_{number}": SIZES[f"k_{number}"] for number in (1, 2)}}
"""What the names of sizes are."""
Random = np.random.Generator
Params = dict[str, np.ndarray]
Found = tuple[float, Params]


class Point:
    """A network with numbers for its sizes, and where it is asked: parameters, a batch of three, masks of dropout."""

    def __init__(self, text: str, random: Random) -> None:
        self.text, self.read = text, Network(text, NUMBERS)
        self.params, self.x, self.y = point(self.read, random)
        self.masks = dropped(self.read, random)
        self.derivation = symprop.derive(with_numbers(text), layout="rows")
        self.module = symprop.compile(self.derivation)

    def step(self, params: Params | None = None, rows: Any = slice(None), module: Any = None) -> Found:
        """Return the loss and the gradients of some rows of the batch."""
        options = {"masks": {name: mask[rows] for name, mask in self.masks.items()}} if self.masks else {}
        x = taken({name: values[rows] for name, values in self.x.items()})
        loss, grads = (module or self.module).loss_and_grads(params or self.params, x, self.y[rows], **options)
        return float(loss), {name: np.array(grad) for name, grad in grads.items()}


def with_numbers(text: str) -> symprop.Network:
    """Return a network with numbers for the names of its sizes."""
    parsed = symprop.parse_network(text)
    counted = parsed.with_sizes({name: NUMBERS[name] for name in parsed.sizes if name in NUMBERS})
    return counted.with_sizes({name: NUMBERS[name] for name in counted.sizes})


def apart(found: Found, right: Found) -> str:
    """Return where a loss and gradients differ from the right ones, or nothing."""
    (loss, grads), (true, slopes) = found, right
    if not abs(loss - true) <= CLOSE * (1 + abs(true)):
        return f"the loss is {loss}, not {true}"
    largest = max(float(np.abs(slope).max()) for slope in slopes.values())
    for name, slope in slopes.items():
        off = float(np.abs(grads[name] - slope).max())
        if not off <= CLOSE * (1 + largest):
            return f"d{name} is off by {off:.1e}, of {largest:.1e}"
    return ""


def any_network(random: Random) -> str:
    """Return a random network of any kind."""
    kinds: Sequence[Callable[[Random], str]] = (network, lambda r: network(r, places=True), transformer, recurrent)
    return kinds[int(random.integers(len(kinds)))](random)


def drawn(random: Random, *without: str) -> str:
    """Return a random network in which some words do not stand."""
    text = any_network(random)
    while any(word in text for word in without):
        text = any_network(random)
    return text


def one(random: Random, choices: Sequence[Any]) -> Any:
    """Return one of several."""
    return choices[int(random.integers(len(choices)))]


def head(random: Random) -> str:
    """Return the layers of a random network before its loss, which end in an output of a few numbers."""
    return f"{network(random).rpartition(' >> ')[0]} >> Dense(4)"


def new(longer: str, shorter: str) -> list[str]:
    """Return the parameters that a network has and another does not."""
    before = Network(shorter, NUMBERS).parameters
    return [name for name in Network(longer, NUMBERS).parameters if name not in before]


# ---------------------------------------------------------------- relations


def mean_of_examples(random: Random) -> tuple[str, str]:
    """A batch and its examples one by one."""
    text = drawn(random, "BatchNorm", "ignore=", "weights=")
    while Network(text, NUMBERS).mask:  # examples count by their share of what counts in the batch
        text = drawn(random, "BatchNorm", "ignore=", "weights=")
    at = Point(text, random)
    parts = [at.step(rows=slice(row, row + 1)) for row in range(3)]
    grads = {name: np.mean([part[1][name] for part in parts], axis=0) for name in parts[0][1]}
    return text, apart(at.step(), (float(np.mean([part[0] for part in parts])), grads))


def permuted_batch(random: Random) -> tuple[str, str]:
    """A batch and the same examples in another order."""
    at = Point(any_network(random), random)
    return at.text, apart(at.step(rows=[2, 0, 1]), at.step())


def shifted_logits(random: Random) -> tuple[str, str]:
    """The bias of the logits, and that with a number added to each."""
    loss = one(random, [each for each in CLASSES if "{}" not in each])
    at = Point(f"{head(random)} >> {loss}", random)
    last = list(at.params)[-1]
    found = at.step({**at.params, last: at.params[last] + 3.7})
    total, size = float(found[1][last].sum()), float(np.abs(found[1][last]).sum())
    wrong = "" if abs(total) <= CLOSE * (1 + size) else f"the gradients of the logits sum to {total}"
    return at.text, apart(found, at.step()) or wrong


def permuted_units(random: Random) -> tuple[str, str]:
    """The hidden units of two layers in another order."""
    before, usual = head(random), [each for each in ACTIVATIONS if "mean" not in each and "@" not in each]
    middle = f"{before} >> Dense(6) >> {one(random, [each for each in usual if 'each' not in each])}"
    text = f"{middle} >> Dense(3) >> {one(random, LOSSES)}"
    at, order = Point(text, random), random.permutation(6)
    rows, columns = new(f"{before} >> Dense(6)", before), new(f"{middle} >> Dense(3)", middle)[:1]
    kept = at.step()

    def moved(arrays: Params) -> Params:
        result = {name: array[order] if name in rows else array for name, array in arrays.items()}
        return result | {name: array[:, order] for name, array in arrays.items() if name in columns}

    return text, apart(at.step(moved(at.params)), (kept[0], moved(kept[1])))


def permuted_heads(random: Random) -> tuple[str, str]:
    """The groups of heads of an attention in another order."""
    groups, each, size = one(random, [2, 3, 4]), one(random, [1, 1, 2]), one(random, [2, 4])
    words = [f"{groups * each}, kv_heads={groups}, head_size={size}"]
    words += [word for word in ("causal=True", "rope=True", "bias=False") if random.random() < 0.4]
    attention = f"Attention({', '.join(words)})"
    text = f"Input({one(random, [2, 3, 5])}, 6) >> Dense(5) >> Residual({attention}) >> {one(random, LOSSES)}"
    at, order = Point(text, random), random.permutation(groups)
    kept = at.step()

    def moved(arrays: Params) -> Params:
        result = dict(arrays)
        for name, array in arrays.items():
            if name[1] in "qkv" and name[0] in "Wb":
                result[name] = array.reshape(groups, -1, *array.shape[1:])[order].reshape(array.shape)
            if name[:2] == "Wo":
                result[name] = array.reshape(len(array), groups, -1)[:, order].reshape(array.shape)
        return result

    return text, apart(at.step(moved(at.params)), (kept[0], moved(kept[1])))


def zero_block(random: Random) -> tuple[str, str]:
    """A network, and that with a residual block whose last layer is 0 before its loss."""
    before, loss = head(random), one(random, LOSSES)
    inner = f"Dense(3) >> {one(random, ACTIVATIONS[:11])}"
    block = f"Residual({inner} >> Dense(4))"
    at = Point(f"{before} >> {block} >> {loss}", random)
    last = new(f"{before} >> {block}", before)[-2:]
    loss_there, grads = at.step({**at.params, **{name: 0 * at.params[name] for name in last}})
    plain = Point(f"{before} >> {loss}", random)
    plain.x, plain.y, plain.masks = at.x, at.y, at.masks
    return at.text, apart((loss_there, grads), plain.step({name: at.params[name] for name in plain.params}))


def moved_input(random: Random) -> tuple[str, str]:
    """What is seen by convolutions and their targets, and the same some places further."""
    axes, apart_by = one(random, [1, 2]), one(random, [1, 1, 2])
    options = f"{one(random, [1, 2, 3])}, stride={apart_by}, padding={one(random, [0, 1])}"
    layers = [f"Conv{axes}D(3, {options}, bias=False)", one(random, ["Tanh()", "ReLU()", "SiLU()", "GELU()"])]
    layers += [f"Conv{axes}D(2, 3, padding=1, dilation={one(random, [1, 2])}, bias=False)"]
    layers += [f"MaxPool{axes}D(3, stride=1, padding=1)"] * int(random.integers(2))
    loss = one(random, ["MeanSquaredError()", "Huber()", "MeanAbsoluteError()"])
    text = f"Input({', '.join(['40'] * axes)}, 2) >> {' >> '.join(layers)} >> {loss}"
    at = Point(text, random)
    steps = int(random.integers(1, 4))
    places, targets = (
        (slice(None), *[slice(16, 20)] * axes),
        (slice(None), *[slice(16 // apart_by, 20 // apart_by)] * axes),
    )
    for array, inside in ((at.x, places), (at.y, targets)):
        values = next(iter(array.values())) if isinstance(array, dict) else array
        kept = values[inside].copy()
        values[...] = 0
        values[inside] = kept
    right = at.step()
    along = tuple(range(1, 1 + axes))
    at.x = {name: np.roll(values, steps * apart_by, along) for name, values in at.x.items()}
    at.y = np.roll(at.y, steps, along)
    return text, apart(at.step(), right)


def renamed_sizes(random: Random) -> tuple[str, str]:
    """Sizes and inputs that have names, and the same with other names, and with numbers."""
    text = any_network(random)
    other = re.sub(rf"\b({'|'.join(OTHERS)})\b", lambda found: OTHERS[found[0]], text)
    at, again = Point(text, random), Point(other, random)
    again.params, again.y, again.masks = at.params, at.y, at.masks
    again.x = {OTHERS.get(name, name): values for name, values in at.x.items()}
    return f"{text} as {other}", apart(again.step(), at.step())


def renamed_arrays(random: Random) -> tuple[str, str]:
    """A formula, and that with other names for its arrays, which come in another order."""
    number = int(random.integers(2**31))
    f = random_comparisons.drawn((), 4, python_random.Random(number)).text
    arrays = shapes_and_values(random)
    names = dict(zip(arrays, ("Z", "Q", "P", "v", "u", "g", "c"), strict=True))
    other = re.sub(r"\b[ABCxwys]\b", lambda found: names[found[0]], f)
    for by in [name for name in arrays if re.search(rf"\b{name}\b", f)][:2]:
        used = {name: each for name, each in arrays.items() if re.search(rf"\b{name}\b", f)}
        right = symprop.gradient(f, by, **{name: shape for name, (shape, _) in used.items()})
        found = symprop.gradient(other, names[by], **{names[name]: shape for name, (shape, _) in used.items()})
        first = right(**{name: values for name, (_, values) in used.items()})
        second = found(**{names[name]: values for name, (_, values) in used.items()})
        if said := apart((0.0, {by: np.asarray(second)}), (0.0, {by: np.asarray(first)})):
            return f"{f} and {other}", said
    return f, ""


def shapes_and_values(random: Random) -> dict[str, tuple[str, np.ndarray]]:
    """Return how the arrays of random formulas are declared, and random values of them."""
    sizes = random_comparisons.SIZES
    told = {"A": "m n", "B": "n m", "C": "n n", "x": "n", "w": "n", "y": "m", "s": ""}
    return {
        name: (shape, np.asarray(random.uniform(-1.5, 1.5, [sizes[each] for each in shape.split()])))
        for name, shape in told.items()
    }


def both_products(random: Random) -> tuple[str, str]:
    """Products of a Jacobian with a vector and of its transpose; of a number, those of its Hessian with two vectors."""
    number = int(random.integers(2**31))
    of = one(random, [("n",), ("m",), ("m", "n"), ()])
    f = random_comparisons.drawn(of, 3, python_random.Random(number)).text
    arrays = {name: each for name, each in shapes_and_values(random).items() if re.search(rf"\b{name}\b", f)}
    by = one(random, sorted(arrays))
    declared = {name: shape for name, (shape, _) in arrays.items()}
    values = {name: each for name, (_, each) in arrays.items()}
    u, t = (np.asarray(random.normal(size=values[by].shape)) for _ in range(2))
    v = np.asarray(random.normal(size=[random_comparisons.SIZES[each] for each in of]))
    if of:
        pushed = symprop.jvp(f, by, "U", **declared)(U=u, **values)
        pulled = symprop.vjp(f, by, "V", **declared)(V=v, **values)
        left, right = np.sum(v * pushed), np.sum(pulled * u)
        scale = np.sum(np.abs(v * pushed)) + np.sum(np.abs(pulled * u))
    else:
        product = symprop.hvp(f, by, "U", **declared)
        left, right = (np.sum(one_way * product(U=other, **values)) for one_way, other in ((u, t), (t, u)))
        scale = np.sum(np.abs(u * product(U=t, **values))) + np.sum(np.abs(t * product(U=u, **values)))
    close = abs(left - right) <= CLOSE * (1 + scale)
    return f"{f} by {by}", "" if close else f"{left} is not {right}"


def without_passes(random: Random) -> tuple[str, str]:
    """The equations as they are printed, worked out one by one, and the module, whose passes rewrote them."""
    at = Point(drawn(random, "BatchNorm", "RNN(", "LSTM(", "GRU(", "Scan("), random)
    system, arithmetic = at.derivation.system, Complex()
    given = {**at.params, **at.x, **at.masks, system.targets[0].name: at.y}
    evaluator = Evaluator(arithmetic, stacked(given, arithmetic), {system.batch: 3})
    evaluator.run(at.derivation.equations)
    assert system.loss is not None
    values = {name: np.real(unstacked(value)) for name, value in evaluator.values.items()}
    grads = {name: values[f"d{name}"] for name in at.params}
    return at.text, apart(at.step(), (float(values[system.loss.name]), grads))


def on(target: str) -> Callable[[Random], tuple[str, str]]:
    """Return the relation of the fast module and another."""

    def asked(random: Random) -> tuple[str, str]:
        at = Point(any_network(random), random)
        if target == "jax":
            import jax

            jax.config.update("jax_enable_x64", True)
        options: dict[str, Any] = {"fast": False} if target == "read" else {"target": target}
        module = symprop.compile(at.derivation, **options)
        params: Any = at.params
        if target == "torch":
            from tests.against_torch import tensors

            params = tensors(at.params)
        return at.text, apart(at.step(params, module=module), at.step())

    return asked


def asked(relation: Callable[[Random], tuple[str, str]]) -> Callable[[int, int], Outcome]:
    """Return what asks a relation of so many random networks or formulas."""

    def told(cases: int, seed: int) -> Iterator[str]:
        for number in range(cases):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", symprop.SympropWarning)  # of what is probably not meant
                what, wrong = relation(np.random.default_rng([seed, number]))
            if wrong:
                yield f"{number}: {what}: {wrong}"

    return lambda cases, seed: Outcome(cases, tuple(told(cases, seed)))


ROWS: tuple[tuple[str, str, Callable[[Random], tuple[str, str]], int, int, tuple[str, ...]], ...] = (
    (
        "a batch is the mean of its examples",
        "Of networks without BatchNorm and with losses whose examples count alike, loss and gradients of a batch are "
        "the means of those of its examples.",
        mean_of_examples,
        1,
        60,
        (),
    ),
    (
        "order of the batch",
        "Of all networks, loss and gradients are the same for the examples in another order.",
        permuted_batch,
        1,
        60,
        (),
    ),
    (
        "shift of the logits",
        "Of networks that end in a softmax, loss and gradients are the same with a number added to all logits, and the "
        "gradients of the logits sum to 0.",
        shifted_logits,
        2,
        60,
        (),
    ),
    (
        "order of hidden units",
        "Of networks with two dense layers and an elementwise activation between, units in another order have the same "
        "loss, and the gradients in that order.",
        permuted_units,
        2,
        60,
        (),
    ),
    (
        "order of heads",
        "Of an attention, groups of heads in another order have the same loss, and the gradients in that order.",
        permuted_heads,
        2,
        60,
        (),
    ),
    (
        "a residual block of 0",
        "A residual block whose last layer is 0 passes values and gradients: those of the network without it.",
        zero_block,
        2,
        60,
        (),
    ),
    (
        "translation",
        "Of convolutions and pools without a bias, inputs and targets moved along have the same loss and gradients.",
        moved_input,
        2,
        60,
        (),
    ),
    (
        "both products with a Jacobian",
        "Of formulas, <v, J u> = <J' v, u> by jvp and vjp, and <u, H t> = <t, H u> by hvp.",
        both_products,
        4,
        400,
        (),
    ),
    (
        "names of sizes and inputs",
        "Of all networks, loss and gradients are the same with other names for sizes and inputs.",
        renamed_sizes,
        1,
        60,
        (),
    ),
    (
        "names of arrays",
        "Gradients of formulas are the same with other names for the arrays.",
        renamed_arrays,
        3,
        300,
        (),
    ),
    (
        "equations and code",
        "Of networks without BatchNorm and loops over time, the module with all its passes has the numbers "
        "of the printed equations.",
        without_passes,
        1,
        60,
        (),
    ),
    ("fast and to read", "Of all networks, both modules have the same numbers.", on("read"), 1, 60, ()),
    ("fast and numba", "Of all networks, the module with loops has the same numbers.", on("numba"), 1, 40, ("numba",)),
    ("fast and JAX", "Of all networks, JAX's module has the same numbers.", on("jax"), 1, 60, ("jax",)),
    ("fast and PyTorch", "Of all networks, PyTorch's module has the same numbers.", on("torch"), 1, 60, ("torch",)),
)
MEASURES = tuple(
    Measure(name, claim, asked(relation), short, usual, 10 * usual, needs)
    for name, claim, relation, short, usual, needs in ROWS
)
