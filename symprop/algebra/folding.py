"""Sums, products and powers as the reader builds them: numbers are folded exactly, within bounds, before they grow."""

from __future__ import annotations

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.named_numbers import unnamed
from symprop.algebra.nodes import Node
from symprop.algebra.scalar import numerical
from symprop.algebra.sizes import whole
from symprop.algebra.trees import is_zero, multiplied
from symprop.errors import FormulaError, LimitError

LARGEST_EXPONENT = 1_000
LARGEST_BITS = 4_096


def number(value: Expr) -> n.Scalar:
    """Return a number as a node.

    Raises:
        LimitError: more than 4,096 bits.
    """
    if any(max(abs(part.p), part.q).bit_length() > LARGEST_BITS for part in value.atoms(sympy.Rational)):
        raise LimitError(f"a number of more than {LARGEST_BITS:,} bits")
    return n.Scalar(value)


def sum_of(terms: list[Node]) -> Node:
    """Return the sum; one of numbers alone is a number."""
    numbers = [term.number for term in terms if term.number is not None]
    return number(sympy.Add(*numbers)) if len(numbers) == len(terms) else n.Add(*terms)


def product_of(factors: list[Node]) -> Node:
    """Return the product with its numbers folded into one, which stands first."""
    if len(factors) == 1:
        return factors[0]
    constant: Expr = sympy.Integer(1)
    rest: list[Node] = []
    for factor in factors:
        if factor.number is None:
            rest.append(factor)
        else:
            constant = number(constant * factor.number).value
    kept = rest if rest and constant == 1 else [n.Scalar(constant), *rest]
    return multiplied(kept)


def applied(function: ElementwiseFunction, *arrays: Node) -> Node:
    """Return a function of arrays; one of numbers alone stays as it is, after a look at how large they are.

    Raises:
        LimitError: a number of more than 4,096 bits, such as exp(exp(exp(100))) has.
    """
    for each in arrays:
        if (value := numerical(each)) is not None:
            about = unnamed(value).evalf(5)
            if about.is_comparable and abs(about) > 2**LARGEST_BITS:
                raise LimitError(f"a number of more than {LARGEST_BITS:,} bits")
    return function(*arrays)


def inverse_of(node: Node) -> Node:
    """Return `1 / node`.

    Raises:
        FormulaError: the node is written as zero.
    """
    if is_zero(node) or (node.number is None and numerical(node) == 0):
        raise FormulaError("division by zero")
    return n.Power(node, -1) if node.number is None else number(1 / node.number)


def quotient_of(above: Node, below: Node) -> Expr:
    """Return `above // below` of two sizes, where the quotient is whole for all of them; of two numbers any.

    Raises:
        FormulaError: anything but sizes, a quotient that may be a fraction, or division by zero.
    """
    if above.number is None or below.number is None:
        raise FormulaError("'//' stands between sizes; type x / y for arrays")
    left, right = (whole(each, "what stands beside '//'") for each in (above.number, below.number))
    if right == 0:
        raise FormulaError("division by zero")
    both = left.is_Integer and right.is_Integer
    return left // right if both else whole(sympy.factor(left / right), "a quotient by '//'")


def power_of(base: Node, exponent: Expr) -> Node:
    """Return `base ** exponent`; a number is folded, after a look at how large it would become.

    Raises:
        FormulaError: a negative power of zero, or a root of a negative number.
        LimitError: an exponent above 1,000, or a number of more than 4,096 bits.
    """
    if exponent.is_number and abs(unnamed(exponent)) > LARGEST_EXPONENT:
        raise LimitError(f"exponents go up to {LARGEST_EXPONENT:,}")
    value = base.number
    if value is None:
        if exponent.is_negative and numerical(base) == 0:
            raise FormulaError("division by zero")
        return base if exponent == 1 else n.Power(base, exponent)
    if value == 0 and exponent.is_nonpositive and exponent != 0:
        raise FormulaError("division by zero")
    if exponent.free_symbols:
        return n.Scalar(value**exponent)
    if value.is_negative and not exponent.is_Integer:
        raise FormulaError("a root of a negative number")
    bits = sum(int(abs(size)).bit_length() for part in value.atoms(sympy.Rational) for size in (part.p, part.q))
    if bits * max(1, abs(unnamed(exponent))) > LARGEST_BITS:
        raise LimitError(f"a number of more than {LARGEST_BITS:,} bits")
    return number(value**exponent)
