"""Matrices of curvature against those built of a framework's own Jacobian of the outputs, in float64.

`J` is the whole Jacobian of a batch's outputs with respect to all parameters, a row for each number of an output, by
PyTorch or JAX of the second reader's forward pass. Of it and of derivatives of the loss at the outputs alone are built,
by their definitions and with no structure used: `J' H J`, Fisher matrices by enumeration of what a model may draw,
inner products of gradients (the tangent kernel), and blocks for a weight. Norms are those of batches of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import against_jax
import against_torch
import numpy as np
from against_frameworks import apart, drawn_point
from network_reference import Array, Network
from random_networks import SIZES, taken
from random_ways import MODULES, Way, with_numbers

import symprop

SHARED = re.compile(r"tied|Repeat|Input\(\w+, |flatten|Concatenate|Multiply|Sum|GLU|Highway|Embedding")
"""What makes a weight read more than once, or at several places, so that its block is no product."""
DRAWN = {"SoftmaxCrossEntropy": "classes", "BinaryCrossEntropy": "bits"}
"""Losses whose targets can be enumerated."""


@dataclass
class Scene:
    """A network without its penalties at a point; `J` has a row for each number of each example's output."""

    text: str
    params: dict[str, Array]
    x: dict[str, Array]
    y: Array
    masks: dict[str, Array]
    engine: str

    def __post_init__(self) -> None:
        self.plain = re.split(r" \+ L[12]\(", self.text)[0]
        self.read = Network(self.text, SIZES)
        self.count = len(self.y)

    @property
    def loss(self) -> Any:
        """The last layer, as it is called."""
        return self.read.ends[0]

    def rows(self, number: int) -> Scene:
        """Return the scene of one example."""

        def one(batch: Mapping[str, Array]) -> dict[str, Array]:
            return {name: values[number : number + 1] for name, values in batch.items()}

        return Scene(self.text, self.params, one(self.x), self.y[number : number + 1], one(self.masks), self.engine)

    def jacobian(self) -> tuple[Array, Array]:
        """Return the outputs, an example in each row of an array, and `J`."""
        found, slopes = (_by_jax if self.engine == "jax" else _by_torch)(self)
        outputs = np.asarray(found)
        return outputs, np.concatenate([np.asarray(slopes[name]).reshape(outputs.size, -1) for name in self.params], 1)

    def at_outputs(self, outputs: Array, y: Array | None = None) -> tuple[Array, Array]:
        """Return slope and Hessian of the loss with respect to all outputs, at other targets if they are given."""
        import torch

        with against_torch.in_float64():
            read = against_torch.reference().Network(self.plain, SIZES)
            given = torch.tensor(outputs, requires_grad=True)
            x = against_torch.tensors(self.x)

            def loss(f: Any) -> Any:
                read.output = lambda params, value: f
                return read.loss({}, x, torch.as_tensor(self.y if y is None else y), {})

            slope = torch.autograd.grad(loss(given), given)[0].numpy().ravel()
            hessian = torch.autograd.functional.hessian(loss, given).numpy().reshape(outputs.size, outputs.size)
        return slope, hessian

    def penalty(self, v: Mapping[str, Array]) -> dict[str, Array]:
        """Return the Hessian of the penalties times a direction."""
        found = {name: np.zeros_like(value) for name, value in v.items()}
        for each in self.read.ends[1:]:
            if each.name == "L2":
                for name in found:
                    if any(value is self.params[name] for value in self.read.chosen(self.params, each)):
                        found[name] = found[name] + each.get(0, "coefficient") * v[name]
        return found

    def flat(self, values: Mapping[str, Array]) -> Array:
        """Return arrays for all parameters in one row."""
        return np.concatenate([np.ravel(values[name]) for name in self.params])

    def parted(self, flat: Array) -> dict[str, Array]:
        """Return the part of each parameter."""
        ends = np.cumsum([value.size for value in self.params.values()])[:-1]
        parts = zip(self.params.items(), np.split(flat, ends), strict=True)
        return {name: part.reshape(value.shape) for (name, value), part in parts}

    def expected(self, outputs: Array) -> Array | None:
        """Return the mean of `g g'` over the targets that the model may draw, `g` the slope at all outputs.

        Positions of a sequence count as examples. None where the targets are not drawn.
        """
        hessian = self.at_outputs(outputs)[1]
        if self.loss.name == "MeanSquaredError":  # normal with the variance that makes it so: no target is read
            return hessian
        drawn, options = DRAWN.get(self.loss.name), set(self.loss.keywords) - {"positions", "from_logits"}
        if drawn is None or options or self.loss.positional:
            return None
        p = _probabilities(outputs, drawn, self.read.maker, self.loss)
        whole = np.zeros_like(hessian)
        width = outputs.shape[-1]
        places = outputs.size // width
        share = self.count if self.loss.get(9, "positions") == "sum" else places
        for place in range(places):
            here = slice(place * width, (place + 1) * width)
            for chance, y in _choices(p.reshape(-1, width)[place], drawn):
                targets = np.array(self.y, dtype=float)
                targets.reshape(-1, width)[place] = y
                g = self.at_outputs(outputs, targets)[0][here]
                whole[here, here] += share * chance * np.outer(g, g)
        return whole


def _probabilities(outputs: Array, drawn: str, maker: str, loss: Any) -> Array:
    if drawn == "classes":
        return outputs if maker == "Softmax" else np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
    logits = loss.get(0, "from_logits")
    is_logit = maker != "Sigmoid" if logits is None else logits
    return 1 / (1 + np.exp(-outputs)) if is_logit else outputs


def _choices(p: Array, drawn: str) -> Iterator[tuple[float, Array]]:
    if drawn == "classes":
        yield from ((p[k], np.eye(len(p))[k]) for k in range(len(p)))
        return
    for bits in product((0.0, 1.0), repeat=len(p)):
        yield float(np.prod(np.where(np.array(bits) == 1, p, 1 - p))), np.array(bits)


def _by_torch(scene: Scene) -> tuple[Any, dict[str, Array]]:
    import torch

    with against_torch.in_float64():
        read = against_torch.reference().Network(scene.text, SIZES)
        given = {name: torch.tensor(value, requires_grad=True) for name, value in scene.params.items()}
        x, masks = against_torch.tensors(scene.x), against_torch.tensors(scene.masks)
        outputs = read.output({**given, **masks, **{f"input {name}": x[name] for name in x}}, read.first(x))
        slopes: dict[str, list[Array]] = {name: [] for name in given}
        for each in outputs.reshape(-1):
            found = torch.autograd.grad(each, list(given.values()), retain_graph=True, allow_unused=True)
            for (name, value), slope in zip(given.items(), found, strict=True):
                slopes[name].append(np.zeros(value.shape) if slope is None else slope.numpy())
        return outputs.detach().numpy(), {name: np.stack(each) for name, each in slopes.items()}


def _by_jax(scene: Scene) -> tuple[Any, dict[str, Array]]:
    import jax

    read = against_jax.reference().Network(scene.text, SIZES)
    x, masks = against_jax.arrays((scene.x, scene.masks))

    def output(params: Any) -> Any:
        return read.output({**params, **masks, **{f"input {name}": x[name] for name in x}}, read.first(x))

    both = jax.jit(lambda params: (output(params), jax.jacrev(output)(params)), compiler_options=against_jax.QUICK)
    found: tuple[Any, dict[str, Array]] = both(against_jax.arrays(scene.params))
    return found


# ---------------------------------------------------------------- questions


def _product(
    scene: Scene, module: Any, name: str, options: Mapping[str, Any], inner: Array, penalty: bool
) -> list[str]:
    """Compare the product with a matrix `J' inner J`, and the penalties' Hessian, along a random direction."""
    _, J = scene.jacobian()
    random = np.random.default_rng(1)
    v = {each: random.standard_normal(value.shape) for each, value in scene.params.items()}
    found = getattr(module, name)(scene.params, taken(scene.x), scene.y, v, **options)
    right = scene.parted(J.T @ (inner @ (J @ scene.flat(v))))
    more = scene.penalty(v) if penalty else {each: np.zeros_like(value) for each, value in v.items()}
    return apart(found, {each: right[each] + more[each] for each in right})


def gauss_newton(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The product with `J' H J`, penalties as they are."""
    outputs, _ = scene.jacobian()
    return _product(scene, module, "gnvp", options, scene.at_outputs(outputs)[1], True)


def fisher(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The product with the Fisher matrix of what the model draws."""
    outputs, _ = scene.jacobian()
    inner = None if scene.read.mask else scene.expected(outputs)
    return None if inner is None else _product(scene, module, "fisher_vp", options, inner, False)


def empirical(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The product with the mean of `g g'` over examples."""
    if scene.read.mask or {"ignore", "weights"} & set(scene.loss.keywords):
        return None  # examples do not count alike
    outputs, _ = scene.jacobian()
    slope = scene.at_outputs(outputs)[0].reshape(scene.count, -1)
    inner = np.zeros((outputs.size, outputs.size))
    width = slope.shape[1]
    for number, each in enumerate(slope):
        here = slice(number * width, (number + 1) * width)
        inner[here, here] = scene.count * np.outer(each, each)
    return _product(scene, module, "empirical_fisher_vp", options, inner, False)


def norms(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The norm of the gradient of each example, which is a batch of one."""
    found = module.per_example_norms(scene.params, taken(scene.x), scene.y, **options)
    ask = against_torch.loss_and_grads
    each = [scene.rows(number) for number in range(scene.count)]
    grads = [ask(one.text, SIZES, one.x, one.y, one.masks)(one.params)[1] for one in each]
    return apart({"norms": found}, {"norms": np.array([np.linalg.norm(scene.flat(one)) for one in grads])})


def kernel(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """Inner products of the gradients of the outputs of two batches: all, and all but the first."""
    if options:
        return None  # masks: the output is random
    _, J = scene.jacobian()
    rest = {name: values[1:] for name, values in scene.x.items()}
    found = np.asarray(module.tangent_kernel(scene.params, taken(scene.x), taken(rest if scene.count > 1 else scene.x)))
    parts = J.reshape(scene.count, -1, J.shape[1])
    right = np.einsum("iap,jbp->ijab", parts, parts[1:] if scene.count > 1 else parts)
    return apart({"kernel": found.reshape(right.shape)}, {"kernel": right})


def factors(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """K-FAC's factors of one example: of a weight of vectors their product is its block, of others D is the diagonal."""
    one = scene.rows(0)
    outputs, J = one.jacobian()
    if (inner := one.expected(outputs)) is None or getattr(module, "STATISTICS", None):
        return None
    masks = {"masks": one.masks} if options else {}
    found, block = module.kfac(one.params, taken(one.x), one.y, **masks), J.T @ inner @ J
    parts, wrong = scene.parted(np.arange(J.shape[1])), list[str]()
    for name, (first, *more) in found.items():
        if not more:
            wrong += apart({name: first}, {name: np.diagonal(block)[parts[name]]})
        elif not SHARED.search(scene.text):
            rows, columns = scene.params[name].shape
            places = [parts[each].ravel() for each in [name] + [f"b{name[1:]}"] * (len(first) > columns)]
            order = np.concatenate([each.reshape(rows, -1) for each in places], 1).ravel()
            wrong += apart({name: np.kron(more[0], first)}, {name: block[np.ix_(order, order)]})
    return wrong


QUESTIONS: Mapping[str, tuple[str, Callable[[Scene, Any, Mapping[str, Any]], list[str] | None]]] = {
    "Gauss-Newton": ("gnvp", gauss_newton),
    "Fisher": ("fisher_vp", fisher),
    "empirical Fisher": ("empirical_fisher_vp", empirical),
    "norms of examples": ("per_example_norms", norms),
    "tangent kernel": ("tangent_kernel", kernel),
    "K-FAC": ("kfac", factors),
}
"""What is asked: the function of a module, and what compares it, or tells None where there is nothing to compare."""


def has_targets(text: str) -> bool:
    """Whether the targets of a network are drawn from a model whose choices can be enumerated."""
    loss, read = Network(text, SIZES).ends[0], Network(text, SIZES)
    plain = not loss.positional and not set(loss.keywords) - {"positions", "from_logits"}
    return plain and not read.mask and loss.name in (*DRAWN, "MeanSquaredError")


FITTING: Mapping[str, Callable[[str], bool]] = {
    "Fisher": has_targets,
    "K-FAC": has_targets,
}
"""Of which networks a question is asked, where that is not all."""


def wrong_curvature(text: str, question: str, way: Way, engine: str = "torch") -> list[str] | None:
    """Return what is wrong with an answer about curvature; none where the network has no such thing."""
    name, compare = QUESTIONS[question]
    if not Network(text, SIZES).parameters or Network(text, SIZES).truncated:
        return None
    params, x, y, masks = drawn_point(text, way)
    made = symprop.derive(with_numbers(text), "rows", evaluation=way.evaluation)
    module = symprop.compile(made, **MODULES[way.form])
    try:
        getattr(module, name)
    except symprop.SpecError:
        return None
    return compare(Scene(text, params, x, y, masks, engine), module, {"masks": masks} if masks else {})
