r"""Commands in LaTeX read: fractions, roots, fonts, accents, functions and sums."""

from __future__ import annotations

from symprop.algebra.latex.brackets import Brackets
from symprop.algebra.latex.cursor import unexpected
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import FONTS, GRADIENT_OF, LOOSE, Tex, plain
from symprop.algebra.latex.words import (
    ACCENTS,
    CALLED,
    FRACTIONS,
    HINTS,
    LETTERS,
    OF_MATRICES,
    OVER,
    TRANSPOSED,
    UPRIGHT,
    function_named,
)
from symprop.errors import ReadingError, shown

LONGEST_WORD = 20
"""How many letters the name of a function may have that has no command."""


class Commands(Brackets):
    """Reads what begins with a backslash, and letters."""

    def letters(self, here: Token) -> Tex:
        """Read a letter, or letters that are the name of a function before its bracket: `tr(A)`."""
        last = self.place
        while last < min(len(self.tokens), self.place + LONGEST_WORD) and self.tokens[last].kind == "letter":
            if self.tokens[last].start != self.tokens[last - 1].end:
                break
            last += 1
        word = "".join(token.text for token in self.tokens[self.place - 1 : last])
        opens = self.tokens[last].text if last < len(self.tokens) and self.tokens[last].kind == "open" else ""
        apart = last < len(self.tokens) and self.tokens[last].start > self.tokens[last - 1].end
        needs_none = word in UPRIGHT and (len(word) > 2 or opens == "[" or apart)  # log x, Tr[A B], tr A
        if len(word) > 1 and (opens == "(" or needs_none) and function_named(word):
            self.place = last
            return self.function(word, here)
        return Tex("name", here.start, here.end, text=here.text)

    def command(self, here: Token) -> Tex:
        word = here.text
        if word in FRACTIONS:
            above, below = self.argument(), self.argument()
            return Tex("fraction", here.start, self.end, (above, below))
        if word == "sqrt":
            which = self.root_index()
            if self.sees("(", kind="open"):
                inside = self.bracketed(self.take())
            elif self.latex[here.start : here.end] == "√":  # of all digits, and of a letter with what stands below
                inside = self.item()
            else:
                inside = self.argument()
            return Tex("root", here.start, self.end, (inside, *which))
        if word in ("abs", "norm"):
            inside = self.argument()
            return Tex("group", here.start, self.end, (inside,), "|" if word == "abs" else "‖")
        if word in FONTS:
            return self.in_font(here)
        if word in ACCENTS:
            inner = self.over(self.argument_tokens(True)).stem()
            return Tex("name", here.start, self.end, text=f"{ACCENTS[word]} {inner}")
        if word == "log" and self.sees("Gamma", kind="macro"):
            self.take()
            return self.function("gammaln", here)
        if word in UPRIGHT or word in OVER:
            return self.function(word, here)
        if word in ("ldots", "cdots", "dots", "vdots", "ddots"):
            self.refuse("dots leave open what is meant; write a sum", here)
        if word == "nabla" and self.sees("_", kind="sign"):
            return self.gradient(here)
        if word == "nabla" and self.starts_item() and not self.sees_kind("open", "bar", "begin", "number"):
            by = self.item()
            if by.kind != "name":
                self.refuse("\\nabla stands before the name of an array, whose gradient it is", here)
            if self.sees("(", kind="open"):  # \nabla f(x)
                self.refuse(HINTS["nabla"], here)
            return Tex("name", here.start, self.end, text=f"d {by.text}", below=by.below, above=by.above)
        if word in LETTERS:
            return Tex("name", here.start, here.end, text=LETTERS[word])
        told = f"; type solve(A, {word}) for A\\{word}" if len(word) == 1 else ""
        told = f"; {HINTS[word]}" if word in HINTS else told
        return self.refuse(f"\\{word} is not among the commands that are read{told}", here)

    def gradient(self, here: Token) -> Tex:
        r"""Read `\nabla_W L`, and `\nabla_W L(W)`: the derivative with respect to W, where that has a name."""
        self.take()
        by = self.over(self.script()).whole()
        of = self.item() if self.starts_item() else None
        if by.kind != "name" or of is None or of.kind != "name":
            self.refuse("a gradient is \\nabla_W L, that of a loss by the name of an array", here)
        above = [group for group in of.above if not plain(group).startswith("(")]  # L^{(t)}
        if self.sees("(", kind="open"):
            above += self.item().above
        if any(plain(group) not in TRANSPOSED for group in above):
            whole = Tex("name", here.start, self.end)
            self.refuse(
                "two readings: a gradient of a power, or a power of a gradient; write brackets", whole, ReadingError
            )
        scripts = by.below, (*by.above, *above)
        return Tex("name", here.start, self.end, (), f"d {by.text}", (GRADIENT_OF, of.text), *scripts)

    def root_index(self) -> tuple[Tex, ...]:
        if not self.sees("[", kind="open"):
            return ()
        self.take()
        index = self.sum()
        self.expect("[", "close")
        return (index,)

    def in_font(self, here: Token) -> Tex:
        """Read a letter, a digit or a word in some font; a word that is a function is one."""
        if here.text == "operatorname" and self.sees("*", kind="sign"):
            self.take()
        inside = self.argument_tokens(True)
        word = plain(inside).strip()
        if f"{here.text} {word}" in HINTS and (self.sees_kind("open") or self.sees("_", kind="sign")):
            self.refuse(HINTS[f"{here.text} {word}"], here)
        apart = len(self.latex[here.end : self.end].strip("{} ~").split()) > 1  # \text{ for all }
        is_word = word.isalnum() and not apart
        if here.text in ("text", "mbox", "textrm") and not is_word and not function_named(word):
            self.refuse("words are no part of a formula", here)
        upright = here.text in ("operatorname", "mathrm", "text", "mathsf", "textrm", "mbox") and len(word) > 1
        if word in OVER or here.text == "operatorname" or (upright and function_named(word)):
            return self.function(word, here)
        if word.replace(".", "").isdigit():
            return Tex("number", here.start, self.end, text=word, words=(here.text,))
        inner = self.over(inside)
        if inner.here is not None and not inner.sees("{", kind="sign") and len(inside) > 1:
            return Tex("name", here.start, self.end, text=inner.stem())
        if len(inside) > 1 and any(each.text in ("_", "^") for each in inside):  # \mathbf{x_1}
            tree = self.over(inside).whole()
            return Tex(tree.kind, here.start, self.end, tree.parts, tree.text, tree.words, tree.below, tree.above)
        words = (here.text,) if word in ("I", "e", "E", "R", "S", "P") else ()
        return Tex("name", here.start, self.end, text=self.over(inside).stem(), words=words)

    def stem(self) -> str:
        """Return the letters of a name, with an accent before them."""
        letters = ""
        while self.here is not None:
            here = self.take()
            if here.kind == "macro" and here.text in ACCENTS:
                return f"{ACCENTS[here.text]} {self.over(self.argument_tokens(True)).stem()}"
            if here.kind == "macro" and here.text in LETTERS:
                letters += LETTERS[here.text]
            elif here.kind in ("letter", "number"):
                letters += here.text
            elif not (here.text in ("{", "}") or here.text in FONTS):
                self.refuse("no part of a name", here)
        return letters or self.refuse_end()

    def function(self, word: str, here: Token) -> Tex:
        """Read a function with its scripts and arguments, or what is taken over an index."""
        below: tuple[Token, ...] = ()
        above: list[tuple[Token, ...]] = []
        if word == "arg" and self.sees("max", "min", kind="macro"):
            word += self.take().text
        while self.sees("^", "_", kind="sign") or self.sees_kind("prime"):
            if self.sees_kind("prime"):
                above.append((self.take(),))
            elif self.take().text == "^":
                above.append(self.script())
            else:
                below = self.script()
        called = here.text != "sum" and self.sees("(", kind="open")  # \operatorname{sum}(A) B is no \sum (A) B
        if word in OVER and (below or (word == "sum" and not called)):
            body = self.term()
            return Tex("over", here.start, self.end, (body,), word, below=below, above=tuple(above))
        name = function_named(word) or (word if here.text == "operatorname" else "")
        if not name and word not in ("argmax", "argmin"):
            self.refuse(f"{shown(word)} is no function of the language of formulas", here)
        parts, axes = self.arguments(name)
        tree = Tex("apply", here.start, self.end, parts, name, axes, below, tuple(above))
        return tree

    def arguments(self, name: str) -> tuple[tuple[Tex, ...], tuple[str, ...]]:
        """Read the arguments of a function: in brackets, or what stands behind it."""
        inside = self
        behind = self.tokens[self.place + 1 : self.place + 2]
        if self.sees("{", kind="sign") and behind and (behind[0].kind, behind[0].text) == ("open", "("):
            inside = self.over(self.braced())
        if inside.sees("(", "[", "{", kind="open"):
            parts, axes = inside.listed()
            if inside is not self and inside.here is not None:
                inside.refuse(unexpected(inside.here))
            return parts, axes
        if not self.starts_item():
            self.refuse(f"the argument of {name} is missing")
        return (self.loose(name),), ()

    def loose(self, name: str) -> Tex:
        """Read an argument without brackets."""
        if name in OF_MATRICES:
            return self.run()
        parts = [self.item()]
        if parts[0].kind == "name" and parts[0].text in CALLED and self.sees("(", kind="open"):  # \\log\\sigma(x)
            pair = (parts[0], self.item())
            return Tex("run", pair[0].start, self.end, pair, LOOSE, ("",))
        while self.starts_item() and not self.sees_kind("open", "bar", "begin") and not self.is_function():
            if parts[-1].kind in ("apply", "over"):
                break
            parts.append(self.item())
        if len(parts) > 1 and parts[0].kind not in ("number",):
            behind = "".join(self.latex[part.start : part.end] for part in parts[1:])
            first = self.latex[parts[0].start : parts[0].end]
            whole = Tex("run", parts[0].start, parts[-1].end)
            told = f"two readings: {name}({first}) {behind} or {name}({first} {behind}); write brackets"
            self.refuse(told, whole, ReadingError)
        if len(parts) == 1:
            return parts[0]
        return Tex("run", parts[0].start, self.end, tuple(parts), words=("",) * (len(parts) - 1))

    def is_function(self) -> bool:
        here = self.here
        return (
            here is not None
            and here.kind == "macro"
            and (here.text in UPRIGHT or here.text in OVER or (here.text in FONTS and here.text in ("operatorname",)))
        )
