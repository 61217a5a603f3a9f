r"""Derivatives that a line asks for: `\nabla_x x^\top A x`, `\frac{\partial}{\partial x} \log f`, a Hessian.

They are all of a line or parts of it, `x - \eta \nabla_x \|x\|^2`. What they differentiate is read as any formula; who
compares such a line finds the answers, and compares the line with these in their places.

>>> from symprop.algebra.latex.tokens import tokens
>>> line = r"x - \eta \nabla_x \|x\|^2 + y"
>>> [line[each.start : each.end] for each in questions(tokens(line), line)]
['\\nabla_x \\|x\\|^2']
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from symprop.algebra.latex.called import arguments
from symprop.algebra.latex.names import gradient_by
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.tokens import Token, outside
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.words import FRACTIONS, RELATIONS, TRANSPOSED
from symprop.errors import FormulaError

LETTERS = ("partial", "d")
"""What stands before a formula, and before what it is differentiated with respect to."""
BEGIN = frozenset({"nabla", "partial", *FRACTIONS})
"""Commands with which a derivative begins."""
MOST = 2
"""The most times that is differentiated."""
MOST_ASKED = 20
MOST_SIGNS = 60
"""The most derivatives of one statement, and signs of them that are looked at."""


@dataclass(frozen=True)
class Asked:
    r"""What is differentiated, and with respect to which names: one, or two for a second derivative.

    A name may be transposed, `\partial x^\top`. It stands from the token `first` to before `last` of its line, and
    from `start` to `end` of the LaTeX.
    """

    of: Tex
    by: tuple[Tex, ...]
    first: int = 0
    last: int = 0
    start: int = 0
    end: int = 0

    @property
    def reaches(self) -> bool:
        r"""Whether what is differentiated ends with the derivative, no name and in no brackets: `\nabla_x \|x\|^2`."""
        is_clear = self.of.kind == "name" or (self.of.kind == "group" and self.of.text[0] in "([{")
        return self.of.end == self.end and not (self.of.bare and is_clear) and not arguments(self.of)


def questions(found: Sequence[Token], latex: str) -> tuple[Asked, ...]:
    """Return the derivatives that a formula asks for, from left to right; the first of them, where there are many."""
    kept: list[Asked] = []
    for place in [k for k in range(len(found)) if _begins(found[k : k + 6])][:MOST_SIGNS]:
        if len(kept) < MOST_ASKED and (not kept or place >= kept[-1].last):
            kept += next(([one] for one in _read(found, place, latex)), [])
    return tuple(kept)


def _begins(found: Sequence[Token]) -> bool:
    r"""Whether a derivative may begin here: with `\nabla`, a `\partial`, or a fraction that begins with this or a d."""
    sign, *behind = (token.text for token in found)
    return sign in BEGIN - FRACTIONS or (sign in FRACTIONS and any(each in LETTERS for each in behind))


def _read(found: Sequence[Token], place: int, latex: str) -> Iterator[Asked]:
    """Yield what the derivative may be that begins at a place: the shortest first."""
    for end in _ends(found, place, latex):
        with suppress(FormulaError):  # what is no derivative is read as a formula, which says what is wrong
            one = _by_nabla(found[place:end], latex) if found[place].text == "nabla" else None
            one = one or _by_fraction(Parser(found[place:end], latex).whole())
            if one is not None:
                yield replace(one, first=place, last=end, start=found[place].start, end=found[end - 1].end)


def _ends(found: Sequence[Token], place: int, latex: str) -> Iterator[int]:
    r"""Yield where a derivative may end: behind its fraction or `\nabla f(x)`, before a bar, with its term."""
    reader = Parser(found[place:], latex)
    with suppress(FormulaError):
        if found[place].text == "nabla":
            reader.scripted(Tex("name", reader.take().start, reader.end))
        else:
            reader.base()
            yield place + reader.place
        if found[place].text == "partial":
            yield from _behind_slash(found, place, latex)
        elif found[place].text == "nabla":
            yield from _behind_call(reader, place)
    yield from _term_ends(found, place)


def _behind_call(reader: Parser, place: int) -> Iterator[int]:
    r"""Yield where the `f(x)` of `\nabla f(x)` and `\nabla f(x)^\top v` ends, where nothing else may belong to it."""
    name = reader.item()
    if name.kind == "name" and reader.sees("(", kind="open"):
        inside = reader.base()
        end = reader.place
        whole = reader.scripted(inside)
        is_turned = all(plain(group) in TRANSPOSED for group in whole.above)
        is_call = arguments(Tex("run", name.start, inside.end, (name, inside), words=("",)))
        ends = is_turned if whole.above else not reader.starts_item() and not reader.sees("/", "cdot", "times")
        if is_call and ends:
            yield place + end


def _behind_slash(found: Sequence[Token], place: int, latex: str) -> Iterator[int]:
    r"""Yield where `\partial f / \partial x` ends that begins at a place."""
    for k, token in outside(found[place:]):
        if token.text == "/" and [each.text for each in found[place + k + 1 : place + k + 2]] == ["partial"]:
            reader = Parser(found[place + k + 2 :], latex)
            reader.item()
            yield place + k + 2 + reader.place
            return


def term(found: Sequence[Token], place: int, latex: str) -> tuple[Tex | None, int]:
    """Return the term that begins at a place, None where it is no formula, and where it ends."""
    end = len(found)
    for end in _term_ends(found, place):
        with suppress(FormulaError):
            return Parser(found[place:end], latex).whole(), end
    return None, end


def _term_ends(found: Sequence[Token], place: int) -> Iterator[int]:
    """Yield where a term may end: before a bar, where one is open, a sign, a relation, or a bracket that closes."""
    is_in_bars = _is_in_bars(found[:place])
    depth = bars = 0
    for k in range(place, len(found)):
        token = found[k]
        depth += token.opens - token.closes
        if depth < 0 or (not depth and not bars % 2 and token.text in _BETWEEN and token.kind in ("sign", "macro")):
            yield k
            return
        if not depth and token.kind == "bar":
            if is_in_bars:
                yield k
            bars += 1
    yield len(found)


_BETWEEN = frozenset({"+", "-", "pm", "mp", ",", ";", "&", *RELATIONS})


def _is_in_bars(before: Sequence[Token]) -> bool:
    """Whether a bar before a place is open there, of bars that do not say their side."""
    bars = [0]
    for token in before:
        if token.opens:
            bars.append(0)
        elif token.closes and len(bars) > 1:
            bars.pop()
        bars[-1] += token.kind == "bar"
    return bars[-1] % 2 == 1


def _by_nabla(found: Sequence[Token], latex: str) -> Asked | None:
    r"""Read `\nabla_x f`, `\nabla_x^2 f` and `\nabla f(x)`, whose f is all that follows, if that is no sum."""
    reader = Parser(found[1:], latex)
    head = reader.scripted(Tex("name", found[0].start, found[0].end, text="nabla"))
    times = _times(head)
    if not times:
        return None
    of = Parser(reader.tokens[reader.place :], latex).whole()
    if head.below:
        by = Parser(head.below, latex).whole()
    elif len(arguments(of)) == 1:
        (by,) = arguments(of)
    else:
        return None
    return _of(of, (by,) * times)


def _by_fraction(tree: Tex) -> Asked | None:
    r"""Read `\frac{\partial f}{\partial x}`, `\frac{\partial}{\partial x} f`, `\frac{d^2 f}{dx^2}`."""
    fraction = tree.parts[0] if tree.kind == "run" else tree
    if fraction.kind != "fraction" or not fraction.bare:
        return None
    above, below = fraction.parts
    mark = above.parts[0] if above.kind == "run" else above
    if mark.kind != "name" or mark.text not in LETTERS or mark.below:
        return None
    if (above is mark) == (tree is fraction):  # f stands above the line, or behind the fraction
        return None
    of = _rest(above) if above is not mark else _rest(tree)
    by = _differentials(below, mark.text)
    return _of(of, by) if len(by) == _times(mark) else None


def is_differential(tree: Tex) -> bool:
    r"""Whether both sides of a fraction begin with a `d`, `\frac{d}{dx}`, `\frac{d^2 f}{dx^2}`, but not `dL/dx`."""
    above, below = (part.parts[0] if part.kind == "run" else part for part in tree.parts)
    begins = all(each.kind == "name" and each.text == "d" and not each.below for each in (above, below))
    return begins and tree.parts[1].kind == "run" and gradient_by(tree, "d") is None


def _times(mark: Tex) -> int:
    """Return how often is differentiated by what stands above a sign; 0 where that says something else."""
    above = "".join(map(plain, mark.above)) or "1"
    return int(above) if above.isdigit() and int(above) <= MOST else 0


def _differentials(below: Tex, letter: str) -> tuple[Tex, ...]:
    r"""Return the names in `\partial x \partial y`, and both of `\partial x^2` and of `\partial x \partial x^\top`."""
    parts = below.parts if below.kind == "run" else ()
    marks, names = parts[::2], parts[1::2]
    if len(marks) != len(names) or any(each.text != letter or not each.bare for each in marks):
        return ()
    if len(names) == 1 and "".join(map(plain, names[0].above)).isdigit():
        return (replace(names[0], above=()),) * _times(names[0])
    return tuple(names)


def _rest(tree: Tex) -> Tex:
    """Return a run without its first part."""
    first, *others = tree.parts[1:]
    return Tex("run", first.start, tree.end, (first, *others), words=tree.words[1:]) if others else first


def _of(of: Tex, by: tuple[Tex, ...]) -> Asked | None:
    is_clear = of.kind not in ("sum", "term", "relation") and by
    return Asked(of, by) if is_clear and all(each.kind == "name" for each in by) else None
