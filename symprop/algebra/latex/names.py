r"""Names in LaTeX and the arrays that they mean: `W_{1}`, `\mathbf{W}^{(1)}` and `W1` are one name.

A name is known by how our own printers write it, read by the same reader, so that what is printed is read back;
looks (bold, upright) are nothing, a layer above is one below, and a subscript
that is no part of a known name is an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.tokens import Token, tokens
from symprop.algebra.latex.trees import FONTS, Tex, plain
from symprop.algebra.latex.words import ACCENTS, LETTERS
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node
from symprop.algebra.roles import LOSS
from symprop.errors import FormulaError

INDEX = re.compile(r"[A-Za-z](?:_?\d+)?|\d+")
_TURNED = frozenset({"top", "T", "intercal", "dagger", "-", "+", "odot", "circ", "ast", "*", "H"})


class UndeclaredError(FormulaError):
    """A name that is not among those that are declared."""


class Key(NamedTuple):
    """A name without its looks: letter with accent, what stands below it or is its layer, marks."""

    stem: str
    below: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


class Unit(NamedTuple):
    """A part of a superscript that may belong to a name: a layer `(l)`, a prime, the letter of a weight."""

    text: str
    group: int
    rest: tuple[Token, ...]  # what stands behind it in its group


@dataclass(frozen=True)
class Found:
    """What a name means, the subscripts that are indices, and the superscripts that are no part of it."""

    what: Node | Expr
    indices: tuple[str, ...]
    above: tuple[tuple[Token, ...], ...]

    @property
    def left(self) -> int:
        """How much of what stands below and above is no part of the name."""
        return len(self.indices) + sum(map(len, self.above))


@dataclass
class Names:
    """The arrays and numbers that a formula may name."""

    known: dict[Key, Node | Expr] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    """The letters of names by those that an author writes for them."""
    by_people: bool = True
    """Whether a person wrote the formula, who may count places from 1."""
    functions: dict[str, Any] = field(default_factory=dict)
    """Elementwise functions that are not of the language, such as a network's own activations."""
    sigma: str = "sigmoid"
    """The function that is called by the letter sigma; empty where several may be."""
    counters: dict[str, Symbol] = field(default_factory=dict)
    """The indices of blocks, over which sums are."""
    of_network: bool = False
    """Whether an array has a role in a network, on whose page `vec` lists rows."""

    def enter(self, what: Node | Expr) -> None:
        """Enter an array, a size, or a number with a name; the first of a name stays."""
        self.of_network |= isinstance(what, n.Variable) and what.role not in ("", LOSS)
        for key in keys_of(what):
            self.known.setdefault(key, what)
        if isinstance(what, n.Variable):
            for symbol in sorted({symbol for part in what.index for symbol in part.free_symbols}, key=str):
                self.counters.setdefault(str(symbol), symbol)

    def find(self, tree: Tex) -> Found | None:
        """Return what a name means; None where nobody knows it."""
        written = self.written.get(tree.text.removeprefix("d "))
        own = self._find(tree)
        if written is None:
            return own
        chosen = self._find(replace(tree, text=f"{'d ' * tree.text.startswith('d ')}{written}"))
        if own is None or chosen is None:
            return own or chosen
        return chosen if chosen.left < own.left else own  # of two names with one letter, that which takes more of it

    def rows(self, tree: Tex) -> Found | None:
        r"""Return the matrix whose rows a small letter with an index stands for: of X they are `x_i`."""
        capital = tree.text.upper() if len(tree.text) == 1 else tree.text.capitalize()
        found = self.find(replace(tree, text=capital)) if len(tree.text) == 1 or tree.text in LETTERS else None
        is_matrix = found is not None and isinstance(found.what, Node) and found.what.rank == 2
        return found if is_matrix and found is not None and found.indices else None

    def _find(self, tree: Tex) -> Found | None:
        below, units = subscripts(tree.below), list(units_of(tree.above))
        for count in range(len(below), -1, -1):
            for taken in range(len(units), -1, -1):
                key = _key(tree.text, below[:count], units[:taken])
                if key in self.known:
                    return Found(self.known[key], below[count:], _left(tree.above, units, taken))
        return self._with_layer_above(tree, below)

    def _with_layer_above(self, tree: Tex, below: tuple[str, ...]) -> Found | None:
        """Find `W1` where `W^1` stands and nothing is called `W`."""
        layer = plain(tree.above[0]) if tree.above else ""
        for count in range(len(below), -1, -1) if layer else ():
            key = Key(tree.text, tuple(sorted([*below[:count], layer])))
            if key in self.known:
                return Found(self.known[key], below[count:], tree.above[1:])
        return None

    def __contains__(self, stem: str) -> bool:
        return Key(stem) in self.known


def subscripts(below: tuple[Token, ...]) -> tuple[str, ...]:
    r"""Return the parts of a subscript, apart by commas.

    >>> subscripts(tokens("1,:,i"))
    ('1', ':', 'i')
    """
    found, depth = [""], 0
    for token in below:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.text == "," and not depth:
            found.append("")
        else:
            found[-1] += plain((token,))
    return tuple(filter(None, found))


def units_of(above: tuple[tuple[Token, ...], ...]) -> Iterator[Unit]:
    """Yield what may be parts of a name in its superscripts, as far as there are any."""
    for number, group in enumerate(above):
        place = 0
        inner = tuple(token for token in group if token.text not in FONTS and token.text not in "{}")
        while place < len(inner):
            here = inner[place]
            if here.kind == "open" and here.text in "([":
                end = next((k for k in range(place, len(inner)) if inner[k].kind == "close"), len(inner) - 1) + 1
                yield Unit(plain(inner[place + 1 : end - 1]).join("()"), number, inner[end:])
                place = end
                continue
            word = "'" if here.kind == "prime" or here.text in ("prime", "star") else here.text
            layer = place + 1 < len(inner) and inner[place + 1].kind == "open"  # W^{q\,(1)}
            if word in ("*", "ast") and len(inner) == 1:
                word = "*"
            elif word in _TURNED or not (word == "'" or (here.kind == "letter" and (len(inner) <= 3 or layer))):
                return
            place += 1
            yield Unit(word, number, inner[place:])


def _key(stem: str, below: Iterable[str], units: Iterable[Unit]) -> Key:
    texts = [each.text for each in units]
    layers = [text[1:-1] for text in texts if text.startswith("(")]
    return Key(stem, tuple(sorted([*below, *layers])), tuple(text for text in texts if not text.startswith("(")))


def _left(above: tuple[tuple[Token, ...], ...], units: list[Unit], taken: int) -> tuple[tuple[Token, ...], ...]:
    """The superscripts without the units that belong to the name."""
    if not taken:
        return above
    last = units[taken - 1]
    return (*((last.rest,) if last.rest else ()), *above[last.group + 1 :])


def keys_of(what: Node | Expr) -> tuple[Key, ...]:
    r"""Return the keys of an array, size or number: how it is printed, then other ways to write its name.

    >>> [(key.stem, *key.below) for key in keys_of(variable("W1"))]
    [('W', '1'), ('W1',)]
    """
    if isinstance(what, NamedNumber):
        what = what.variable
    if isinstance(what, Symbol):
        what = variable(what.name)
    if isinstance(what, n.Windowed) and (chosen := what.selection) is not None:
        what = n.Variable(chosen.letter, chosen.number, (), (), *chosen.mark)
    if isinstance(what, n.Known):
        what = n.Variable(what.name, (), what.shape)
    if not isinstance(what, n.Variable):
        return ()
    found = [_printed(what.latex())]
    if what.is_gradient:
        found.append(Key(f"d {found[0].stem}" if not found[0].stem.startswith("d ") else found[0].stem, *found[0][1:]))
        return tuple(found)
    name = what.name
    for accent in dict.fromkeys(ACCENTS.values()):
        if len(name) > len(accent) and name.endswith(accent) and not name.endswith(f"_{accent}"):
            found.append(Key(f"{accent} {name.removesuffix(accent)}"))  # yhat
    key = found[0]
    letters = [mark for mark in key.marks if mark.isalpha() and mark not in ("star",)]
    if letters:  # W^q is W_q too
        others = tuple(mark for mark in key.marks if mark not in letters)
        found.append(Key(key.stem, tuple(sorted([*key.below, *letters])), others))
    if "_" in name and not key.marks:  # y_pred, H_1, alpha_bar_t
        stem, *below = name.split("_")
        if below[0] in ACCENTS.values():
            found.append(Key(f"{below[0]} {stem}", tuple(sorted(filter(None, below[1:])))))
        found.append(Key(stem, tuple(sorted(filter(None, below)))))
    if name.endswith("_star"):  # w^*
        starred = _printed(variable(name.removesuffix("_star")).latex())
        found += [Key(starred.stem, starred.below, (mark,)) for mark in ("*", "'")]
        found += [Key(starred.stem, tuple(sorted([*starred.below, mark]))) for mark in ("*", "ast")]
    if len(name) > 1 and name[0].isalpha() and name[1:].isdigit():
        found.append(Key(name[0], (name[1:],)))
    found.append(Key(name))
    return tuple(dict.fromkeys(found))


def _printed(latex: str) -> Key:
    """Return the key of a name that our printers wrote."""
    tree = Parser(tokens(latex), latex).whole()
    mark = ""
    if tree.kind == "fraction":
        tree = gradient_by(tree) or tree
        mark = "d "
    units = list(units_of(tree.above))
    return _key(f"{mark}{tree.text}", subscripts(tree.below), units)


def gradient_by(tree: Tex, letter: str = "partial") -> Tex | None:
    r"""Return the name by which `\frac{\partial L}{\partial W}` differentiates; None for any other fraction."""
    of, by = (differentiated(part, letter) for part in tree.parts)
    is_name = of is not None and of.kind == "name" and of.bare
    return by if by is not None and by.kind == "name" and is_name else None


def differentiated(tree: Tex, letter: str = "partial") -> Tex | None:
    r"""Return what stands behind a `\partial`; None where none stands there."""
    first, *rest = tree.parts if tree.kind == "run" else (tree,)
    if first.kind != "name" or first.text != letter or not first.bare or not rest:
        return None
    return rest[0] if len(rest) == 1 else Tex("run", rest[0].start, tree.end, tuple(rest), words=tree.words[1:])


def stem_of(latex: str) -> str:
    r"""Return the letter of a name: `\mathcal{J}` is `J`, `\hat{y}` is `hat y`."""
    return Parser(tokens(latex), latex).whole().text


def text_name(tree: Tex, below: tuple[str, ...]) -> str:
    r"""Return the name in the text language of a name that nobody declared: `\hat{y}` is `y_hat`, `W_1` is `W1`.

    >>> text_name(Tex("name", 0, 1, text="hat y"), ()), text_name(Tex("name", 0, 1, text="lambda"), ())
    ('y_hat', 'lambda_')
    """
    if tree.text.startswith("d "):
        return f"d{text_name(Tex('name', 0, 1, text=tree.text[2:], above=tree.above), below)}"
    *accents, letter = tree.text.split(" ")
    layers = [unit.text[1:-1] for unit in units_of(tree.above) if unit.text.startswith("(")]
    parts = [re.sub(r"[^A-Za-z0-9]", "", part) for part in (*below, *layers)]
    if len(parts) == 1 and parts[0].isdigit() and not accents:
        return f"{letter}{parts[0]}"
    joined = "_".join(filter(None, (letter, *accents, *parts)))
    return f"{joined}_" if joined == "lambda" else joined
