"""Products and fractions as mathematics writes them: numbers and scalars before arrays, `(2/3) s (a ⊙ b) ⊘ c`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.notation.places import Part
from symprop.notation.precedence import POWER, PRODUCT, SUMMATION, Of, Piece, Ratio, decimal
from symprop.notation.style import Style


def unsigned(ratio: Ratio, of: Of, style: Style) -> Piece:
    """Write a ratio without its sign: numbers and scalars before arrays, `(2/3) s (a ⊙ b) ⊘ c`."""
    if not ratio.below and ratio.numerator == ratio.denominator == 1 and len(ratio.above) == 1:
        return of(ratio.above[0])
    above, below_line = _squares_written_out(ratio.above), _squares_written_out(ratio.below)
    # An array of one element stands before a larger one like a number; among its like it is an array.
    larger = not all(map(is_single, above + below_line))
    single = is_single if larger else (lambda factor: not factor.rank)
    scalars = [of(factor) for factor in above if single(factor)]
    arrays = [of(factor) for factor in above if not single(factor)]
    under = [of(factor) for factor in below_line if single(factor)]
    divisors = [of(factor) for factor in below_line if not single(factor)]
    coefficient = ratio.numerator, ratio.denominator
    if ratio.denominator != 5 and (written := decimal(ratio.numerator / ratio.denominator)) is not None:
        coefficient = written, sympy.Integer(1)
    top = [_unbracketed(style.number(coefficient[0]))] if coefficient[0] != 1 else []
    bottom = [style.number(coefficient[1])] if coefficient[1] != 1 else []
    one = style.number(sympy.Integer(1))
    pieces: list[Piece]
    if under:
        pieces = [style.fraction(_juxtaposed(top + scalars, style) or one, _juxtaposed(bottom + under, style) or one)]
    elif bottom:
        pieces = [style.fraction(top[0] if top else one, bottom[0]), *scalars]
    else:
        pieces = top + scalars
    if not arrays and not divisors:
        return _juxtaposed(pieces, style) or one
    if len(arrays) == 1 and not divisors:
        if any(isinstance(factor, n.Kron) for factor in above):  # 2 A ⊗ B, which is (2 A) ⊗ B too
            arrays = [Piece(arrays[0].text, SUMMATION)]
        return _juxtaposed([*pieces, arrays[0]], style) or one
    product = style.hadamard.join(style.wrap(piece, POWER) for piece in arrays)
    if pieces:
        front = _side_by_side(style, [style.wrap(piece, POWER) for piece in pieces])
        product = f"{front} {product}" if product else front
    if divisors:
        below = style.hadamard.join(style.wrap(piece, POWER) for piece in divisors)
        product = f"{product or '1'}{style.divided}{below if len(divisors) == 1 else style.group(below)}"
    return Piece(product, PRODUCT)


def _unbracketed(number: Piece) -> Piece:
    """A product of numbers, `2 m`, is read on by what follows: 2 m A."""
    return Piece(number.text, POWER) if number.level == PRODUCT else number


def _juxtaposed(pieces: Sequence[Piece], style: Style) -> Piece | None:
    """Write factors side by side; a sum sign or a matrix product may end them."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    front = [style.wrap(piece, POWER) for piece in pieces[:-1]]
    return Piece(_side_by_side(style, [*front, style.wrap(pieces[-1], SUMMATION)]), PRODUCT)


DIGITS = tuple("0123456789")


def _side_by_side(style: Style, texts: list[str]) -> str:
    """Join factors by spaces; a digit behind a digit stands in brackets, as 2 2² would be the square of 22."""
    apart = [
        style.group(text) if before[-1:] in DIGITS and text[:1] in DIGITS else text
        for before, text in itertools.pairwise(("x", *texts))
    ]
    return apart[0] + "".join(style.between(before, text) + text for before, text in itertools.pairwise(apart))


def is_single(node: Node) -> bool:
    """Whether `node` has one element, whatever its rank."""
    return all(size == 1 for size in node.shape)


def is_square(node: Node) -> bool:
    """Whether `node` is the square of a named array, which is written as a product."""
    base = node.operands[0] if isinstance(node, n.Power) and node.exponent == 2 else None
    return isinstance(base, (n.Variable, Part)) and not is_single(base)


def _squares_written_out(factors: Sequence[Node]) -> list[Node]:
    """Factors with `z**2` as `z`, `z`: a square of a named array reads the same alone and in a product."""
    return [part for factor in factors for part in ((factor.operands[0],) * 2 if is_square(factor) else (factor,))]
