r"""Lines that ask for a derivative: `\nabla_x x^\top A x`, `\frac{\partial}{\partial x} \log f`, a Hessian's.

What they differentiate is read as any formula; who compares such a line finds the answer, and compares that.

>>> from symprop.algebra.latex.tokens import tokens
>>> line = r"\frac{\partial \, x^\top A x}{\partial x}"
>>> [name.text for name in asked(tokens(line), line).by]
['x']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symprop.algebra.latex.names import gradient_by
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.words import CALLED
from symprop.errors import FormulaError

LETTERS = ("partial", "d")
"""What stands before a formula, and before what it is differentiated with respect to."""
MOST = 2
"""The most times that is differentiated."""


@dataclass(frozen=True)
class Asked:
    r"""What a line differentiates, and with respect to which names: one, or two for a second derivative.

    A name may be transposed, `\partial x^\top`.
    """

    of: Tex
    by: tuple[Tex, ...]


def asked(found: Sequence[Token], latex: str) -> Asked | None:
    r"""Return what a line asks for; None where it is a formula, such as a sum or a product with a derivative in it."""
    try:
        if found and (found[0].kind, found[0].text) == ("macro", "nabla"):
            return _by_nabla(found, latex)
        return _by_fraction(Parser(found, latex).whole())
    except FormulaError:  # which is said where it is read as a formula
        return None


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
    elif _is_called(of) and len(of.parts[1].parts) == 1:
        by = of.parts[1].parts[0]
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
    of = of.parts[0] if _is_called(of) else of
    is_clear = of.kind not in ("sum", "term", "relation") and by
    return Asked(of, by) if is_clear and all(each.kind == "name" for each in by) else None


def _is_called(of: Tex) -> bool:
    """Whether a name stands before names in brackets, as in `f(x)` and `L(W, b)`: what it stands for, no product."""
    if of.kind != "run" or len(of.parts) != 2 or of.words[0]:
        return False
    name, inside = of.parts
    is_name = name.kind == "name" and name.text not in CALLED
    is_group = inside.kind == "group" and inside.text == "(" and inside.bare
    return is_name and is_group and all(each.kind == "name" for each in inside.parts)
