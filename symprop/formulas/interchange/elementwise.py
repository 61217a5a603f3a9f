"""Leaves and elementwise operations in SymPy's matrices: broadcasting is a product with ones."""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Integer, MatrixSymbol, Rational, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.elements import RELATIONS
from symprop.algebra.trees import comparison
from symprop.formulas.interchange.matrices import (
    ENTRY,
    SYMPY,
    Of,
    along,
    elementwise,
    hadamard,
    no_expression,
    ones_of,
    rows_and_columns,
    scaled,
    spread,
    total,
)

# ---------------------------------------------------------------- leaves


@SYMPY.row(n.Variable)
def _(node: n.Variable, of: Of) -> Any:
    if not node.rank:
        return Symbol(node.name)
    return MatrixSymbol(node.name, *rows_and_columns(node.shape))


@SYMPY.row(n.Scalar)
def _(node: n.Scalar, of: Of) -> Any:
    return node.value


@SYMPY.row(n.Fill)
def _(node: n.Fill, of: Of) -> Any:
    rows, columns = rows_and_columns(node.shape)
    return sympy.ZeroMatrix(rows, columns) if node.value == 0 else scaled(node.value, ones_of(rows, columns))


@SYMPY.row(n.Identity)
def _(node: n.Identity, of: Of) -> Any:
    return sympy.Identity(node.shape[0])


# ---------------------------------------------------------------- elementwise


@SYMPY.row(n.Add)
def _(node: n.Add, of: Of) -> Any:
    if not node.rank:
        return sympy.Add(*map(of, node.operands))
    terms = [spread(of(term), term.shape, node.shape) for term in node.operands]
    return sympy.MatAdd(*terms).doit(deep=False)


@SYMPY.row(n.Multiply)
def _(node: n.Multiply, of: Of) -> Any:
    number = sympy.Mul(*(of(factor) for factor in node.operands if not factor.rank))
    arrays = [factor for factor in node.operands if factor.rank]
    if not arrays:
        return number
    number *= sympy.prod([factor.constant for factor in arrays if factor.constant is not None])
    matrices = [spread(of(factor), factor.shape, node.shape) for factor in arrays if factor.constant is None]
    return scaled(number, hadamard(matrices) if matrices else ones_of(*rows_and_columns(node.shape)))


@SYMPY.row(n.Power)
def _(node: n.Power, of: Of) -> Any:
    base = of(node.operands[0])
    return sympy.HadamardPower(base, node.exponent) if node.rank else base**node.exponent


def _halves(node: n.Map, sign: int, of: Of) -> Any:
    """The larger or smaller of two arrays: `(a + b + |a - b|) / 2` or `(a + b - |a - b|) / 2`."""
    left, right = (spread(of(operand), operand.shape, node.shape) for operand in node.operands)
    gap = elementwise(sympy.MatAdd(left, scaled(-1, right)), sympy.Abs(ENTRY))
    return scaled(Rational(1, 2), sympy.MatAdd(left, right, scaled(sign, gap)))


@SYMPY.row(n.Map)
def _(node: n.Map, of: Of) -> Any:
    function = node.function
    arrays = [operand for operand in node.operands if operand.rank]
    definition = function.definition
    values = {
        parameter: ENTRY if operand.rank else of(operand)
        for parameter, operand in zip(function.parameters, node.operands, strict=True)
    }
    if len(arrays) <= 1:
        body = definition.subs(values, simultaneous=True)
        if not arrays:
            return body
        return elementwise(of(arrays[0]), body)
    if isinstance(definition, (sympy.Max, sympy.Min)):
        return _halves(node, 1 if isinstance(definition, sympy.Max) else -1, of)
    raise no_expression(node, f"{function.name} of two arrays")


def _indicator(relation: str, left: Any, right: Any) -> Any:
    return sympy.Piecewise((1, RELATIONS[relation](left, right)), (0, True))


@SYMPY.row(n.Compare)
def _(node: n.Compare, of: Of) -> Any:
    left, right = node.operands
    if not node.rank:
        return _indicator(node.relation, of(left), of(right))
    if not right.rank:
        return elementwise(of(left), _indicator(node.relation, ENTRY, of(right)))
    if not left.rank:
        return elementwise(of(right), _indicator(node.relation, of(left), ENTRY))
    one, other = (spread(of(operand), operand.shape, node.shape) for operand in node.operands)
    return elementwise(sympy.MatAdd(one, scaled(-1, other)), _indicator(node.relation, ENTRY, Integer(0)))


@SYMPY.row(n.Where)
def _(node: n.Where, of: Of) -> Any:
    """`c * yes + (1 - c) * no` for the indicator `c`: the choice wherever both have a value."""
    condition, yes, no = node.operands
    holds = comparison(condition)
    return of(n.Add(n.Multiply(holds, yes), n.Multiply(n.Add(n.Scalar(1), n.negative(holds)), no)))


@SYMPY.row(n.Softmax)
def _(node: n.Softmax, of: Of) -> Any:
    powers = elementwise(of(node.operands[0]), sympy.exp(ENTRY))
    if node.rank == 1:
        return scaled(1 / total(powers), powers)
    sums = along(node.operands[0], powers, node.axis, True)
    shape = tuple(Integer(1) if axis == node.axis else size for axis, size in enumerate(node.shape))
    return hadamard([powers, spread(sympy.HadamardPower(sums, -1), shape, node.shape)])


@SYMPY.row(n.LogSumExp)
def _(node: n.LogSumExp, of: Of) -> Any:
    operand = node.operands[0]
    powers = elementwise(of(operand), sympy.exp(ENTRY))
    if operand.rank == 1:
        number = sympy.log(total(powers))
        return scaled(number, sympy.Identity(1)) if node.keepdims else number
    return elementwise(along(operand, powers, node.axis, node.keepdims), sympy.log(ENTRY))
