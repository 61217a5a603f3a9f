"""Relations between answers: of networks and formulas with other names, of products, of all forms of code; the table.

What a change of a network's arrays must do is in `invariances.py`.
"""

from __future__ import annotations

import random as python_random
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import symprop
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from tests import random_comparisons
from tests.random_networks import taken
from trust.invariances import (
    CLOSE,
    OTHERS,
    Point,
    Random,
    any_network,
    apart,
    drawn,
    mean_of_examples,
    moved_input,
    one,
    permuted_batch,
    permuted_heads,
    permuted_units,
    shifted_logits,
    zero_block,
)
from trust.measures import Measure, Outcome


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


def ways_to_step(random: Random) -> tuple[str, str]:
    """A call and the next one, in a workspace, as a step that was made before, and as a step of training."""
    at = Point(any_network(random), random)
    module, x = symprop.compile(at.derivation, optimizer="sgd"), taken(at.x)
    options: dict[str, Any] = {"masks": at.masks} if at.masks else {}
    found = module.loss_and_grads(at.params, x, at.y, **options)
    right = at.step()
    state, half = module.init_state(at.params), 0.5
    loss = module.train_step(state, x, at.y, lr=half, **options)
    ways = {
        "a call": module.loss_and_grads(at.params, x, at.y, **options),
        "a call before others": found,
        "in a workspace": module.loss_and_grads(at.params, x, at.y, module.make_workspace(3), **options),
        "a step made before": module.make_step(at.params, 3)(x, at.y, **options),
        "training": (loss, {name: (value - state["params"][name]) / half for name, value in at.params.items()}),
    }
    wrong = (f"{way}: {said}" for way, each in ways.items() if (said := apart(each, right)))
    return at.text, next(wrong, "")


def as_a_layer(random: Random) -> tuple[str, str]:
    """The gradients that PyTorch's own way back leaves in a network's layer, and those of the fast module."""
    import torch

    from tests.against_torch import tensors

    at = Point(any_network(random), random)
    layer = symprop.compile(at.derivation, target="torch").Network(tensors(at.params))
    options: dict[str, Any] = {"masks": tensors(at.masks)} if at.masks else {}
    loss = layer(taken(tensors(at.x)), torch.as_tensor(at.y), **options)
    loss.backward()
    grads = {name: each.grad.numpy() for name, each in layer.named_parameters()}
    return at.text, apart((loss.item(), grads), at.step())


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
    (
        "ways to make a step",
        "Of all networks, a step is the same by a call, in a workspace, made before, and as one of training by SGD.",
        ways_to_step,
        1,
        60,
        (),
    ),
    ("fast and to read", "Of all networks, both modules have the same numbers.", on("read"), 1, 60, ()),
    ("fast and numba", "Of all networks, the module with loops has the same numbers.", on("numba"), 1, 40, ("numba",)),
    ("fast and JAX", "Of all networks, JAX's module has the same numbers.", on("jax"), 1, 60, ("jax",)),
    ("fast and PyTorch", "Of all networks, PyTorch's module has the same numbers.", on("torch"), 1, 60, ("torch",)),
    (
        "fast and PyTorch's layer",
        "Of all networks, PyTorch's way back through the module as a layer leaves the same gradients.",
        as_a_layer,
        1,
        60,
        ("torch",),
    ),
)
MEASURES = tuple(
    Measure(name, claim, asked(relation), short, usual, 10 * usual, needs)
    for name, claim, relation, short, usual, needs in ROWS
)
