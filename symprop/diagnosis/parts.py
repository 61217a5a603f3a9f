"""Parts of formulas in which mistakes are made, and how sentences name them."""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Integer, Mul

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable, as_node, negative
from symprop.algebra.trees import factors_of, is_element, multiplied, walk
from symprop.diagnosis.table import fitting


def word_of(node: Node) -> str:
    """Return the kind of mistake that a lost factor or term is: a mask has a word of its own."""
    return "mask" if node.is_indicator or isinstance(node, (n.Known, n.Triangle, n.Where)) else ""


def powers_of(number: Expr) -> dict[Expr, Expr]:
    """Return the parts of a positive number by their powers, whole numbers as one.

    >>> from sympy import Rational, sqrt
    >>> powers_of(sqrt(2) / 6), powers_of(Rational(-2, 5))
    ({6: -1, 2: 1/2}, {2: 1, 5: -1})
    """
    found: dict[Expr, Expr] = {}
    for part in Mul.make_args(number):
        pairs = [(Integer(abs(part.p)), 1), (Integer(part.q), -1)] if part.is_Rational else [part.as_base_exp()]
        for base, power in pairs:
            if base != 1:
                found[base] = found.get(base, Integer(0)) + power
    return {base: power for base, power in found.items() if power != 0}


def moved_variable(node: Node) -> Node:
    """Return what elements are moved or chosen from."""
    while isinstance(node, n.Structural):
        node = node.operands[0]
    return node


def is_atom(node: Node) -> bool:
    """Whether a node is a variable or one of its elements or rows."""
    return isinstance(node, Variable) or (is_element(node) and isinstance(node.operands[0].operands[0], Variable))


def is_product(node: Node) -> bool:
    """Whether a node is an elementwise product."""
    return isinstance(node, n.Multiply)


def summing(node: Node) -> str:
    """Return the word for what takes elements of a node together."""
    kinds = {type(part) for part in walk(node)}
    return "sum" if n.Sum in kinds else "product" if kinds & {n.MatMul, n.Outer} else ""


def left_out(node: Node, factor: Node) -> Node | None:
    """Return a node without a factor in any of its products; None where it stands elsewhere, or as a whole."""
    if not node.operands:
        return node
    if isinstance(node, n.Multiply) and factor in node.operands:
        rest = [each for each in node.operands if each != factor]
        return multiplied(rest) if rest else None
    parts = [left_out(each, factor) for each in node.operands]
    if any(part is None for part in parts):
        return None
    return fitting(node.with_operands, [part for part in parts if part is not None])


def scaled(number: Expr, node: Node) -> Node:
    """Return a node times a number, which joins the number that is there."""
    factors = factors_of(node)
    before = [each.number for each in factors if each.number is not None]
    value = Mul(number, *before)
    others = [each for each in factors if each.number is None]
    return multiplied([*([] if value == 1 and others else [as_node(value)]), *others])


def positive(node: Node) -> Node:
    """Return a term without its minus sign."""
    first = factors_of(node)[0].number
    return negative(node) if first is not None and first.is_negative else tidied(node)


def tidied(node: Node) -> Node:
    """Return a product without factors of 1."""
    if not isinstance(node, n.Multiply):
        return node
    return multiplied([each for each in node.operands if each.number != 1] or [n.Scalar(1)])


LONGEST = 60


@lru_cache(maxsize=20_000)
def shortened(node: Node) -> str:
    """Return the text of a node, the signs of products by 1 left out."""
    text = tidied(node).text()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


@lru_cache(maxsize=20_000)
def factor_text(number: Expr) -> str:
    """Return a number as a page writes it.

    >>> from sympy import sqrt
    >>> factor_text(sqrt(2) / 2), factor_text(Integer(2) / 3)
    ('1/sqrt(2)', '2/3')
    """
    text, below = n.Scalar(number).text(), n.Scalar(1 / number).text()
    return f"1/{below}" if "/" in text and not set(below) & set("/* +-") else text
