"""Random networks against JAX and PyTorch: loss, all gradients and products with the Hessian, in float64.

Both differentiate a forward pass that shares no code with symprop: see `against_jax.py` and `against_torch.py`. So
formulas, code and certificate meet a derivative that none of them made. Networks may be asked in any of the ways of
`random_ways.py`. Many of them by

    python tests/against_frameworks.py --engine jax torch --count 2000

`--question hvp` asks the product of the Hessian with a random direction in place of the gradients.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import against_jax
import against_torch
import numpy as np
from network_reference import Network
from random_networks import SIZES, drawn, dropped, point, taken
from random_ways import CURVATURE, EQUATIONS, MODULES, Found, Way, asked, derived, with_numbers

import symprop
from symprop.codegen.case import Case

Gradients = Callable[[dict[str, Any]], Found]

ENGINES: dict[str, Sequence[Callable[..., Gradients]]] = {
    "jax": (partial(against_jax.loss_and_grads, options=against_jax.QUICK), against_jax.loss_and_grads),
    "torch": (against_torch.loss_and_grads,),
}
"""How each is asked; where a value differs, in the next way too, since a compiler in a hurry may be wrong itself."""
PRODUCTS: dict[str, Sequence[Callable[..., Callable[..., Mapping[str, Any]]]]] = {
    "jax": (partial(against_jax.hessian_product, options=against_jax.QUICK), against_jax.hessian_product),
    "torch": (against_torch.hessian_product,),
}
"""The same for products of the Hessian with a direction."""
BOTH = (Way("read"), Way("fast"))
"""The module to read and the fast one, in float64."""
CLOSE = 1e-10
"""How far two right values may be apart, of the largest: both round in float64, in sums of at most a few thousand."""
UNIT, RUNS, FACTOR = 2.0**-24, 4, 64
"""Rounding in float32: parameters moved by random parts of a unit move slopes, and each operation may as much again.

A slope may be off by `FACTOR` times the largest move of `RUNS`, and by as many units of the largest slope.
"""


def drawn_point(text: str, way: Way = BOTH[0]) -> tuple[dict[str, Any], dict[str, Any], Any, dict[str, Any]]:
    """Return parameters, inputs, targets and masks for a way, as numbers of its type."""
    read, random = Network(text, SIZES), np.random.default_rng(0)
    params, x, y = point(read, random, way.batch)
    masks = dropped(read, random, way.batch)

    def typed(value: Any) -> Any:
        return value.astype(way.dtype) if value.dtype.kind == "f" else value

    params, x, masks = ({name: typed(value) for name, value in each.items()} for each in (params, x, masks))
    return params, x, typed(y), {} if way.evaluation else masks


def exact(values: Any) -> Any:
    """Return arrays in float64; ids stay."""
    if isinstance(values, dict):
        return {name: exact(value) for name, value in values.items()}
    return values.astype(float) if values.dtype.kind == "f" else values


def problems(text: str, engines: Sequence[str] = ("jax",), ways: Sequence[Way] = BOTH) -> list[str]:
    """Return where loss and gradients that symprop finds in some ways are not those of a framework, at a point."""
    found = []

    @cache
    def right(engine: str, number: int, at: Way) -> Gradients:
        _, x, y, masks = drawn_point(text, at)
        return ENGINES[engine][number](text, SIZES, exact(x), exact(y), exact(masks))

    equations = cache(partial(derived, text))
    for way in ways:
        params, x, y, masks = drawn_point(text, way)
        made = equations(way.named, way.evaluation) if way.form in MODULES else None
        loss, grads = asked(way, text, params, x, y, masks, made)
        if any(grad.dtype != way.dtype for grad in grads.values()):
            found.append(f"{way.form}: gradients are no {way.dtype}")
        for engine in engines:
            off: list[str] = []
            for number in range(len(ENGINES[engine])):
                true = right(engine, number, replace(way, form="", named=False))  # the same for modules of one point
                there, slopes = true(exact(params))
                if not np.isfinite(there) and np.isfinite([loss, largest_of(grads)]).all():
                    break  # the plain formula of the loss overflowed there: nothing to compare with
                if not (off := differences(loss, grads, there, slopes, allowed(way, true, exact(params)))):
                    break
            found += [f"{way.form}, {engine}: {each}" for each in off]
    return found


def allowed(way: Way, right: Gradients, params: dict[str, Any]) -> float:
    """Return how far values may be off, beside `CLOSE` of the largest: in float32 what its rounding moves."""
    if way.dtype == "float64":
        return 0.0
    random, (loss, slopes) = np.random.default_rng(2), right(params)
    moves = [UNIT * max(1.0, abs(loss), largest_of(slopes))]
    for _ in range(RUNS):
        near = {name: value * (1 + UNIT * random.uniform(-1, 1, value.shape)) for name, value in params.items()}
        other, turned = right(near)
        moves += [abs(other - loss), largest_of({name: turned[name] - np.asarray(slopes[name]) for name in slopes})]
    return FACTOR * max(moves)


def largest_of(values: Mapping[str, Any]) -> float:
    """Return the largest number of arrays."""
    return max(float(np.abs(value).max()) for value in values.values())


def wrong_products(text: str, engines: Sequence[str] = ("jax",), ways: Sequence[Way] = BOTH) -> list[str]:
    """Return where the product of the Hessian with a random direction is not that of a framework.

    Where backpropagation is truncated there is none, and that has to be told.
    """
    found: list[str] = []
    if Network(text, SIZES).truncated:
        refused = is_refused(symprop.derive(with_numbers(text), layout="rows").hvp)
        return [] if refused else ["a Hessian where gradients stop"]

    @cache
    def right(engine: str, number: int, at: Way) -> Callable[..., Mapping[str, Any]]:
        _, x, y, masks = drawn_point(text, at)
        return PRODUCTS[engine][number](text, SIZES, x, y, masks)

    case = cache(lambda evaluation: Case(with_numbers(text), "rows", evaluation=evaluation, question="hvp"))
    for way in ways:
        params, x, y, masks = drawn_point(text, way)
        random = np.random.default_rng(1)
        v = {name: random.standard_normal(value.shape) for name, value in params.items()}
        module = case(way.evaluation).at(target=CURVATURE.get(way.form, way.form)).module
        turned = against_torch.tensors if way.form == "torch" else dict
        product = module.hvp(turned(params), taken(x), y, turned(v), **({"masks": masks} if masks else {}))
        for engine in engines:
            off: list[str] = []
            for number in range(len(PRODUCTS[engine])):
                if not (off := apart(product, right(engine, number, replace(way, form="", named=False))(params, v))):
                    break
            found += [f"{way.form}, {engine}, Hessian product: {each}" for each in off]
    return found


def is_refused(ask: Callable[[], object]) -> bool:
    """Whether a question is answered by saying that a network has no such thing."""
    try:
        ask()
    except symprop.SpecError:
        return True
    return False


QUESTIONS = {"gradients": problems, "hvp": wrong_products}


def differences(
    loss: float, grads: Mapping[str, Any], right: float, slopes: Mapping[str, Any], more: float = 0.0
) -> list[str]:
    """Return where a loss and its gradients are not the right ones; they may be off by `more` than in float64."""
    found = [] if abs(loss - right) <= CLOSE * (1 + abs(right)) + more else [f"loss {loss}, not {right}"]
    return [*found, *apart(grads, slopes, more)]


def apart(grads: Mapping[str, Any], slopes: Mapping[str, Any], more: float = 0.0) -> list[str]:
    """Return which arrays are not the right ones."""
    found = []
    if sorted(grads) != sorted(slopes):
        return [*found, f"gradients of {list(grads)}, not of {list(slopes)}"]
    largest = largest_of(slopes)
    for name, slope in slopes.items():
        off = float(np.abs(np.asarray(grads[name]) - np.asarray(slope)).max())
        if not off <= CLOSE * (1 + largest) + more:
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
    parser.add_argument("--form", nargs="+", choices=[*MODULES, *EQUATIONS], default=["read", "fast"])
    parser.add_argument("--places", action="store_true", help="networks with convolutions and pools")
    parser.add_argument("--transformers", action="store_true", help="transformers in their place")
    parser.add_argument("--recurrent", action="store_true", help="recurrent networks in their place")
    options = parser.parse_args()
    start, bad = time.perf_counter(), 0
    for number in range(options.first, options.first + options.count):
        random = np.random.default_rng([options.seed, number])
        text = drawn(random, options)
        for problem in QUESTIONS[options.question](text, options.engine, [Way(form) for form in options.form]):
            bad += 1
            print(f"{number}: {text}\n    {problem}", flush=True)
    seconds = time.perf_counter() - start
    print(f"{options.count} networks in {seconds:.0f} s, {bad} problems", flush=True)


if __name__ == "__main__":
    sys.exit(main())
