"""The value of a sum of products of elements at numbers: by this the algebra of elements is held against formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.verify.evaluate import complex_value
from trust.index_terms import Factor, Sums
from trust.places import LEAST, RANGE

Values = Mapping[str, Any]
"""Arrays by the names of leaves."""


def sizes_of(*nodes: Node) -> dict[Any, int]:
    """Return a number for each size, no two alike."""
    found = {symbol for node in nodes for symbol in node.free_symbols if not isinstance(symbol, n.Variable)}
    ordered = sorted(found, key=str)
    return {symbol: max(2 + place, LEAST.get(symbol.name, 1)) for place, symbol in enumerate(ordered)}


def random_values(sizes: Mapping[Any, int], seed: int, *nodes: Node) -> dict[str, Any]:
    """Return random arrays for the variables of formulas: above 0, ids in their range."""
    source, found = np.random.default_rng(seed), {}
    for leaf in dict.fromkeys(each for node in nodes for each in variables(node)):
        shape = tuple(int(size.subs(sizes)) for size in leaf.shape)
        limit = leaf.facts_by_kind.get("index")
        found[leaf.name] = source.uniform(0.1, 0.9, shape)
        if limit is not None:
            found[leaf.name] = source.integers(0, int(sympy.sympify(limit).subs(sizes)), shape)
        elif leaf.rank == 2 and shape[0] == shape[1]:
            found[leaf.name] += 2 * np.eye(shape[0])  # far from singular
    return found


def value(node: Node, values: Values, sizes: Mapping[Any, int]) -> Any:
    """Return the value of a formula."""
    return np.real(complex_value(node, values, sizes))


def of_sums(of: Sums, at: Mapping[Any, int], values: Values) -> float:
    """Return the value of a sum; `at` says sizes and the indices that are free."""
    total = 0.0
    for (bound, factors), by in of.items():
        ranges = [range(int(RANGE[each].subs(at))) for each in bound]
        for places in itertools.product(*ranges):
            here = {**at, **dict(zip(bound, places, strict=True))}
            product = float(by.subs(here))
            for factor, power in factors:
                if product:
                    product *= _of_factor(factor, here, values) ** float(power.subs(here))
            total += product
    return total


def _of_factor(factor: Factor, at: Mapping[Any, int], values: Values) -> float:
    places = tuple(int(place.subs(at)) for place in factor.places)
    head, inside = factor.head, [dict(each) for each in factor.inside]
    if head.startswith("at "):
        return _element(head.removeprefix("at "), places, values)
    match head:
        case "delta":
            return float(places[0] == 0)
        case "above":
            return float(places[0] >= 0)
        case "Inverse" | "MatrixPower":
            return float(np.linalg.matrix_power(_matrix(inside[0], at, values), [*places, -1][2])[places[:2]])
        case "Determinant":
            return float(np.linalg.det(_matrix(inside[0], at, values)))
    arguments = [of_sums(each, at, values) for each in inside]
    if head.startswith("function "):
        return float(sympy.N(getattr(sympy, head.removeprefix("function "))(*arguments)))
    known = {"base": lambda x: x, "exp": math.exp, "log": math.log}
    known |= {"positive": lambda x: float(x > 0), "zero": lambda x: float(x == 0)}
    return float(known[head](arguments[0]))


def _element(name: str, places: tuple[int, ...], values: Values) -> float:
    if name.endswith(" is"):
        return float(values[name.removesuffix(" is")][places[:-1]] == places[-1])
    if " of " in name:  # the largest along an axis
        how, _, array = name.partition(" of ")
        which, axis = how.split()
        best = {"max": np.argmax, "min": np.argmin}[which](values[array], int(axis))
        return float(best[(*places[: int(axis)], *places[int(axis) + 1 :])] == places[int(axis)])
    return float(values[name][places])


def _matrix(of: Sums, at: Mapping[Any, int], values: Values) -> Any:
    """Return a whole matrix: the indices a0 and a1 run over it."""
    ((_, ((leaf, _),)), _), *_ = of.items()
    rows, columns = sorted(
        (each for each in RANGE if each in leaf.places[0].free_symbols | leaf.places[1].free_symbols), key=str
    )
    shape = [int(RANGE[each].subs(at)) for each in (rows, columns)]
    return np.array(
        [[of_sums(of, {**at, rows: i, columns: j}, values) for j in range(shape[1])] for i in range(shape[0])]
    )
