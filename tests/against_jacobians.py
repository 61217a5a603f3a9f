"""Matrices of curvature against those built of a framework's own Jacobian of the outputs, in float64.

`J` is the whole Jacobian of a batch's outputs with respect to all parameters, a row for each number of an output, by
PyTorch or JAX of the second reader's forward pass. Of it and of derivatives of the loss at the outputs alone are built,
by their definitions and with no structure used: `J' H J`, Fisher matrices by enumeration of what a model may draw,
inner products of gradients (the tangent kernel), and blocks for a weight. Norms are those of batches of one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import against_jax
import against_torch
import numpy as np
from against_frameworks import apart, drawn_point
from network_reference import Array, Network
from random_networks import SIZES, taken
from random_ways import CURVATURE, Way, with_numbers

import symprop
from symprop.codegen.case import Case

SHARED = re.compile(r"tied|Repeat|Input\(\w+, \w+[,)]|flatten")
"""What makes a weight read more than once, or at several places, so that its block is no product."""
DRAWN = {"SoftmaxCrossEntropy": "classes", "BinaryCrossEntropy": "bits"}
"""Losses whose targets can be enumerated."""


def are_drawn(read: Network) -> bool:
    """Whether the targets are drawn from a model whose Fisher matrix has another definition, by what it may draw."""
    loss = read.ends[0]
    plain = not loss.positional and not set(loss.keywords) - {"positions", "from_logits"}
    return plain and not read.mask and loss.name in (*DRAWN, "MeanSquaredError")


def has_factors(text: str) -> bool:
    """Whether each block of an example's Fisher matrix is one Kronecker product: no weight is read in two places."""
    return not SHARED.search(text) and are_drawn(Network(text, SIZES))


@dataclass
class Scene:
    """A network without its penalties at a point, for all questions about it.

    `J` has a row for each number of each example's output, and a column for each number of a parameter.
    """

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

    @cached_property
    def _found(self) -> tuple[Array, Mapping[str, Array]]:
        found, slopes = (_by_jax if self.engine == "jax" else _by_torch)(self)
        return np.asarray(found), slopes

    @property
    def outputs(self) -> Array:
        """The outputs, an example in each row of an array."""
        return self._found[0]

    @cached_property
    def J(self) -> Array:
        """The Jacobian of all outputs."""
        slopes = self._found[1]
        return np.concatenate([np.asarray(slopes[name]).reshape(self.outputs.size, -1) for name in self.params], 1)

    def slope(self, y: Array | None = None) -> Array:
        """Return the slope of the loss with respect to all outputs, at other targets if they are given."""
        import torch

        with self._of_outputs(self.y if y is None else y) as (given, loss):
            return torch.autograd.grad(loss(given), given)[0].numpy().ravel()

    @cached_property
    def hessian(self) -> Array:
        """The Hessian of the loss with respect to all outputs."""
        import torch

        with self._of_outputs(self.y) as (given, loss):
            found = torch.autograd.functional.hessian(loss, given)
        return found.numpy().reshape(given.numel(), given.numel())

    @contextmanager
    def _of_outputs(self, y: Array) -> Iterator[tuple[Any, Callable[[Any], Any]]]:
        """The outputs as a tensor, and the loss of such a tensor."""
        import torch

        with against_torch.in_float64():
            read = against_torch.reference().Network(self.plain, SIZES)
            x, targets = against_torch.tensors(self.x), torch.as_tensor(y)

            def loss(f: Any) -> Any:
                read.output = lambda params, value: f
                return read.loss({}, x, targets, {})

            yield torch.tensor(self.outputs, requires_grad=True), loss

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

    @cached_property
    def expected(self) -> Array | None:
        """The mean of `g g'` over the targets that the model may draw, `g` the slope at all outputs.

        Positions of a sequence count as examples, and `g` at one depends on the target there alone. None where the
        targets are not drawn.
        """
        if not are_drawn(self.read):
            return None
        if self.loss.name == "MeanSquaredError":  # normal with the variance that makes it so: no target is read
            return self.hessian
        drawn = DRAWN[self.loss.name]
        whole, width = np.zeros((self.outputs.size, self.outputs.size)), self.outputs.shape[-1]
        share = self.count if self.loss.get(9, "positions") == "sum" else self.outputs.size // width
        for chances, y in _choices(_probabilities(self.outputs, drawn, self.read.maker, self.loss), drawn):
            slopes = self.slope(y).reshape(-1, width)
            for place, (chance, g) in enumerate(zip(chances.ravel(), slopes, strict=True)):
                here = slice(place * width, (place + 1) * width)
                whole[here, here] += share * chance * np.outer(g, g)
        return whole


def _probabilities(outputs: Array, drawn: str, maker: str, loss: Any) -> Array:
    if drawn == "classes":
        return outputs if maker == "Softmax" else np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
    logits = loss.get(0, "from_logits")
    is_logit = maker != "Sigmoid" if logits is None else logits
    return 1 / (1 + np.exp(-outputs)) if is_logit else outputs


def _choices(p: Array, drawn: str) -> Iterator[tuple[Array, Array]]:
    """Yield each choice of the model, the same at all places, with its chance at each."""
    width = p.shape[-1]
    if drawn == "classes":
        yield from ((p[..., k], np.broadcast_to(np.eye(width)[k], p.shape).copy()) for k in range(width))
        return
    for bits in map(np.array, product((0.0, 1.0), repeat=width)):
        yield np.prod(np.where(bits == 1, p, 1 - p), axis=-1), np.broadcast_to(bits, p.shape).copy()


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
    J, random = scene.J, np.random.default_rng(1)
    v = {each: random.standard_normal(value.shape) for each, value in scene.params.items()}
    found = getattr(module, name)(scene.params, taken(scene.x), scene.y, v, **options)
    right = scene.parted(J.T @ (inner @ (J @ scene.flat(v))))
    more = scene.penalty(v) if penalty else {each: np.zeros_like(value) for each, value in v.items()}
    return apart(found, {each: right[each] + more[each] for each in right})


def gauss_newton(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The product with `J' H J`, penalties as they are."""
    return _product(scene, module, "gnvp", options, scene.hessian, True)


def fisher(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The product with the Fisher matrix of what the model draws."""
    inner = scene.expected
    return None if inner is None else _product(scene, module, "fisher_vp", options, inner, False)


def empirical(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The product with the mean of `g g'` over examples."""
    if scene.read.mask or {"ignore", "weights"} & set(scene.loss.keywords):
        return None  # examples do not count alike
    slope = scene.slope().reshape(scene.count, -1)
    inner = np.zeros((slope.size, slope.size))
    width = slope.shape[1]
    for number, each in enumerate(slope):
        here = slice(number * width, (number + 1) * width)
        inner[here, here] = scene.count * np.outer(each, each)
    return _product(scene, module, "empirical_fisher_vp", options, inner, False)


def norms(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The norm of the gradient of each example, which is a batch of one."""
    found = module.per_example_norms(scene.params, taken(scene.x), scene.y, **options)
    wanted = [np.linalg.norm(scene.flat(one)) for one in _one_by_one(scene)]
    return apart({"norms": found}, {"norms": np.array(wanted)})


def clipped(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """The mean of the gradients of batches of one, each clipped to the smallest norm and a half."""
    grads = [scene.flat(one) for one in _one_by_one(scene)]
    norms = [np.linalg.norm(each) for each in grads]
    bound = 1.5 * float(min(norms))
    if not bound:
        return None
    found = module.clipped_grads(scene.params, taken(scene.x), scene.y, bound, **options)
    wanted = [min(1.0, bound / norm) * each for norm, each in zip(norms, grads, strict=True)]
    return apart(found, scene.parted(np.mean(wanted, axis=0)))


def _one_by_one(scene: Scene) -> list[Any]:
    """Return the gradients of batches of one, by PyTorch."""
    each = [scene.rows(number) for number in range(scene.count)]
    return [against_torch.loss_and_grads(one.text, SIZES, one.x, one.y, one.masks)(one.params)[1] for one in each]


def kernel(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """Inner products of the gradients of the outputs of two batches: all, and all but the first."""
    if options:
        return None  # masks: the output is random
    rest = {name: values[1:] for name, values in scene.x.items()}
    found = np.asarray(module.tangent_kernel(scene.params, taken(scene.x), taken(rest if scene.count > 1 else scene.x)))
    parts = scene.J.reshape(scene.count, -1, scene.J.shape[1])
    right = np.einsum("iap,jbp->ijab", parts, parts[1:] if scene.count > 1 else parts)
    return apart({"kernel": found.reshape(right.shape)}, {"kernel": right})


def factors(scene: Scene, module: Any, options: Mapping[str, Any]) -> list[str] | None:
    """K-FAC's factors of one example: their product is the block of a weight of vectors, D the diagonal of others'."""
    if not are_drawn(scene.read) or getattr(module, "STATISTICS", None):
        return None
    one = scene.rows(0)
    masks = {"masks": one.masks} if options else {}
    found, block = module.kfac(one.params, taken(one.x), one.y, **masks), one.J.T @ one.expected @ one.J
    parts, wrong = scene.parted(np.arange(one.J.shape[1])), list[str]()
    for name, (first, *more) in found.items():
        if not more:
            wrong += apart({name: first}, {name: np.diagonal(block)[parts[name]]})
        elif has_factors(scene.text) and more[0].ndim == 2:  # how often each id stands is no matrix
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
    "clipped gradients": ("clipped_grads", clipped),
    "tangent kernel": ("tangent_kernel", kernel),
    "K-FAC": ("kfac", factors),
}
"""What is asked: the function of a module, and what compares it, or tells None where there is nothing to compare."""


def answers(text: str, way: Way, asked: Iterable[str] = QUESTIONS, engine: str = "torch") -> dict[str, list[str]]:
    """Return what is wrong with each answer about curvature that a network has, and that there is a definition for."""
    read, found = Network(text, SIZES), dict[str, list[str]]()
    if not read.parameters or read.truncated:
        return found
    params, x, y, masks = drawn_point(text, way)
    case = Case(with_numbers(text), "rows", evaluation=way.evaluation)
    scene = Scene(text, params, x, y, masks, engine)
    for question in asked:
        name, compare = QUESTIONS[question]
        try:
            module = case.at(question=name, target=CURVATURE[way.form]).module
        except symprop.SpecError:
            continue
        if (wrong := compare(scene, module, {"masks": masks} if masks else {})) is not None:
            found[question] = wrong
    return found
