"""What a page says of letters that tell places along an axis: what they count, which parts of parameters they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sympy import Symbol

from symprop.algebra import nodes as n
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.notation.places import Named, Part, Stack
from symprop.notation.words import Words


def about_letters(derivation: Derivation, sides: Iterable[Node]) -> Iterator[Words]:
    """Say what letters tell, as far as they occur in the sides of equations."""
    parts = [part for side in sides for part in walk(side) if isinstance(part, (Part, Stack))]
    occurring = {str(place) for part in parts for place in _letters(part)}
    notes = {} if isinstance(derivation.network, Formula) else derivation.network.notes
    told = {letter: notes[letter] for letter in notes if letter in occurring}
    if not told:
        return
    which = (
        part for letter, (noun, more) in told.items() for part in (", ", Symbol(letter), f" tells the {noun}{more}")
    )
    each = (part for letter in told for part in (" and ", Symbol(letter)))
    yield (*list(which)[1:], ": an equation with ", *list(each)[1:], " holds for each.")
    first: dict[tuple[int, int, str], Part] = {}
    for part in parts:
        array = part.operands[0]
        if isinstance(part, Part) and isinstance(array, n.Variable) and not array.is_gradient:
            for axis, digits in enumerate(part.address if set(map(str, _letters(part))) <= told.keys() else ()):
                if len(digits) > 1 and isinstance(digits[0].place, Named):
                    first.setdefault((axis, array.rank, "".join(map(str, _letters(part)))), part)
    said: list[str | Node | Symbol] = []
    for (axis, rank, letters), part in sorted(
        first.items(), key=lambda item: (item[0][0], -item[0][1], item[1].sort_key())
    ):
        where = [part for letter in reversed(letters) for part in (" of ", f"{told[letter][0]} ", Symbol(letter))]
        what = f" are the {('rows', 'columns')[axis]} of " if rank > 1 else " is the part of "
        said += ["; " * bool(said), part, what, part.operands[0], " for ", *where[1:]]
    if said:
        yield (*filter(None, said), ".")


def _letters(part: Part | Stack) -> list[Named]:
    return [digit.place for axis in part.address for digit in axis if isinstance(digit.place, Named)]
