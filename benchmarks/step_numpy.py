"""Forward and backward passes written by hand in NumPy, for `benchmarks/steps.py`: plain, tuned, and products alone.

Each function takes the layers of a network and returns `step(params, x, y)`, which returns the loss and its gradients.
`naive` is what one writes first: an expression for each equation, a new array for each. `tuned` is what one writes
when time matters: every array is made beforehand, every operation writes where its result belongs. `products` has the
matrix products of `tuned` and nothing else, so its time is what the BLAS library alone needs; it returns no gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Step = Callable[[dict[str, Any], Any, Any], tuple[Any, Any]]
"""(params, x, y) -> (loss, gradients by name)."""


@dataclass(frozen=True)
class Layer:
    """A dense layer and what follows it: "tanh", "relu", or "" for the last; in a residual block its input is added."""

    inputs: int
    outputs: int
    activation: str = ""
    residual: bool = False


def numbered(layers: tuple[Layer, ...]) -> Iterator[tuple[str, str, Layer]]:
    """Yield the names of the weight and the bias of each layer, and the layer.

    >>> [names for *names, _ in numbered((Layer(2, 3, "tanh"), Layer(3, 2)))]
    [['W1', 'b1'], ['W2', 'b2']]
    """
    for number, layer in enumerate(layers, 1):
        yield f"W{number}", f"b{number}", layer


def naive(layers: tuple[Layer, ...], embedding: tuple[int, int, int] | None) -> Step:
    """Return a step in plain expressions, in the dtype of the parameters."""
    plan = tuple(numbered(layers))

    def step(params: dict[str, Any], x: Any, y: Any) -> tuple[Any, dict[str, Any]]:
        m = len(x)
        a = x if embedding is None else params["E1"][x].reshape(m, -1)
        inputs, values = [], []
        for weight, bias, layer in plan:
            inputs.append(a)
            z = a @ params[weight].T + params[bias]
            f = np.tanh(z) if layer.activation == "tanh" else np.maximum(z, 0) if layer.activation == "relu" else z
            values.append(f)
            a = a + f if layer.residual else f
        shifted = a - a.max(axis=1, keepdims=True)
        exps = np.exp(shifted)
        totals = exps.sum(axis=1, keepdims=True)
        rows = np.arange(m)
        loss = np.mean(np.log(totals[:, 0]) - shifted[rows, y])

        grads = {}
        da = exps / totals
        da[rows, y] -= 1
        da = da / m
        for (weight, bias, layer), a, f in zip(reversed(plan), reversed(inputs), reversed(values), strict=True):
            slope = 1 - f**2 if layer.activation == "tanh" else f > 0 if layer.activation == "relu" else None
            delta = da if slope is None else da * slope
            grads[weight] = delta.T @ a
            grads[bias] = delta.sum(axis=0)
            if weight != "W1" or embedding is not None:
                da = delta @ params[weight] + da if layer.residual else delta @ params[weight]
        if embedding is not None:
            grads["E1"] = np.zeros_like(params["E1"])
            np.add.at(grads["E1"], x, da.reshape(*x.shape, -1))
        return loss, grads

    return step


@dataclass(frozen=True)
class Arrays:
    """The arrays of one layer, made beforehand: what it computes, the gradients of its weight and bias, the adjoints.

    `delta` is the adjoint of its z, and first holds the slope; `da` is the adjoint of its input.
    """

    value: np.ndarray
    output: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    delta: np.ndarray
    da: np.ndarray
    product: Callable[..., np.ndarray]


def product_of(layer: Layer, batch: int) -> Callable[..., np.ndarray]:
    """Return the faster of two: `np.dot` is called faster, `np.matmul` does not fill its result with zeros first."""
    return np.matmul if batch * layer.inputs * layer.outputs > 2**20 else np.dot


def arrays_of(layer: Layer, batch: int) -> Arrays:
    """Return the arrays that `tuned` needs for a layer; an output is its value unless an input is added to it."""
    outside = np.empty((batch, layer.outputs), np.float32)
    return Arrays(
        value=outside,
        output=np.empty_like(outside) if layer.residual else outside,
        weight=np.empty((layer.outputs, layer.inputs), np.float32),
        bias=np.empty(layer.outputs, np.float32),
        delta=np.empty_like(outside),
        da=np.empty((batch, layer.inputs), np.float32),
        product=product_of(layer, batch),
    )


def tuned(layers: tuple[Layer, ...], embedding: tuple[int, int, int] | None, batch: int) -> Step:
    """Return a step that allocates no array of the size of a layer; the gradients are overwritten by the next call.

    What was measured to be faster: sums as products by ones, the largest of each row from a transposed copy, the slope
    of a ReLU in floats, and the gradient of a table as a product by rows of the identity.
    """
    plan = tuple((weight, bias, layer, arrays_of(layer, batch)) for weight, bias, layer in numbered(layers))
    backward = tuple(reversed(plan))
    classes = layers[-1].outputs
    zero, one, share = np.float32(0), np.array(1, np.float32), np.array(1 / batch, np.float32)
    ones = np.ones(batch, np.float32)
    starts, chosen = np.arange(batch) * classes, np.empty(batch, np.int64)
    columns, tops = np.empty((classes, batch), np.float32), np.empty(batch, np.float32)
    units, totals = np.ones((classes, 1), np.float32), np.empty((batch, 1), np.float32)
    logs, picked = np.empty((batch, 1), np.float32), np.empty(batch, np.float32)
    grads = {weight: own.weight for weight, _, _, own in plan} | {bias: own.bias for _, bias, _, own in plan}
    if embedding is not None:
        places, ids, width = embedding
        grads["E1"] = table = np.empty((ids, width), np.float32)
        looked_up = np.empty((batch, places * width), np.float32)
        hot, identity = np.empty((batch * places, ids), np.float32), np.eye(ids, dtype=np.float32)

    def step(params: dict[str, Any], x: Any, y: Any) -> tuple[Any, dict[str, Any]]:
        a = x
        if embedding is not None:
            np.take(params["E1"], x, axis=0, out=looked_up.reshape(batch, places, width), mode="clip")
            a = looked_up
        first = a
        for weight, bias, layer, own in plan:
            z = own.product(a, params[weight].T, own.value)
            np.add(z, params[bias], out=z)
            if layer.activation == "tanh":
                np.tanh(z, out=z)
            elif layer.activation == "relu":
                np.maximum(z, zero, out=z)
            a = np.add(z, a, out=own.output) if layer.residual else z
        np.copyto(columns, a.T)
        np.subtract(a, np.maximum.reduce(columns, axis=0, out=tops)[:, None], out=a)
        np.add(starts, y, out=chosen)
        np.take(a.ravel(), chosen, out=picked, mode="clip")
        np.exp(a, out=a)
        np.dot(a, units, out=totals)
        loss = (np.add.reduce(np.log(totals, out=logs), axis=None) - np.add.reduce(picked)) / batch
        p = np.divide(a, totals, out=a)
        p.ravel()[chosen] -= one
        da = np.multiply(p, share, out=p)

        for number, (weight, _, layer, own) in enumerate(backward, 1):
            a = plan[-number - 1][3].output if number < len(plan) else first
            delta = da
            if layer.activation == "tanh":
                slope = np.subtract(one, np.multiply(own.value, own.value, out=own.delta), out=own.delta)
                delta = np.multiply(da, slope, out=slope)
            elif layer.activation == "relu":
                slope = np.greater(own.value, zero, out=own.delta, casting="unsafe")
                delta = np.multiply(da, slope, out=slope)
            own.product(delta.T, a, own.weight)
            np.dot(ones, delta, out=own.bias)
            if number < len(plan) or embedding is not None:
                flow = own.product(delta, params[weight], own.da)
                da = np.add(flow, da, out=flow) if layer.residual else flow
        if embedding is not None:
            np.take(identity, x.ravel(), axis=0, out=hot, mode="clip")
            np.dot(hot.T, da.reshape(-1, width), out=table)
        return loss, grads

    return step


def products(layers: tuple[Layer, ...], embedding: tuple[int, int, int] | None, batch: int) -> Step:
    """Return the matrix products of a step alone, on arrays of random numbers; without a loss and gradients."""
    random = np.random.default_rng(0)
    plan = tuple((weight, arrays_of(layer, batch)) for weight, _, layer in numbered(layers))
    for _, own in plan:
        for values in (own.value, own.delta, own.da):
            values[...] = random.normal(size=values.shape)
    start = 0 if embedding is not None else 1
    first = np.random.default_rng(1).normal(size=(batch, layers[0].inputs)).astype(np.float32)
    inputs = [first, *(np.ascontiguousarray(own.delta) for _, own in plan[:-1])]

    def step(params: dict[str, Any], x: Any, y: Any) -> tuple[float, dict[str, Any]]:
        for (weight, own), a in zip(plan, inputs, strict=True):
            own.product(a, params[weight].T, own.value)
        for number in range(len(plan) - 1, -1, -1):
            weight, own = plan[number]
            own.product(own.delta.T, inputs[number], own.weight)
            if number >= start:
                own.product(own.delta, params[weight], own.da)
        return 0.0, {}

    return step
