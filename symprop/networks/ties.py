"""Weights that are used again: `Dense(8, tied="W1")` multiplies by an earlier layer's matrix, "W1.T" by its transpose.

A weight that two layers read is one parameter: it starts once, is counted and penalised once, and its gradient is
the sum of what flows to it from each place, which the derivation finds by itself.
"""

from __future__ import annotations

import re
from typing import Any

from sympy import Expr

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.errors import SpecError, listed, shown
from symprop.hints import closest
from symprop.networks.builder import Builder

_TIE = re.compile(r"((?:W|E)[1-9][0-9]{0,8})(\.T)?")
_MATRICES = ("weight", "table")
_ALLOWED = 'allowed: the name of an earlier weight, tied="W1", or its transpose, tied="W1.T"'


def checked_tie(tied: Any, initialiser: Any, what: str = "Dense") -> None:
    """Raise unless `tied` is None or names a weight as `W1`, `W1.T` or `E1`, and the layer has no start of its own.

    Raises:
        SpecError: another text, or an initialiser beside it.
    """
    if tied is None:
        return
    if not isinstance(tied, str) or not _TIE.fullmatch(tied):
        raise SpecError(f"{what}: tied={shown(tied)} names no weight\n{_ALLOWED}")
    if initialiser is not None:
        raise SpecError(
            f"{what}: a weight that is tied to {tied} starts as {tied.removesuffix('.T')} does\n"
            "allowed: the initialiser at the layer that has the weight"
        )


def tied_weight(builder: Builder, tied: str, number: Expr, shape: tuple[Any, ...], what: str = "Dense") -> Node:
    """Return the weight of layer `number` that is tied to an earlier one, and note that it has none of its own.

    The transpose of a kernel has its channels swapped, at each offset.

    Raises:
        SpecError: inside a symbolic Repeat, no such weight before this layer, or one of another shape than `shape`.
    """
    layer = f"{what} layer {number}"
    name, transposed = tied.removesuffix(".T"), tied.endswith(".T")
    matrix = _named(builder, name, layer)
    builder.books.ties[f"W{number}"] = tied
    found = _swapped(matrix.shape) if transposed else matrix.shape
    if found != tuple(shape):
        other = f"{name}.T" if not transposed else name
        fits = f'tied="{other}"' if _swapped(found) == tuple(shape) else "a layer whose sizes fit"
        raise SpecError(
            f"{layer} needs a weight of shape {shape_text(shape)}, {tied} has shape {shape_text(found)}\n"
            f"allowed: {fits}"
        )
    return matrix.permuted(_swapped(tuple(range(matrix.rank)))) if transposed else matrix


def _swapped(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    return (shape[-1], *shape[1:-1], shape[0])


def _named(builder: Builder, name: str, layer: str) -> Variable:
    """The weight or table with this name among those so far."""
    matrices = [each.variable for each in builder.books.parameters if each.kind in _MATRICES]
    known = {matrix.name: matrix for matrix in matrices if _is_one(matrix)}
    if name in known:
        return known[name]
    if name in builder.books.ties:
        raise SpecError(
            f'{layer}: {name} is itself tied to {builder.books.ties[name]}\nallowed: tied="{builder.books.ties[name]}"'
        )
    if name == f"W{builder.number}":
        raise SpecError(f"{layer} cannot be tied to {name}, its own weight\n{_ALLOWED}")
    have = f"the weights before it are {listed(known)}" if known else "no weight stands before it"
    if builder.books.loops:
        have += "; those of a symbolic Repeat differ from block to block and have no name of their own"
    raise SpecError(f"{layer} is tied to {name}, which no earlier layer has{closest(name, known)}\n{have}")


def _is_one(matrix: Variable) -> bool:
    """Whether the name says one matrix, not one for each block of a symbolic Repeat."""
    return all(index.is_Integer for index in matrix.index)
