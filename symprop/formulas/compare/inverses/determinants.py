"""Determinants of sums of words: `det(A + B) = det(A) det(I + inv(A) B)`, Sylvester's `det(I + A B) = det(I + B A)`.

What is shown with the inverse of a matrix holds for all matrices, since both sides are continuous and those that have
an inverse are dense; so matrices of 0 and 1 alone are left out.

Reference: J. J. Sylvester, *On the relation between the minor determinants of linearly equivalent quadratic functions*
(1851); Harville, *Matrix Algebra From a Statistician's Perspective* (1997), chapter 18.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Integer, log

from symprop.formulas.compare.inverses.words import (
    Key,
    Letter,
    Number,
    Sum,
    Term,
    Word,
    added,
    closed,
    constant,
    cyclic,
    inverse_number,
    key,
    longer,
    multiplied,
    number,
    scaled,
    transposed,
)

Inverse = Callable[[Sum, Expr], Sum]


def determinant(of: Sum, size: Expr, inverse: Inverse) -> Sum:
    """Return the determinant of a sum of words of one size, as a product of simpler ones where there is one."""
    pivot = _pivot(of, size)
    if pivot is None:
        return _whole(of)
    taken = {pivot: of[pivot]}
    rest = multiplied(inverse(taken, size), {each: number for each, number in of.items() if each != pivot})
    return multiplied(_product(pivot[1], of[pivot], size, inverse), _beside_identity(rest))


def _pivot(of: Sum, size: Expr) -> Term | None:
    """A term that is a product of matrices which have an inverse: the identity, or the first of the shortest."""

    def is_square(word: Word) -> bool:
        return all(letter.shape == (size, size) and _is_general(letter) for letter in word)

    found = [
        (numbers, word) for numbers, word in of if not numbers and is_square(word) and of[numbers, word].is_nonzero
    ]
    return min(found, key=lambda each: longer(each[1]), default=None)


def _is_general(letter: Letter) -> bool:
    return letter.name == "inv" or letter.name.startswith("variable")


def _product(word: Word, coefficient: Expr, size: Expr, inverse: Inverse) -> Sum:
    found = constant(coefficient**size)
    for letter in word:
        if letter.name != "inv":
            found = multiplied(found, number(Number("det", (letter._replace(turned=False),))))
            continue
        inside = dict(letter.inside)
        found = multiplied(found, inverse_number(determinant(inside, size, inverse)))
    return found


def _whole(of: Sum) -> Sum:
    straight, other = key(of), key(transposed(of))
    return number(Number("det", (), min(straight, other, key=repr)))


def _beside_identity(rest: Sum) -> Sum:
    """`det(I + rest)`; of one word it is that of each rotation, and of `u v'` it is `1 + v' u`."""
    if not rest:
        return constant(Integer(1))
    if len(rest) > 1:
        identity = constant(Integer(1))
        return _whole(added([identity, rest]))
    (((numbers, word), coefficient),) = rest.items()
    turn = next((place for place, letter in enumerate(word) if letter.shape[0] == 1), None)
    if turn is not None:
        value = scaled(coefficient, multiplied({(numbers, ()): Integer(1)}, number(closed(word[turn:] + word[:turn]))))
        return added([constant(Integer(1)), value])
    before: Key = (((numbers, ()), coefficient),)
    return number(cyclic("det 1 +", word, before))


def logarithm(of: Sum) -> Sum:
    """Return the logarithm of the size of a number: a sum, of a product."""
    if len(of) != 1:
        return number(Number("log", (), key(of)))
    (((numbers, _), coefficient),) = of.items()
    parts = [constant(log(abs(coefficient)))]
    parts += [scaled(Integer(power), number(Number("log", (), key(number(each))))) for each, power in numbers]
    return added(parts)
