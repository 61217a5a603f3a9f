"""The proof: a difference of sums of words is brought to zero, multiplied by what its inverses are the inverse of.

`S E = 0` says `E = 0`, since S has an inverse wherever E has a value. So the difference is multiplied from either side
by the sums whose inverses stand at that end of its words, as one does on paper for the lemma of Woodbury. What is found
so is a proof; what is not says nothing.

Reference: Cohn, *Skew Fields* (1995), whose free field is where such identities live.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.errors import LimitError
from symprop.formulas.compare.inverses.reading import words
from symprop.formulas.compare.inverses.words import (
    BUDGET,
    Budget,
    Letter,
    Number,
    Numbers,
    Sum,
    Term,
    Word,
    added,
    multiplied,
    scaled,
    transposed,
    turned,
)

DEEPEST = 4
"""How many times a difference is multiplied by a sum whose inverse it holds."""
KINDS = (n.Inverse, n.Determinant, n.LogDeterminant, n.MatrixPower)


def same_words(first: Node, second: Node) -> bool:
    """Whether two formulas with inverses or determinants are proved to be equal as sums of products of matrices.

    >>> from symprop.algebra.formula import formula
    >>> arrays = {"A": "n n", "U": "n k", "C": "k k", "V": "k n"}
    >>> f = formula("inv(A + U @ C @ V)", **arrays).node
    >>> g = formula("inv(A) - inv(A) @ U @ inv(inv(C) + V @ inv(A) @ U) @ V @ inv(A)", **arrays).node
    >>> same_words(f, g)
    True
    """
    if first.rank > 2 or not any(isinstance(part, KINDS) for node in (first, second) for part in walk(node)):
        return False
    BUDGET.set(Budget())
    try:
        return _vanishes(added([words(first), scaled(Integer(-1), words(second))]), DEEPEST)
    except LimitError:
        return False


def _vanishes(of: Sum, depth: int) -> bool:
    for form in (_without_ends(of), of):
        if not form or (depth > 0 and any(_vanishes(each, depth - 1) for each in _cleared(form))):
            return True
    return False


def _cleared(of: Sum) -> Iterator[Sum]:
    """Yield the sum times what it divides by, or else times sums whose inverses stand at an end of its words."""
    below = {each for numbers, _ in of for each, power in numbers if each.head == "sum" and power < 0}
    if below:
        for each in sorted(below, key=repr):
            of = multiplied(dict(each.inside), of)
        yield of
        return
    for letter in _inverses(word[0] for _, word in of if word):
        yield multiplied(_undone(letter), of)
    for letter in _inverses(word[-1] for _, word in of if word):
        yield multiplied(of, _undone(letter))


def _inverses(ends: Iterator[Letter]) -> list[Letter]:
    """Return the inverses among letters, each once, those of sums first."""
    found = dict.fromkeys(letter for letter in ends if letter.name == "inv")
    return sorted(found, key=lambda letter: (-len(letter.inside), repr(letter)))


def _undone(letter: Letter) -> Sum:
    inside = dict(letter.inside)
    return transposed(inside) if letter.turned else inside


# ---------------------------------------------------------------- what all words have in common


def _without_ends(of: Sum) -> Sum:
    """Return the sum without letters that all of its words begin or end with: `x' F y` is 0 where F is."""
    if of and all(not word for _, word in of):
        of = _opened(of)
    for place in (0, -1):
        while of and all(word for _, word in of) and len({word[place] for _, word in of}) == 1:
            of = {(numbers, word[1:] if place == 0 else word[:-1]): each for (numbers, word), each in of.items()}
    return of


def _opened(of: Sum) -> Sum:
    """Return a sum of numbers `x' F y` as one of words, where each has the same ends; else as it is."""
    first = next(iter(of))[0]
    for chosen in [each for each, power in first if each.head == "word" and power == 1]:
        found: Sum = {}
        for (numbers, _), coefficient in of.items():
            told = _with_ends(numbers, chosen.word[0], chosen.word[-1])
            if told is None or told in found:
                break
            found[told] = coefficient
        else:
            return found
    return of


def _with_ends(numbers: Numbers, start: Letter, end: Letter) -> Term | None:
    """Return numbers as a word with these ends and the rest: `x' A y`, or `x' u` and `v' y` as `x' u v' y`."""
    both = [
        (each, word)
        for each, power in numbers
        if power == 1 and each.head == "word"
        for word in dict.fromkeys((each.word, turned(each.word)))
    ]
    whole: list[tuple[tuple[Number, ...], Word]]
    whole = [((each,), word) for each, word in both if len(word) > 1 and (word[0], word[-1]) == (start, end)]
    whole += [
        ((one, other), left + right)
        for (one, left), (other, right) in itertools.permutations(both, 2)
        if one != other and left[0] == start and right[-1] == end
    ]
    if not whole:
        return None
    taken, word = whole[0]
    return tuple(pair for pair in numbers if pair[0] not in taken), word
