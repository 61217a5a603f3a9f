"""The touches by which a difference stands in one direction: of `x - y` and `y - x` in an answer, one is enough."""

from __future__ import annotations

from functools import cache

from symprop.algebra import nodes as n
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table, for_kinds
from symprop.algebra.trees import added, multiplied, parts, unordered, walk
from symprop.calculus.chains import links
from symprop.calculus.coefficients import coefficient_and_rest, scalars_and_rest, scaled
from symprop.calculus.tidy import tidy
from symprop.finishing.common_factors import product_of


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


@for_kinds(n.Multiply)
def sign_inside(node: n.Multiply) -> Node | None:
    """-A (I - B) C = A (B - I) C where the sum begins with what is taken away: one sign is enough."""
    coefficient, scalars, rest = scalars_and_rest(node)
    if rest is None or not coefficient.could_extract_minus_sign():
        return None
    chain = links(rest)
    for place, link in enumerate(chain):
        if isinstance(link, n.Add) and _is_negative(link.operands[0]) and not all(map(_is_negative, link.operands)):
            turned = n.Add(*(tidy(n.negative(term)) for term in link.operands))
            product = product_of([*chain[:place], turned, *chain[place + 1 :]])
            return scaled(-coefficient, multiplied([*scalars, product]))
    return None


@for_kinds(n.Add)
def added_first(node: n.Add) -> Node | None:
    """-x + y = y - x: a sum begins with what is added."""
    if not _is_negative(node.operands[0]) or all(map(_is_negative, node.operands)):
        return None
    return n.Add(*sorted(node.operands, key=_is_negative))


def _is_negative(term: Node) -> bool:
    return bool(coefficient_and_rest(term)[0].could_extract_minus_sign())
