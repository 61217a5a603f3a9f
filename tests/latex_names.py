"""Trees of formulas in LaTeX, and their leaves: names with their subscripts, marks and layers, and elements of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from latex_tokens import Cursor, Token, Unreadable


@dataclass(frozen=True, eq=False)
class Tree:
    """`kind` of operation, the parts that it is of, and words: a name, a function, a relation, indices."""

    kind: str
    parts: tuple[Tree, ...] = ()
    text: str = ""
    words: tuple[str, ...] = ()


INDEX = r"[a-z](?:_\d+)?"
BOLD = {"mathbf", "boldsymbol", "bm"}
UPRIGHT = {"mathrm", "mathsf", "mathcal", "mathit", "mathbb", "mathfrak"}
ACCENTS = {"dot", "bar", "hat", "tilde", "vec"}
GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "varpi", "rho", "varrho", "sigma", "varsigma", "tau", "upsilon", "phi", "varphi",
    "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
    "ell", "nabla",
}  # fmt: skip


class NameReader(Cursor):
    """Reads names."""

    def name(self, first: str) -> Tree:
        """Read a name with its subscripts, marks and layers, or an element of it in a sum."""
        stem = self.stem(first)
        below: list[str] = []
        if self.sees("_"):
            self.take()
            below = self.script().split(",")
        elements: tuple[str, ...] = ()
        has_weights = not self.names or any(re.search(r"\^[qkvo]", name) for name in self.names)
        marks = self.marks("qkvo" if stem in ("W", "b") and has_weights else "")
        whole = "_".join(filter(None, (stem, ",".join(below)))) + marks in self.names
        if below and not whole and self.bound and set(self.bound) & set(re.findall(INDEX, ",".join(below))):
            below, elements = self.apart(stem, below, marks)
        elif (
            below
            and below[0].isdigit()
            and f"{stem}_{below[0]}" not in self.bound
            and stem in self.names
            and f"{stem}_{below[0]}" not in self.names
        ):
            below, elements = [], tuple(below)  # the only place of an axis of length 1
        text = stem + (f"_{','.join(below)}" if below else "") + marks
        if text in self.bound and not elements:
            return Tree("index", text=text)
        if stem == "K" and len(below) == 2 and text not in self.names:
            return Tree("commutation", words=tuple(below))
        return Tree("element" if elements else "name", text=text, words=elements)

    def apart(self, stem: str, below: list[str], marks: str) -> tuple[list[str], tuple[str, ...]]:
        """Tell the subscripts of a name from places in its array, which stand behind them: `W_{1,:,i}`, `y_{ij}`."""
        last = len(below) - 1
        names = ["_".join(filter(None, (stem, ",".join(below[:k])))) + marks for k in range(last)]
        own = next((k for k, name in enumerate(names) if name in self.names), last)
        places = below[own:]
        plain = len(places) == 1 and places[0].isalnum()
        return below[:own], tuple(places[0] if plain else places)

    def stem(self, first: str) -> str:
        """Return the letter of a name: of one in bold or upright letters the letters, of one with an accent both."""
        if not first.startswith("\\"):
            return first
        macro = first[1:]
        if macro in BOLD | UPRIGHT:
            inner = self.argument()
            return "".join(token.text for token in inner.tokens if token.kind not in "{}")
        if macro in ACCENTS:
            inner = self.argument()
            return f"{macro} {inner.stem(inner.token_text())}"
        if macro not in GREEK:
            raise Unreadable(f"the command {first}")
        return macro

    def script(self) -> str:
        """Return a subscript as text."""
        inside = self.argument().tokens
        return "".join(token.text for token in inside if token.kind not in "{}" and token.text not in UPRIGHT)

    def marks(self, whose: str = "") -> str:
        """Take primes, stars and layers `(l)` from a superscript; what stands behind them is left to be read.

        So is the small letter of a weight, `W^{q}` of queries, where a name has it.
        """
        if not self.sees("^"):
            return ""
        start = self.position
        self.take()
        inside = self.argument().tokens
        end = int(bool(inside) and inside[0].kind == "letter" and inside[0].text in whose)
        marks = ("star",) if self.prime == "transpose" else ("star", "prime")
        while end < len(inside) and inside[end].kind == "macro" and inside[end].text in marks:
            end += 1
        while end < len(inside) and inside[end] == Token("open", "("):
            end = next(k for k in range(end, len(inside)) if inside[k] == Token("close", ")")) + 1
        if not end:
            self.position = start
            return ""
        rest = inside[end:]
        if rest:  # `^{(l)\top}`: the layer belongs to the name, the transpose is an operation
            group = [Token("^", "^"), Token("{", "{"), *rest, Token("}", "}")]
            self.tokens[start : self.position] = group
            self.position = start
        return "^" + "".join(token.text for token in inside[:end])
