r"""Brackets in LaTeX read: groups, lists, bars, inner products, places of an array, environments."""

from __future__ import annotations

from itertools import accumulate, takewhile

from symprop.algebra.latex.cursor import CLOSES, Cursor, unexpected
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import FONTS, Tex, plain
from symprop.algebra.latex.words import RELATIONS
from symprop.errors import shown

_MATRICES = ("bmatrix", "pmatrix", "matrix", "Bmatrix", "smallmatrix", "array")
"""Environments that are a matrix."""
INSTEAD = {
    "vmatrix": "a determinant is \\det\\begin{bmatrix} ... \\end{bmatrix}",
    "Vmatrix": "a norm is \\|\\begin{bmatrix} ... \\end{bmatrix}\\|_F",
}
"""What to write in the place of environments with bars."""


class Brackets(Cursor):
    """Reads what stands between brackets."""

    def listed(self) -> tuple[tuple[Tex, ...], tuple[str, ...]]:
        """Read arguments in brackets, the axes that `\\text{axis }1` names among them."""
        opening = self.take()
        parts: list[Tex] = []
        axes: list[str] = []
        bars, self.bars = self.bars, []
        while True:
            if self.sees("text", kind="macro"):
                word = self.take()
                if plain(self.argument_tokens(True)) not in ("axis", "axes"):
                    self.refuse("words are no part of a formula; an axis is told by \\text{axis }1", word)
                axes.append(self.take().text)
            elif axes and axes[-1] != ";" and self.sees_kind("number"):
                axes.append(self.take().text)
            else:
                parts.append(self.entry())
            if not self.sees(",", ";", kind="sign"):
                break
            if self.take().text == ";":
                axes.append(";")
        if not (self.sees_kind("close")):
            self.refuse(unexpected(self.here) if self.here else f"{CLOSES[opening.text]} is missing here")
        self.take()
        self.bars = bars
        return tuple(parts), tuple(axes)

    def entry(self) -> Tex:
        """Read what stands between commas: a formula, a comparison, or a range `1:3`."""
        start = self.here.start if self.here else self.end
        nothing = Tex("nothing", start, start + 1)
        first = nothing if self.sees(":", kind="sign") else self.condition()
        if not self.sees(":", kind="sign"):
            return first
        self.take()
        ends_here = self.here is None or self.here.kind == "close" or self.sees(",", kind="sign")
        last = nothing if ends_here else self.condition()
        return Tex("range", start, self.end, (first, last))

    def selects(self) -> bool:
        """Whether brackets hold places of an array: a range, a number, or a name alone."""
        rest = self.tokens[self.place :]
        depths = accumulate({"open": 1, "close": -1}.get(token.kind, 0) for token in rest)
        inside = [token for token, _ in takewhile(lambda pair: pair[1], zip(rest, depths, strict=True))][1:]
        kinds = {token.kind for token in inside if token.text not in FONTS}
        if any(token.text == ":" for token in inside):
            return True
        return kinds <= {"number", "letter", "sign"} and not any(token.text in RELATIONS for token in inside)

    def selection(self, base: Tex) -> Tex:
        places, _ = self.listed()
        return Tex("take", base.start, self.end, (base, *places))

    def bracketed(self, opening: Token) -> Tex:
        bracket = opening.text
        if opening.kind == "bar" or bracket in ("|", "‖"):
            return self.barred(opening)
        bars, self.bars = self.bars, []
        if bracket == "⟨":
            first = self.sum()
            if not self.sees(",", "|", kind=""):
                self.refuse("an inner product has two sides, \\langle x, y \\rangle")
            self.take()
            second = self.sum()
            self.expect("⟨", "close")
            self.bars = bars
            return Tex("inner", opening.start, self.end, (first, second))
        self.bars = bars
        self.place -= 1
        parts, axes = self.listed()
        if axes:
            self.refuse(
                "an axis is told to a function, \\operatorname{mean}(A, \\text{axis }1)",
                Tex("group", opening.start, self.end),
            )
        return Tex("group", opening.start, self.end, parts, bracket)

    def barred(self, opening: Token) -> Tex:
        bar = "‖" if opening.text == "||" else opening.text
        sided = opening.kind == "open"
        self.bars.append("" if sided else bar)
        inside = self.sum()
        here = self.here
        if here is not None and here.kind == "bar" and here.text == "||" and bar == "|" and not sided:
            rest = Token("bar", "|", here.start + 1, here.end)
            self.tokens[self.place : self.place + 1] = [Token("bar", "|", here.start, here.start + 1), rest]
            here = self.here
        if here is None or here.kind not in ("bar", "close") or here.text.replace("||", "‖") != bar:
            self.refuse(unexpected(here) if here else f"{CLOSES[bar]} is missing here")
        self.bars.pop()
        self.take()
        return Tex("group", opening.start, self.end, (inside,), bar)

    def environment(self, opening: Token) -> Tex:
        bars, self.bars = self.bars, []
        name = opening.text
        if name == "array" and self.sees("{", kind="sign"):
            self.braced()
        rows: list[list[Tex]] = [[]]
        while not self.sees(name, kind="end"):
            if self.sees("&", kind="sign"):
                self.take()
            elif self.sees_kind("newline"):
                self.take()
                rows.append([])
            else:
                rows[-1].append(self.cell())
        self.take()
        self.bars = bars
        rows = [row for row in rows if row]
        if name in ("cases", "dcases", "rcases"):
            return Tex("cases", opening.start, self.end, tuple(self.choices(rows, opening)))
        if name not in _MATRICES:
            instead = INSTEAD.get(name) or f"a matrix is one of {', '.join(_MATRICES)}"
            self.refuse(f"the environment {shown(name)} is not read; {instead}", opening)
        made = (Tex("row", row[0].start, row[-1].end, tuple(row)) for row in rows)
        return Tex("matrix", opening.start, self.end, tuple(made))

    def cell(self) -> Tex:
        """Read one cell of an environment: a formula, or words with a condition behind them."""
        start = self.here.start if self.here else 0
        if self.sees("text", "mbox", "textrm", kind="macro"):
            self.take()
            word = plain(self.argument_tokens(True)).strip().lower()
            ends = self.here is None or self.here.kind in ("newline", "end")
            if ends:
                return Tex("words", start, self.end, text=word)
        found = self.condition()
        if self.sees(",", kind="sign"):
            self.take()
        return found

    def choices(self, rows: list[list[Tex]], opening: Token) -> list[Tex]:
        found: list[Tex] = []
        for row in rows:
            if len(row) != 2 or (row[1].kind == "words" and row is not rows[-1]):
                self.refuse(
                    "a case is a value, & and its condition; the last one is otherwise", row[0] if row else opening
                )
            found += row
        if not found or found[-1].kind != "words":
            self.refuse("the last case stands where no condition holds: & \\text{otherwise}", opening)
        return found[:-1]
