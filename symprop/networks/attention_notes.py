"""What pages say of attention beside its equations: what the indices of heads tell, what masks and rotations hold."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Fact, Known, Scalar, Variable
from symprop.networks.books import Books
from symprop.networks.positions import BASE


def letters_of_heads(count: int, sizes: Sequence[Expr]) -> str:
    """Return the letters by which pages tell heads: h, of groups g and h; others where sizes are called so.

    >>> letters_of_heads(1, ()), letters_of_heads(2, (Symbol("h"),))
    ('h', 'gj')
    """
    taken = {str(symbol) for size in sizes for symbol in size.free_symbols}
    group, head = (next(each for each in letters if each not in taken) for letters in ("gruxo", "hjkpe"))
    return head if count == 1 else group + head


def at_heads(letters: str) -> tuple[Fact, ...]:
    """Return what pages know of arrays of matrices: their first axes are those of the heads."""
    return tuple(Fact(f"place {letter}", axis) for axis, letter in enumerate(letters))


def for_heads(letters: str, sizes: Sequence[Expr], axis: int) -> tuple[Fact, ...]:
    """Return what pages know of parameters: along an axis are the blocks of the heads."""
    return tuple(Fact(f"block {letter}", axis) for letter, size in zip(letters, sizes, strict=True) if size != 1)


def tell_heads(books: Books, letters: str) -> None:
    """Say what the letters of heads tell: a noun, and more of it."""
    group, head = letters[:-1], letters[-1]
    for letter in group:
        books.notes[letter] = ("group", " of heads that share keys and values")
    books.notes[head] = ("head", " in it" if group else " of an attention")


def tell_width(books: Books, width: Symbol, share: Expr) -> None:
    """Say what the width of a head stands for."""
    books.notes[width] = (width, " is the width of a head, ", share, ".")


def tell_mask(books: Books, mask: Known) -> None:
    """Say what a causal mask hides."""
    hidden = Scalar(-sympy.oo)
    seen = "position i sees positions 1 to i."
    books.notes[mask] = (mask, " is 0 where a position is seen, and ", hidden, f" where it is not: {seen}")


def tell_rotation(books: Books, C: Known, S: Known, J: Known) -> None:
    """Say what the known data of rotated queries or keys hold."""
    d, i, t = C.shape[-1], Symbol("i"), Variable("t", (), ())
    angle = n.Multiply(t, n.Power(n.Power(Scalar(BASE), 2 * i / d), -1))
    pair = (i, " and ", i, " + ", d / 2, ", with ", i, " from 0 to ", d / 2 - 1)
    books.notes[C] = (C, " and ", S, " hold the cosine and the sine of ", angle, f" at position {t.name}, from 0, for")
    books.notes[C] += (" the features ", *pair, ".")
    books.notes[S] = ()
    x = Variable("x", (), (d, d))
    books.notes[J] = (
        x @ J,
        " has the second of two such features, negative, and the first, each in the other's place.",
    )
