r"""LaTeX read into its tree: one method for each kind of phrase, no shapes, nothing evaluated.

Factors side by side bind before `\odot`, `\oslash` and `\otimes`, these before `+`; a sum sign reaches to the next `+`
or `-`; a function without brackets takes what stands behind it up to the next function, sum or bracket.
"""

from __future__ import annotations

from collections.abc import Sequence

from symprop.algebra.latex.commands import Commands
from symprop.algebra.latex.cursor import missing, unexpected
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import FONTS, Tex
from symprop.algebra.latex.words import BESIDE, PRODUCTS, RELATIONS
from symprop.errors import FormulaError, LimitError, ReadingError

MOST_SIGNS = 20


class Parser(Commands):
    """Reads tokens from left to right."""

    def whole(self) -> Tex:
        """Read all tokens as one formula."""
        tree = self.condition()
        if self.here is not None:
            self.refuse(unexpected(self.here))
        return tree

    def condition(self) -> Tex:
        left = self.sum()
        if self.here is None or self.here.kind != "sign" or self.here.text not in RELATIONS:
            return left
        sign = self.take().text
        right = self.sum()
        return Tex("relation", left.start, right.end, (left, right), RELATIONS[sign])

    def sum(self) -> Tex:
        terms: list[Tex] = []
        signs: list[str] = []
        start = self.here.start if self.here else self.end
        while not terms or self.sees("+", "-", "pm", "mp"):
            signs.append(self.leading_sign())
            terms.append(self.term())
        if len(terms) == 1 and signs == ["+"]:
            return terms[0]
        return Tex("sum", start, self.end, tuple(terms), words=tuple(signs))

    def leading_sign(self) -> str:
        """Take the signs before a term: `-` where an odd number of them is."""
        first, sign = self.place, "+"
        while self.sees("+", "-", "pm", "mp"):
            taken = self.take()
            if self.place - first > MOST_SIGNS:
                self.refuse(f"more than {MOST_SIGNS} signs in a row", self.tokens[first], LimitError)
            if taken.text in ("pm", "mp"):
                self.refuse(f"\\{taken.text} is two formulas; write the one that is meant", taken)
            sign = "-" if (sign == "-") != (taken.text == "-") else "+"
        return sign

    def term(self) -> Tex:
        parts, signs = [self.run()], []
        while self.here is not None and self.here.text in PRODUCTS and self.here.kind in ("macro", "sign"):
            signs.append(self.take().text)
            parts.append(self.run())
        if not signs:
            return parts[0]
        kinds = {PRODUCTS[sign] for sign in signs}
        if len(kinds) > 1 and ("kron" in kinds or "/" in [PRODUCTS[sign] for sign in signs[:-1]]):
            first, second = (_written(sign) for sign in list(dict.fromkeys(signs))[:2])
            at = Tex("term", parts[0].start, parts[-1].end)
            self.refuse(f"two readings: put brackets around {first} or {second}", at, ReadingError)
        return Tex("term", parts[0].start, self.end, tuple(parts), words=tuple(signs))

    def run(self) -> Tex:
        parts, between = [self.signed_item()], []
        while True:
            here = self.here
            if here is not None and (here.text in BESIDE or here.text == "/") and here.kind in ("macro", "sign"):
                between.append(self.take().text)
                parts.append(self.signed_item())
            elif self.starts_item():
                between.append("")
                parts.append(self.item())
            else:
                break
        if "/" in between:
            _put_below(parts, between)
        if len(parts) == 1:
            return parts[0]
        return Tex("run", parts[0].start, self.end, tuple(parts), words=tuple(between))

    def signed_item(self) -> Tex:
        if not self.starts_item():
            self.refuse(missing(self.here) if self.here else "something is missing at the end")
        return self.item()

    def starts_item(self) -> bool:
        here = self.here
        if here is None:
            return False
        if here.kind == "bar":
            bar = "‖" if here.text == "||" else here.text
            return not (self.bars and (self.bars[-1] == bar or (self.bars[-1] == "|" and here.text == "||")))
        if here.kind == "macro":
            return here.text not in PRODUCTS and here.text not in BESIDE and here.text not in ("pm", "mp", "in", "to")
        return here.kind in ("letter", "number", "open", "begin") or (here.kind == "sign" and here.text == "{")

    def item(self) -> Tex:
        self.deeper()
        base = self.base()
        while self.here is not None:
            if base.kind not in ("over",) and (self.sees("^", "_", kind="sign") or self.sees_kind("prime")):
                base = self.scripted(base)
            elif self.sees("!", kind="sign"):
                base = Tex("factorial", base.start, self.take().end, (base,))
            elif self.sees("[", kind="open") and base.kind not in ("number", "over", "fraction") and self.selects():
                base = self.selection(base)
            else:
                break
        self.depth -= 1
        return base

    def scripted(self, base: Tex) -> Tex:
        """Return what stands here with its scripts; what has some already is what they stand at."""
        below: tuple[Token, ...] = ()
        above: list[tuple[Token, ...]] = []
        while self.sees("^", "_", kind="sign") or self.sees_kind("prime"):
            if self.sees_kind("prime"):
                above.append((self.take(),))
            elif self.take().text == "^":
                above.append(self.script())
            elif below:
                self.refuse("a second subscript; braces tell what it belongs to")
            else:
                below = self.script()
        if not base.bare or base.kind == "apply":  # f(x)' is no f'(x)
            base = Tex("group", base.start, base.end, (base,), "{}")
        fields = (base.kind, base.start, self.end, base.parts, base.text, base.words)
        return Tex(*fields, below, tuple(above))

    def base(self) -> Tex:
        here = self.take()
        if here.kind == "number":
            return Tex("number", here.start, here.end, text=here.text)
        if here.kind == "letter":
            return self.letters(here)
        if here.kind in ("open", "bar"):
            return self.bracketed(here)
        if here.kind == "begin":
            return self.environment(here)
        if here.text == "{" and here.kind == "sign":
            self.place -= 1
            inside = self.braced()
            if not inside:  # {}, behind which an item is
                return self.base() if self.starts_item() else self.refuse(missing(self.here))
            tree = self.over(inside).whole()
            if tree.kind == "name" or (tree.kind in ("number", "group") and tree.bare):
                return tree
            return Tex("group", here.start, self.end, (tree,), "{}")
        if here.kind != "macro":
            self.refuse(missing(here), here)
        return self.command(here)


def _put_below(parts: list[Tex], between: list[str]) -> None:
    r"""Make fractions of what stands side by side as in `\partial f / \partial x`."""
    place = 0
    while place < len(parts) - 3:
        line = next((k for k in range(place, len(parts) - 1) if _is_line(parts, between, k)), None)
        first = next((k for k in range(place, line or 0) if parts[k].text == "partial"), None)
        if line is None or first is None:
            return
        above = Tex(
            "run",
            parts[first].start,
            parts[line - 1].end,
            tuple(parts[first:line]),
            "",
            tuple(between[first : line - 1]),
        )
        by = Tex("run", parts[line].start, parts[line + 1].end, tuple(parts[line : line + 2]), words=("",))
        of = above if line - first > 1 else parts[first]
        parts[first : line + 2] = [Tex("fraction", of.start, by.end, (of, by))]
        del between[first : line + 1]
        place = first + 1


def _is_line(parts: Sequence[Tex], between: Sequence[str], place: int) -> bool:
    r"""Whether a `\partial` with something behind it stands below a line."""
    return place > 0 and between[place - 1] == "/" and parts[place].text == "partial" and not between[place]


def exponent(group: Sequence[Token], latex: str) -> Tex | None:
    """Return the formula that a superscript holds; None for a transpose, an inverse, a layer and the like."""
    inner = [token for token in group if token.text not in FONTS and token.text not in "{}"]
    if not inner or (inner[0].kind == "open" and inner[-1].kind == "close"):
        return None
    if inner[0].text in ("odot", "circ"):
        inner = inner[1:]
        group = inner
    if all(token.text in NO_EXPONENTS for token in inner):
        return None
    try:
        return Parser(group, latex).whole()
    except FormulaError:  # what it is, is asked where it stands
        return None


NO_EXPONENTS = frozenset({"top", "T", "intercal", "'", "prime", "H", "-", "+", "*", "ast", "star", "dagger", "1", "t"})
"""What a superscript may hold that is no exponent."""


def _written(sign: str) -> str:
    return sign if sign == "*" else f"\\{sign}"
