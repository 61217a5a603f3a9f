"""Random networks against JAX and PyTorch: loss and all gradients in float64, of the module to read and the fast one.

Both differentiate a forward pass that shares no code with symprop: see `against_jax.py` and `against_torch.py`. So
formulas, code and certificate meet a derivative that none of them made. A few dozen run in every test run where both
are installed, and more by

    python tests/against_frameworks.py --engine jax torch --count 2000

`--question hvp` asks the product of the Hessian with a random direction in place of the gradients.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import against_jax
import against_torch
import numpy as np
from network_reference import Network
from random_networks import SIZES, drawn, dropped, point, taken

import symprop

ENGINES: dict[str, Sequence[Callable[..., tuple[float, Mapping[str, Any]]]]] = {
    "jax": (partial(against_jax.loss_and_grads, options=against_jax.QUICK), against_jax.loss_and_grads),
    "torch": (against_torch.loss_and_grads,),
}
"""How each is asked; where a value differs, in the next way too, since a compiler in a hurry may be wrong itself."""
PRODUCTS: dict[str, Sequence[Callable[..., Mapping[str, Any]]]] = {
    "jax": (partial(against_jax.hessian_product, options=against_jax.QUICK), against_jax.hessian_product),
    "torch": (against_torch.hessian_product,),
}
"""The same for products of the Hessian with a direction."""
FORMS = ("read", "fast")
"""The module to read, and the fast one."""
CLOSE = 1e-10
"""How far two right values may be apart, of the largest: both round in float64, in sums of at most a few thousand."""


def drawn_point(text: str) -> tuple[symprop.Network, tuple[Any, ...], dict[str, Any]]:
    """Return a network with numbers for its sizes, all that a framework is given, and the masks that a module takes."""
    names = symprop.parse_network(text)
    counted = names.with_sizes({name: SIZES[name] for name in names.sizes if name in SIZES})
    numeric = counted.with_sizes({name: SIZES[name] for name in counted.sizes})
    read = Network(text, SIZES)
    random = np.random.default_rng(0)
    params, x, y = point(read, random)
    masks = dropped(read, random)
    return numeric, (text, SIZES, params, x, y, masks), {"masks": masks} if masks else {}


def problems(
    text: str, engines: Sequence[str] = ("jax",), forms: Sequence[str] = ("fast",), target: str = "numpy"
) -> list[str]:
    """Return where loss and gradients of symprop's modules are not those of a framework, at a random point."""
    numeric, problem, options = drawn_point(text)
    params, x, y = problem[2:5]
    asked = {engine: [cache(partial(way, *problem)) for way in ENGINES[engine]] for engine in engines}
    found, derivation = [], symprop.derive(numeric, layout="rows")
    for form in forms:
        module = symprop.compile(derivation, target=target, fast=form == "fast" if target == "numpy" else None)
        given = params if target != "torch" else against_torch.tensors(params)
        loss, grads = module.loss_and_grads(given, taken(x), y, **options)
        for engine, ways in asked.items():
            off: list[str] = []
            for way in ways:
                if not (off := differences(float(loss), grads, *way())):
                    break
            found += [f"{form}, {engine}: {each}" for each in off]
    return found


def wrong_products(
    text: str, engines: Sequence[str] = ("jax",), forms: Sequence[str] = ("fast",), target: str = "numpy"
) -> list[str]:
    """Return where the product of the Hessian with a random direction is not that of a framework.

    Where backpropagation is truncated there is none, and that has to be told.
    """
    numeric, problem, options = drawn_point(text)
    if Network(text, SIZES).truncated:
        return [] if is_refused(symprop.derive(numeric, layout="rows").hvp) else ["a Hessian where gradients stop"]
    params, x, y = problem[2:5]
    random = np.random.default_rng(1)
    v = {name: random.standard_normal(value.shape) for name, value in params.items()}
    turned = against_torch.tensors if target == "torch" else dict
    asked = {engine: [cache(partial(way, *problem, v)) for way in PRODUCTS[engine]] for engine in engines}
    found = []
    for form in forms:
        module = symprop.compile(numeric, target=target, fast=form == "fast" if target == "numpy" else None)
        product = module.hvp(turned(params), taken(x), y, turned(v), **options)
        for engine, ways in asked.items():
            off: list[str] = []
            for way in ways:
                if not (off := apart(product, way())):
                    break
            found += [f"{form}, {engine}, Hessian product: {each}" for each in off]
    return found


def is_refused(ask: Callable[[], object]) -> bool:
    """Whether a question is answered by saying that a network has no such thing."""
    try:
        ask()
    except symprop.SpecError:
        return True
    return False


QUESTIONS = {"gradients": problems, "hvp": wrong_products}


def differences(loss: float, grads: Mapping[str, Any], right: float, slopes: Mapping[str, Any]) -> list[str]:
    """Return where a loss and its gradients are not the right ones."""
    found = [] if abs(loss - right) <= CLOSE * (1 + abs(right)) else [f"loss {loss}, not {right}"]
    return [*found, *apart(grads, slopes)]


def apart(grads: Mapping[str, Any], slopes: Mapping[str, Any]) -> list[str]:
    """Return which arrays are not the right ones."""
    found = []
    if sorted(grads) != sorted(slopes):
        return [*found, f"gradients of {list(grads)}, not of {list(slopes)}"]
    largest = max(float(np.abs(slope).max()) for slope in slopes.values())
    for name, slope in slopes.items():
        off = float(np.abs(np.asarray(grads[name]) - np.asarray(slope)).max())
        if not off <= CLOSE * (1 + largest):
            found.append(f"d{name} is off by {off:.1e}, of {largest:.1e}")
    return found


def main() -> None:
    """Draw and check networks, and print those that differ."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first network")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--question", choices=QUESTIONS, default="gradients")
    parser.add_argument("--form", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--places", action="store_true", help="networks with convolutions and pools")
    parser.add_argument("--transformers", action="store_true", help="transformers in their place")
    parser.add_argument("--recurrent", action="store_true", help="recurrent networks in their place")
    parser.add_argument("--target", default="numpy", help="whose module; of another than numpy there is one form")
    options = parser.parse_args()
    start, bad = time.perf_counter(), 0
    for number in range(options.first, options.first + options.count):
        random = np.random.default_rng([options.seed, number])
        text = drawn(random, options)
        forms = options.form if options.target == "numpy" else FORMS[:1]
        for problem in QUESTIONS[options.question](text, options.engine, forms, options.target):
            bad += 1
            print(f"{number}: {text}\n    {problem}", flush=True)
    seconds = time.perf_counter() - start
    print(f"{options.count} networks in {seconds:.0f} s, {bad} problems", flush=True)


if __name__ == "__main__":
    sys.exit(main())
