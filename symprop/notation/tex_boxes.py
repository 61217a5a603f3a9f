"""How wide TeX sets a formula, by the rules and the numbers by which TeX does (*The TeXbook*, appendix G).

A formula is a row of atoms, each with its width, its height and its depth. What TeX decides by a height, such as the
size of a delimiter, is decided by it here too. All measures are in points of TeX.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import replace

from symprop.notation.tex_atoms import Atom, Box, ends_of
from symprop.notation.tex_signs import (
    ACCENTS,
    ALPHABETS,
    CLOSE,
    DELIMITERS,
    GROWN,
    INNER,
    NAMED,
    OP,
    OPEN,
    ORD,
    SHAPES,
    SIGNS,
    SPACES,
    metrics,
)

DRAWN = (10, 8, 7, 6, 5)
"""The sizes whose widths are known."""
SIZES = {9: (9.0, 7.0, 6.0), 10: (10.0, 7.0, 5.0), 11: (10.95, 8.0, 6.0), 12: (12.0, 8.0, 6.0)}
"""Points of letters in text, in scripts and in scripts of scripts, by the size of the text."""
_AXIS, _NULL = 0.25, 1.2
"""The height of the axis, in quads, and the space beside a fraction."""
_TOKEN = re.compile(r"\\begin\{[a-z]+\*?\}(?:\[[a-z]\])?|\\end\{[a-z]+\*?\}|\\[A-Za-z]+ ?|\\.|.", re.DOTALL)
_SCRIPT_SPACE = 0.5


@functools.lru_cache(maxsize=20_000)
def width(text: str, points: int = 10) -> float:
    """Return how wide a formula is on a line of its own, in text of so many points.

    >>> round(width("p - y"), 1)  # as TeX does
    22.5
    """
    return _Setting(text, 0, True, points).box().width


def atoms_of(text: str, points: int = 10) -> list[tuple[int, float]]:
    """Return where the atoms of a formula begin in its text, with where they end on the line."""
    setting = _Setting(text, 0, True, points)
    found = setting.row()
    return [(atom.place, end) for atom, end in zip(found, ends_of(found, quad=setting.quad), strict=True)]


class _Setting:
    """Reads a formula from left to right and sets what it reads."""

    def __init__(self, text: str, style: int, display: bool, points: int) -> None:
        self.tokens = [(match[0].rstrip() or " ", match.start()) for match in _TOKEN.finditer(text)]
        self.at, self.style, self.display, self.points = 0, style, display, points
        self.text = text
        self.size = SIZES[points][style]
        self.quad, self.axis, self.scale = self.size, _AXIS * SIZES[points][0], self.size / 10

    def box(self) -> Box:
        """Set the row and measure it."""
        return self.measured(self.row())

    def measured(self, atoms: Sequence[Atom]) -> Box:
        """Return the measures of a row."""
        ends = list(ends_of(atoms, self.style > 0, self.quad))
        high = max((atom.height for atom in atoms), default=0.0)
        return Box(ends[-1] if ends else 0.0, high, max((atom.depth for atom in atoms), default=0.0))

    def row(self) -> list[Atom]:
        found: list[Atom] = []
        opened: list[int] = []
        while self.at < len(self.tokens):
            token, place = self.tokens[self.at]
            self.at += 1
            if token in ("^", "_"):
                found.append(self.scripts(found.pop() if found else Atom(ORD, ORD, 0.0, place=place), token))
            elif token == r"\left":
                opened.append(len(found))
                found.append(Atom(INNER, OPEN, 0.0, place=place, slant=0.0))
                self.delimiter()
            elif token == r"\right":
                shape = self.delimiter()
                start = opened.pop() if opened else None
                inside = found[(start + 1 if start is not None else 0) :]
                measured = self.measured(inside)
                wide, high = self.delimited(shape, measured)
                if start is not None:
                    mate, _ = self.delimited(self.shape_at(found[start].place), measured)
                    found[start] = replace(found[start], width=mate, height=high + self.axis, depth=high - self.axis)
                found.append(Atom(CLOSE, INNER, wide, high + self.axis, high - self.axis, place=place))
            elif not token.isspace() and token not in ("{}", "&"):
                found += self.atoms(token, place)
        return found

    def shape_at(self, place: int) -> str:
        found = re.match(r"\\left\s*(\\[A-Za-z]+|\\.|.)", self.text[place:])
        return SHAPES.get(found[1], "") if found else ""

    def delimiter(self) -> str:
        token, _ = self.tokens[self.at] if self.at < len(self.tokens) else (".", 0)
        self.at += 1
        return SHAPES.get(token, "")

    def delimited(self, shape: str, inside: Box) -> tuple[float, float]:
        """Return the width of a delimiter around a box, and half of its height."""
        reach = max(inside.height - self.axis, inside.depth + self.axis)
        least = max(2 * reach * 0.901, 2 * reach - 5.0)
        return _delimiter(shape, least)

    def argument(self) -> str:
        """Return the text of the next group or token."""
        while self.at < len(self.tokens) and self.tokens[self.at][0].isspace():
            self.at += 1
        if self.at >= len(self.tokens):
            return ""
        token, place = self.tokens[self.at]
        self.at += 1
        if token != "{":
            return token
        depth = 1
        while self.at < len(self.tokens):
            inner, end = self.tokens[self.at]
            self.at += 1
            depth += (inner == "{") - (inner == "}")
            if not depth:
                return self.text[place + 1 : end]
        return self.text[place + 1 :]

    def environment(self, name: str) -> str:
        """Return what stands in an environment."""
        start = self.tokens[self.at][1] if self.at < len(self.tokens) else len(self.text)
        depth = 1
        while self.at < len(self.tokens):
            token, place = self.tokens[self.at]
            self.at += 1
            depth += token.startswith(rf"\begin{{{name}}}") - (token == rf"\end{{{name}}}")
            if not depth:
                return self.text[start:place]
        return self.text[start:]

    def inner(self, text: str, style: int | None = None, display: bool = False) -> Box:
        chosen = self.style if style is None else style
        return _Setting(text, chosen, display and not chosen, self.points).box()

    def atoms(self, token: str, place: int) -> list[Atom]:
        """Set one token with its arguments."""
        if token in SPACES:
            return [Atom("", "", SPACES[token] * self.quad / 18, place=place, is_space=True)]
        if token in (r"\textstyle", r"\displaystyle"):
            self.display = token == r"\displaystyle"
            return []
        if "\ue000" <= token <= "\uf8ff":  # a mark of ours, which is not printed
            return []
        if token == "{":
            self.at -= 1
            inside = self.inner(self.argument(), display=self.display)
            return [Atom(ORD, ORD, inside.width, inside.height, inside.depth, place=place)]
        if token in (r"\frac", r"\tfrac", r"\dfrac"):
            return [replace(self.fraction(), place=place)]
        if token == r"\sqrt":
            return [replace(self.root(), place=place)]
        if token in ALPHABETS:
            return [replace(self.lettered(self.argument(), token), place=place)]
        if token.startswith(r"\begin{"):
            return [replace(self.array(re.sub(r".*\{|\}.*", "", token)), place=place)]
        if token in ACCENTS:
            inside = self.inner(self.argument())
            return [Atom(ORD, ORD, inside.width, inside.height + 2.5, inside.depth, place=place)]
        if (size := GROWN.get(token.rstrip("lr"))) is not None:
            kind = OPEN if token.endswith("l") else CLOSE if token.endswith("r") else ORD
            wide, high = _delimiter(self.delimiter(), size - 0.5)
            return [Atom(kind, kind, wide, high + self.axis, high - self.axis, place=place)]
        if token[1:] in NAMED and token.startswith("\\"):
            return [replace(self.lettered(token[1:], r"\operatorname"), place=place)]
        if token in (r"\dots", r"\ldots", r"\cdots"):
            return [Atom(INNER, INNER, (3 * 2.78 + 2 * 1.67) * self.scale, 1.1, place=place)]
        sign = SIGNS.get(token, SIGNS["M"])  # a sign that is not known is as wide as a wide letter
        wide, high, deep, slant = self.letter(sign.font, sign.code)
        return [Atom(sign.kind, sign.kind, wide, high, deep, slant, place)]

    def letter(self, font: str, code: int) -> tuple[float, float, float, float]:
        """Return the measures of a letter; large operators stand around the axis."""
        if font == "extension" and self.display:
            code += 8
        each = metrics()[font].get(str(code)) or metrics()["italic"]["77"]
        size = (self.size if font != "extension" else 10.0) / 1000  # Latin Modern has large operators of one size
        drawn = next(place for place, points in enumerate(DRAWN) if points <= self.size)
        wide, high, deep, slant = each[drawn] * size, *(part * size for part in each[len(DRAWN) :])
        if font == "extension":
            half = (high + deep) / 2
            high, deep = half + self.axis, half - self.axis
        return wide + slant, high, deep, slant

    def lettered(self, text: str, command: str) -> Atom:
        """Set words or letters in a font."""
        font = ALPHABETS[command]
        if command == r"\boldsymbol" or re.search(r"\\(?!_)", text):
            inside = self.inner(text)
            return Atom(ORD, ORD, 1.15 * inside.width, inside.height, inside.depth)
        words = text.replace(r"\_", "_")
        space = 3.33 * self.scale if command == r"\text" else 0.0
        found = [self.letter(font, ord(each)) for each in words if not each.isspace()]
        wide = sum(each[0] - (0.0 if font == "italic" else each[3]) for each in found)
        wide += space * sum(map(str.isspace, words))
        kind = OP if command == r"\operatorname" else ORD
        high = max((each[1] for each in found), default=0.0)
        return Atom(kind, kind, wide, high, max((each[2] for each in found), default=0.0))

    def fraction(self) -> Atom:
        style = self.style if self.display else min(self.style + 1, 2)
        above, below = (self.inner(self.argument(), style) for _ in range(2))
        up, down = (part * self.scale for part in ((6.77, 6.86) if self.display else (3.94, 3.45)))
        gap = 1.2 if self.display else 0.4
        up = max(up, self.axis + 0.2 + gap + above.depth)
        down = max(down, gap + below.height - self.axis + 0.2)
        wide = max(above.width, below.width) + 2 * _NULL
        return Atom(ORD, ORD, wide, above.height + up, below.depth + down)

    def root(self) -> Atom:
        """Set a root (rule 11): the sign has the first size that is high enough, and what it is higher is shared."""
        inside = self.inner(self.argument(), display=self.display)
        total, clear = inside.height + inside.depth, (1.48 if self.display else 0.5) * self.scale
        size = next(
            (each for each in (10.0, 12.0, 18.0, 24.0, 30.0) if each >= total + clear + 0.4), total + clear + 0.4
        )
        clear += max(0.0, size - 0.4 - total - clear) / 2
        wide = (8.33 if size == 10 else 10.0) * (self.scale if size == 10 else 1.0)
        return Atom(ORD, ORD, wide + inside.width, inside.height + clear + 0.8, size - 0.4 - inside.height - clear)

    def array(self, name: str) -> Atom:
        """Set the cells of an environment, in columns."""
        lines = re.split(r"\\\\(?:\[[^]]*\])?", self.environment(name))
        cells = [[self.inner(cell.strip()) for cell in line.split("&")] for line in lines if line.strip()]
        columns = [
            max((line[at].width for line in cells if at < len(line)), default=0.0)
            for at in range(max(map(len, cells), default=0))
        ]
        between = 0.0 if name == "aligned" else self.quad
        half = 0.72 * self.quad * len(cells)
        around = {"cases": 1, "bmatrix": 2, "pmatrix": 2}.get(name, 0)
        wide = sum(columns) + between * max(0, len(columns) - 1)
        wide += around * _delimiter("curly" if name == "cases" else "square", 2 * half)[0] + (
            _NULL if name == "cases" else 0.0
        )
        return Atom(INNER, INNER, wide, half + self.axis, half - self.axis)

    def scripts(self, base: Atom, sign: str) -> Atom:
        """Set what stands above and below an atom."""
        given = {sign: self.argument()}
        while self.at < len(self.tokens) and self.tokens[self.at][0] in ("^", "_"):
            sign = self.tokens[self.at][0]
            self.at += 1
            given[sign] = self.argument()
        style = min(self.style + 1, 2)
        above, below = (self.inner(given[each], style) if each in given else Box(0.0, 0.0, 0.0) for each in "^_")
        if base.left == OP and self.display and base.height > 8:
            wide = max(base.width, above.width, below.width)
            high = base.height + (above.height + above.depth + 3.0 if "^" in given else 0.0)
            return replace(
                base,
                width=wide,
                height=high,
                depth=base.depth + (below.height + below.depth + 3.0 if "_" in given else 0.0),
            )
        up = max((4.13 if self.display else 3.63) * self.scale, base.height - 2.7 * self.scale)
        down = max(2.47 if "^" in given else 1.5, base.depth + 0.5) * self.scale
        plain = base.width - base.slant
        ends = [plain + below.width if "_" in given else 0.0, base.width + above.width if "^" in given else 0.0]
        wide = max(ends) + _SCRIPT_SPACE
        high = max(base.height, up + above.height if "^" in given else 0.0)
        deep = max(base.depth, down + below.depth if "_" in given else 0.0)
        return Atom(base.left, base.right, wide, high, deep, 0.0, base.place)


def _delimiter(shape: str, least: float) -> tuple[float, float]:
    """Return the width of the first delimiter of a shape that is so high, and half of its height."""
    if not shape:
        return _NULL, least / 2
    for high, wide in DELIMITERS[shape]:
        if not high or high >= least:
            return wide / 100, max(high, least) / 2
    raise LookupError(f"no delimiter {shape}")
