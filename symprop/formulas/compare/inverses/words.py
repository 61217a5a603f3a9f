"""Sums of products of matrices in the order in which they stand, with numbers in front.

A product is a word of `Letter`s, matrices of one name, their transposes and inverses; vectors are matrices of one
column. What is one number, as `v' A u`, stands in front as a `Number`, since numbers change places. Two laws are
applied wherever they fit: `S inv(S) = I` for the inverse of any sum S, solved for its longest word, and the same for
numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sympy import Expr, Integer

from symprop.algebra.nodes import Node
from symprop.errors import LimitError
from symprop.formulas.compare.sums.products import coefficient_of

MOST_PRODUCTS, MOST_TERMS = 4_000, 120


@dataclass
class Budget:
    """How many products may still be made in one proof."""

    left: int = MOST_PRODUCTS


BUDGET: ContextVar[Budget] = ContextVar("budget of words")


class Letter(NamedTuple):
    """A matrix: what it is called, its shape, whether it is turned; the sum that it is the inverse of, or a node."""

    name: str
    shape: tuple[Expr, Expr]
    turned: bool = False
    symmetric: bool = False
    inside: Key = ()
    node: Node | None = None

    @property
    def transposed(self) -> Letter:
        return self if self.symmetric else self._replace(turned=not self.turned, shape=self.shape[::-1])


class Number(NamedTuple):
    """A number that products have in front: what it is, of which word or sum, or a node."""

    head: str
    word: Word = ()
    inside: Key = ()
    node: Node | None = None


Word = tuple[Letter, ...]
Numbers = tuple[tuple[Number, int], ...]
"""Numbers with their exponents, in order."""
Term = tuple[Numbers, Word]
Key = tuple[tuple[Term, Expr], ...]
"""A sum in order."""
Sum = dict[Term, Expr]
"""Terms with their coefficients."""


@lru_cache(maxsize=20_000)
def written(value: object) -> str:
    """Return a text by which letters and terms are put in order."""
    return repr(value)


def longer(word: Word) -> tuple[int, str]:
    """Return by what words are put in order: longer ones last."""
    return len(word), written(word)


def key(of: Sum) -> Key:
    return tuple(sorted(of.items(), key=written))


def turned(word: Word) -> Word:
    """Return the transpose of a word: `(A B)' = B' A'`."""
    return tuple(letter.transposed for letter in reversed(word))


def transposed(of: Sum) -> Sum:
    return added({(numbers, turned(word)): number} for (numbers, word), number in of.items())


def constant(value: Expr) -> Sum:
    return {((), ()): value} if value != 0 else {}


def number(of: Number, exponent: int = 1) -> Sum:
    return term({of: exponent}, ())


def added(sums: Iterable[Mapping[Term, Expr]]) -> Sum:
    total: Sum = {}
    for each in sums:
        for known, coefficient in each.items():
            total[known] = total[known] + coefficient if known in total else coefficient
    if len(total) > MOST_TERMS:
        raise LimitError("the sums of products are too long")
    return {known: tidied for known, each in total.items() if (tidied := coefficient_of(each)) != 0}


def scaled(factor: Expr, of: Mapping[Term, Expr]) -> Sum:
    return {known: found for known, each in of.items() if (found := coefficient_of(factor * each)) != 0}


def multiplied(*sums: Sum) -> Sum:
    """Return a product of sums, in this order."""
    whole, *rest = sums
    for each in rest:
        whole = added(
            scaled(one * other, term(_together(numbers, more), word + behind))
            for (numbers, word), one in whole.items()
            for (more, behind), other in each.items()
        )
    return whole


def _together(left: Numbers, right: Numbers) -> dict[Number, int]:
    found = dict(left)
    for each, exponent in right:
        found[each] = found.get(each, 0) + exponent
    return found


def closed(word: Word) -> Number:
    """Return what a word of shape (1, 1) is as a number, which is that of its transpose."""
    return Number("word", min(word, turned(word), key=written))


def cyclic(head: str, word: Word, more: Key = ()) -> Number:
    """Return a number that is the same for each rotation of a word, and for its transpose: `tr(A B) = tr(B A)`."""
    each = [turn[place:] + turn[:place] for turn in (word, turned(word)) for place in range(len(word))]
    return Number(head, min(each, key=written, default=()), more)


# ---------------------------------------------------------------- one term


def term(numbers: Mapping[Number, int], word: Word) -> Sum:
    """Return a product of numbers and a word, with the laws of inverses applied."""
    budget = BUDGET.get()
    budget.left -= 1
    if budget.left < 0:
        raise LimitError("the products are too long")
    for place, letter in enumerate(word):
        told = _told(word, place) if letter.name == "inv" else None
        if told is not None:
            before, middle, behind = told
            return multiplied(term(numbers, before), middle, term({}, behind))
    found = {each: exponent for each, exponent in numbers.items() if exponent}
    pieces = list(_pieces(word))
    rest: Word = ()
    for piece in pieces:
        if piece[0].shape[0] == 1 and piece[-1].shape[1] == 1:
            value = closed(piece)
            found[value] = found.get(value, 0) + 1
        else:
            rest += piece
    for each, exponent in found.items():
        if each.head == "sum" and exponent < 0:
            told_number = _divided(each, found, rest)
            if told_number is not None:
                return told_number
    return {(tuple(sorted(((each, power) for each, power in found.items() if power), key=written)), rest): Integer(1)}


def _pieces(word: Word) -> Iterator[Word]:
    """Yield the parts of a word between which there is one number alone."""
    start = 0
    for place in range(1, len(word) + 1):
        if place == len(word) or word[place].shape[0] == 1:
            yield word[start:place]
            start = place


def leading(of: Key) -> tuple[Word, Expr, list[tuple[Term, Expr]]] | None:
    """Return the longest word of a sum, its coefficient and the other terms; None where numbers stand before it."""
    (numbers, word), coefficient = max(of, key=lambda each: (longer(each[0][1]), written(each[0][0])))
    others = [each for each in of if each[0] != (numbers, word)]
    alone = not numbers and bool(coefficient.is_nonzero) and not any(other == word for (_, other), _ in others)
    return (word, coefficient, others) if alone and word else None


def _told(word: Word, place: int) -> tuple[Word, Sum, Word] | None:
    """`w Z = (I - rest Z) / c` and `Z w = (I - Z rest) / c` where Z is the inverse of `c w + rest`."""
    letter = word[place]
    inside = key(transposed(dict(letter.inside))) if letter.turned else letter.inside
    found = leading(inside)
    if found is None:
        return None
    lead, coefficient, others = found
    rest = scaled(1 / coefficient, dict(others))
    whole, start, end = constant(1 / coefficient), place - len(lead), place + 1 + len(lead)
    if start >= 0 and word[start:place] == lead:
        share = multiplied(rest, {((), (letter,)): Integer(-1)}) if rest else {}
        return word[:start], added([whole, share]), word[place + 1 :]
    if word[place + 1 : end] == lead:
        share = multiplied({((), (letter,)): Integer(-1)}, rest) if rest else {}
        return word[:place], added([whole, share]), word[end:]
    return None


def _divided(below: Number, powers: Mapping[Number, int], word: Word) -> Sum | None:
    """Divide by a sum of numbers: where its leading product stands above, `l / (l + r) = 1 - r / (l + r)`."""
    (numbers, _), coefficient = max(below.inside, key=_degree)
    if not numbers or not coefficient.is_nonzero:
        return None
    if not all(0 < power <= powers.get(each, 0) for each, power in numbers):
        return None
    rest = dict(powers)
    for each, power in numbers:
        rest[each] -= power
    whole = dict(rest)
    whole[below] += 1
    found = [scaled(1 / coefficient, term(whole, word))]
    for (others, _), other in below.inside:
        if others != numbers:
            found.append(scaled(-other / coefficient, term(_together(tuple(rest.items()), others), word)))
    return added(found)


def _degree(of: tuple[Term, Expr]) -> tuple[int, str]:
    (numbers, _), _ = of
    return sum(power for _, power in numbers), written(of)


def inverse_number(of: Sum) -> Sum:
    """Return 1 divided by a sum of numbers."""
    if not of:
        raise LimitError("nothing divides by 0")
    if len(of) == 1:
        (((numbers, _), coefficient),) = of.items()
        return scaled(1 / coefficient, term({each: -power for each, power in numbers}, ()))
    return number(Number("sum", (), key(of)), -1)
