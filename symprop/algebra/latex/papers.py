r"""The numbered equations of a paper's LaTeX, counted as LaTeX counts them; nothing in it is run, no macro expanded.

>>> source = r"\begin{align} y &= A x \label{eq:y} \\ L &= \|y\|^2 \nonumber \end{align}"
>>> source += r" \begin{equation} a = b \end{equation}"
>>> [(each.number, each.label, each.latex) for each in equations(source)]
[('1', 'eq:y', 'y &= A x'), ('', '', 'L &= \\|y\\|^2'), ('2', '', 'a = b')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from symprop.errors import FormulaError, LimitError, listed, shown

LONGEST = 2_000_000
"""The most characters of a paper."""
_ONE = frozenset({"equation", "multline", "displaymath", "math"})
"""Environments that are one equation; of the others each line is one."""
_MANY = frozenset({"align", "gather", "flalign", "alignat", "eqnarray", "dmath"})
_TOKEN = re.compile(
    r"""(?P<comment>(?<!\\)%[^\n]*) | \\begin\{(?P<verbatim>verbatim\*?|lstlisting|comment|minted)\}
    | \\(?P<side>begin|end)\{(?P<name>[A-Za-z]+)(?P<star>\*?)\}(?P<columns>\{[0-9]+\})?
    | (?P<open>\\\[) | (?P<close>\\\]) | (?P<line>\\\\(?:\[[^\]\n]*\])?)
    | \\(?P<word>nonumber|notag)(?![A-Za-z]) | \\tag(?P<raw>\*?)\{(?P<tag>[^{}]*)\} | \\label\{(?P<label>[^{}]*)\}
    | \\(?P<set>setcounter|addtocounter)\{equation\}\{(?P<by>-?[0-9]+)\}
    | (?P<within>\\numberwithin\{equation\}\{section\})
    | \\(?P<section>section)(?=[\[{])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class PaperEquation:
    """One equation: its number as it is printed ("" where it has none), its label, its LaTeX, the line it begins on."""

    number: str
    label: str
    latex: str
    line: int


@dataclass
class _Counter:
    """What LaTeX counts."""

    equation: int = 0
    section: int = 0
    within: bool = False
    part: int = -1  # in subequations, 0 before the first
    main: str = ""

    def step(self) -> str:
        if self.part >= 0:
            self.part += 1
            return f"{self.main}{chr(96 + self.part)}"
        self.equation += 1
        return self.written()

    def written(self) -> str:
        return f"{self.section}.{self.equation}" if self.within else str(self.equation)


@dataclass
class _Open:
    """A line of an environment that is being read."""

    numbered: bool
    many: bool
    start: int
    pieces: list[str] = field(default_factory=list)
    label: str = ""
    tag: str | None = None
    silent: bool = False
    depth: int = 0


def equations(source: str) -> tuple[PaperEquation, ...]:
    """Return the displayed equations of a source in their order.

    Raises:
        LimitError: more than 2,000,000 characters.
    """
    if len(source) > LONGEST:
        raise LimitError(f"LaTeX of {len(source):,} characters; at most {LONGEST:,} are allowed")
    return tuple(_equations(source))


def equation(source: str, which: str) -> PaperEquation:
    r"""Return the equation of a number or a label.

    >>> equation(r"\begin{equation}\label{loss} L = x^\top x\end{equation}", "loss").latex
    'L = x^\\top x'

    Raises:
        FormulaError: none has this number or label.
    """
    found = equations(source)
    asked = which.strip("()")
    kept = [each for each in found if asked and asked in (each.number, each.label)]
    if len(kept) == 1:
        return _whole(found, kept[0])
    if kept:
        lines = listed(each.line for each in kept)
        others = listed(filter(None, (each.number if asked == each.label else each.label for each in kept)))
        told = f"{len(kept)} equations are called {shown(which)}, in lines {lines}"
        raise FormulaError(f"{told}\nallowed: {others or 'a label of one alone'}")
    known = listed((each.label or each.number for each in found if each.label or each.number), 200)
    raise FormulaError(f"no equation is called {shown(which)}\nallowed: {known or 'none has a number or a label'}")


_CONTINUES = re.compile(r"\s*(?:&|\\quad|\\qquad|\\[,;:! ]|\{\})*\s*(?:[-+=]|\\(?:cdot|times|odot|circ)(?![A-Za-z]))")


def _whole(found: Sequence[PaperEquation], chosen: PaperEquation) -> PaperEquation:
    """Return an equation with the lines before it that it goes on from, which have no number."""
    place = found.index(chosen)
    latex = chosen.latex
    while place and _CONTINUES.match(latex) and not found[place - 1].number:
        place -= 1
        latex = f"{found[place].latex} {latex}"
    return replace(chosen, latex=latex, line=found[place].line)


def _equations(source: str) -> Iterator[PaperEquation]:
    count, here = _Counter(), None
    place, hidden = 0, ""
    for match in _TOKEN.finditer(source):
        if hidden:
            if match["side"] == "end" and match["name"] + match["star"] == hidden:
                hidden, place = "", match.end()
            continue
        if here is not None:
            here.pieces.append(source[place : match.start()])
        place = match.end()
        if match["verbatim"]:
            hidden = match["verbatim"]
        elif here is None:
            here = _opened(match, count)
        elif _closes(match, here):
            yield from _closed(here, count, source)
            here = None
        elif match["line"] and here.many and not here.depth:
            yield from _closed(here, count, source)
            here = _Open(here.numbered, True, match.end())
        else:
            _inside(match, here)


def _opened(match: re.Match[str], count: _Counter) -> _Open | None:
    """Return the environment that begins here, if one does; count what else is counted."""
    name = match["name"] or ""
    if name == "subequations":
        if match["side"] == "begin":
            count.main, count.part = count.step(), 0
        else:
            count.part = -1
    if match["set"]:
        count.equation = int(match["by"]) + (count.equation if match["set"] == "addtocounter" else 0)
    count.within |= bool(match["within"])
    if match["section"]:
        count.section += 1
        count.equation = 0 if count.within else count.equation
    if match["open"]:
        return _Open(False, False, match.end())
    if match["side"] == "begin" and name in _ONE | _MANY:
        numbered = not match["star"] and name not in ("displaymath", "math")
        return _Open(numbered, name in _MANY, match.end())
    return None


def _closes(match: re.Match[str], here: _Open) -> bool:
    ends = bool(match["close"]) or (match["side"] == "end" and (match["name"] or "") in _ONE | _MANY)
    return ends and not here.depth


def _inside(match: re.Match[str], here: _Open) -> None:
    """Take what an equation says of itself; all else belongs to its formula."""
    if match["word"]:
        here.silent = True
    elif match["tag"] is not None:
        here.tag = match["tag"]
    elif match["label"] is not None:
        here.label = match["label"]
    elif not match["comment"]:
        here.depth += {"begin": 1, "end": -1}.get(match["side"] or "", 0)
        here.pieces.append(match[0])


def _closed(here: _Open, count: _Counter, source: str) -> Iterator[PaperEquation]:
    latex = "".join(here.pieces).strip()
    counts = here.numbered and not here.silent and here.tag is None
    if not latex and not here.label:  # also the line behind a last \\ has its number in LaTeX
        if counts:
            count.step()
        return
    number = here.tag if here.tag is not None else count.step() if counts else ""
    yield PaperEquation(number, here.label, latex, source.count("\n", 0, here.start) + 1)
