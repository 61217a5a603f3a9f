"""The touch by which a difference stands in one direction: of `x - y` and `y - x` in an answer, one is enough."""

from __future__ import annotations

from functools import cache

from symprop.algebra import nodes as n
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import added, parts, unordered, walk
from symprop.calculus.coefficients import scaled
from symprop.calculus.tidy import tidy


def one_sign(node: Node) -> Node | None:
    """f(x - y) + g(y - x) = f(x - y) - g(x - y) where g is odd, + g(x - y) where it is even."""
    sums = [part for part in parts(node) if isinstance(part, n.Add)]
    known = {unordered(part): part for part in reversed(sums)}
    for part in sums:
        other = known.get(unordered(tidy(n.negative(part))))
        if other is None:
            continue
        both = [_collected(scaled(*_signed(node, *pair)), pair[1]) for pair in ((part, other), (other, part))]
        united = [each for each, gone in zip(both, (other, part), strict=True) if gone not in parts(each)]
        best = min(united, key=lambda each: (_minus_signs(each), each.weight), default=node)
        if best.weight <= node.weight + 2:
            return best if best is not node else None
    return None


def _collected(node: Node, gone: Node) -> Node:
    """Return a formula with what is alike now together, unless that turns a difference round again."""
    tidied = tidy(node)
    return node if gone in parts(tidied) else tidied


def _minus_signs(node: Node) -> int:
    return sum(part.number is not None and part.number.could_extract_minus_sign() for part in walk(node))


SIGNED = Table("with a difference the other way round")
"""Rows take a node, and `kept` and `gone`, one of which is minus the other; they return a sign and a node, whose
product is the node, with `kept` in the place of `gone` wherever a sign comes out."""

Signed = tuple[int, Node]


def _signed(node: Node, kept: Node, gone: Node) -> Signed:
    if node == gone:
        return -1, kept
    signed: Signed = SIGNED(node, kept, gone) if node.operands else (1, node)
    return signed


@SIGNED.row(Node)
def _same(node: Node, kept: Node, gone: Node) -> Signed:
    """Where no sign comes out, an operand that would change it stays."""
    operands = [_signed(operand, kept, gone) for operand in node.operands]
    inside = [new if sign == 1 else old for (sign, new), old in zip(operands, node.operands, strict=True)]
    return 1, node.with_operands(inside)


@SIGNED.row(n.Multiply, n.Linear, n.Inverse)
def _(node: Node, kept: Node, gone: Node) -> Signed:
    """What is linear in each operand has the product of their signs, as an inverse has that of its matrix."""
    operands = [_signed(operand, kept, gone) for operand in node.operands]
    total = 1
    for sign, _ in operands:
        total *= sign
    return total, node.with_operands([new for _, new in operands])


@SIGNED.row(n.Add)
def _(node: n.Add, kept: Node, gone: Node) -> Signed:
    terms = [_signed(term, kept, gone) for term in node.operands]
    signs = {sign for sign, _ in terms}
    if signs == {-1}:
        return -1, node.with_operands([term for _, term in terms])
    total = added([scaled(sign, term) for sign, term in terms])
    return 1, total


@SIGNED.row(n.Power)
def _(node: n.Power, kept: Node, gone: Node) -> Signed:
    sign, base = _signed(node.operands[0], kept, gone)
    if sign == 1 or not node.exponent.is_Integer:
        return _same(node, kept, gone)
    return (1 if node.exponent % 2 == 0 else -1), node.with_operands([base])


@SIGNED.row(n.Map)
def _(node: n.Map, kept: Node, gone: Node) -> Signed:
    if len(node.operands) > 1:
        return _same(node, kept, gone)
    sign, inside = _signed(node.operands[0], kept, gone)
    parity = 1 if sign == 1 else _parity(node.function)
    return (parity, node.with_operands([inside])) if parity else (1, node)


@cache
def _parity(function: ElementwiseFunction) -> int:
    """1 for an even function, -1 for an odd one, else 0."""
    (t,) = function.parameters
    opposite = function.of(-t)
    return 1 if opposite == function.body else -1 if opposite == -function.body else 0
