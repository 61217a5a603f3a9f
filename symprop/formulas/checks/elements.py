"""`sympy.diff` of a formula written out element by element, at sizes 2 and 3, against the answer in 50 digits.

The written-out formula is measured on its way up the tree, so that what would be too long is never written: SymPy
walks through all of it for every derivative.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import sympy
from sympy import Basic

from symprop.algebra import nodes as n
from symprop.algebra.elements import Reader, elements
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.formulas.checks.oracles import SECOND_ORDER, in_convention, integers, precise
from symprop.formulas.checks.points import FormulaPoint
from symprop.formulas.result import Result, joined
from symprop.verify.arithmetic import Array
from symprop.verify.element_checks import LONGEST, WORK, ScalarNumbers


class TooLong(Exception):
    """The formula has no elements that are written out, or they are longer than SymPy differentiates in a moment."""


def written_out(node: Node, reader: Reader, longest: int) -> Array:
    """Return the elements of a node as SymPy scalars.

    Raises:
        TooLong: an element has more than `longest` operations, or holds a choice within a choice, whose conditions
            SymPy orders for minutes.
    """
    known: dict[Node, Array] = {}

    def write(part: Node) -> Array:
        if isinstance(part, n.Decomposition):
            raise TooLong(f"{part.text()} has no elements that are written out")
        if part not in known:
            for operand in _inside(part):
                write(operand)
            found = elements(part, reader=reader)
            for expression in found.ravel():
                if int(expression.count_ops()) > longest or _choices(expression) > 1:
                    raise TooLong("written out element by element the formula is too long")
            known[part] = found
        return known[part]

    return write(node)


def _inside(part: Node) -> list[Node]:
    """Return what a node is made of: its operands, of a series its terms."""
    if isinstance(part, n.BlockSum):
        return [part.at(sympy.Integer(place)) for place in range(1, int(part.count) + 1)]
    return list(part.operands)


def _choices(expression: Basic) -> int:
    """How deep choices stand within choices."""
    if not expression.has(sympy.Piecewise):
        return 0
    return isinstance(expression, sympy.Piecewise) + max(map(_choices, expression.args), default=0)


def compared(result: Result, point: FormulaPoint) -> tuple[Array, Array]:
    """Return the answer and what SymPy finds at a point, in as many digits as mpmath works in.

    Raises:
        TooLong: SymPy would take too long.
    """
    sizes: dict[Any, Any] = dict(point.sizes)
    formula = _numbered(result.formula.node, sizes)
    ids = {name: each for name, each in point.values.items() if each.dtype.kind == "i"}
    reader, numbers = Reader(ids), ScalarNumbers(_symbols(formula, point, ids))
    by = [_place(formula, each, sizes) for each in result.by]
    axes = [elements(each) for each in by]
    count = axes[0].size * (axes[-1].size if result.kind in SECOND_ORDER else 1)
    written = written_out(formula, reader, min(LONGEST, WORK // max(count, 1)))
    slopes = _derivatives(written, axes[0])
    if result.kind in SECOND_ORDER:
        slopes = _derivatives(slopes, axes[-1])
    true = np.asarray([numbers.of(slope) for slope in slopes.ravel()], dtype=object).reshape(slopes.shape)
    if result.direction is not None:
        along = np.asarray(point.precise[result.direction.name], dtype=object)
        if result.kind == "vjp":
            true = np.asarray(np.tensordot(along, true, axes=along.ndim))
        else:
            true = np.asarray(np.tensordot(true, along, axes=along.ndim))
    if result.kind in {"jacobian", "hessian"}:
        rows = result.by[0].shape if result.kind == "hessian" else result.formula.shape
        true = true.reshape(integers(joined(rows, result.by[-1].shape), point.sizes))
    true = in_convention(result, true, point)
    return precise(result.node, point), true


def _derivatives(written: Array, symbols: Array) -> Array:
    """Return every expression differentiated by every symbol: the axes of `written` first, then those of `symbols`."""
    slopes = [sympy.diff(each, symbol) for each in written.ravel() for symbol in symbols.ravel()]
    result = np.empty(len(slopes), dtype=object)
    result[:] = slopes
    return result.reshape((*written.shape, *symbols.shape))


def _numbered(node: Node, sizes: dict[Any, Any]) -> Node:
    """Return a node at sizes that are numbers; shapes are checked again on the way up."""
    return node.xreplace({symbol: sympy.Integer(number) for symbol, number in sizes.items()})


def _place(formula: Node, by: Variable, sizes: dict[Any, Any]) -> Variable:
    """Return the variable as it stands in the formula, so that its symbols are those of the formula."""
    return next((each for each in variables(formula) if each.name == by.name), _as_variable(_numbered(by, sizes)))


def _as_variable(node: Node) -> Variable:
    if not isinstance(node, Variable):
        raise LookupError("a variable stays one at other sizes")
    return node


def _symbols(node: Node, point: FormulaPoint, ids: dict[str, Array]) -> dict[Basic, Array]:
    """Return the value of each element of each variable of a formula."""
    values: dict[Basic, Array] = {}
    for variable in variables(node):
        if variable.name not in ids:
            exact = np.asarray(point.precise[variable.name], dtype=object)
            for symbol, number in zip(elements(variable).ravel(), exact.ravel(), strict=True):
                values[symbol] = np.asarray(mpmath.mpf(number), dtype=object)
    return values
