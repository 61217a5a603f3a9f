"""The signs of formulas as TeX knows them: for each its kind of atom, its font, and the letter in it.

Kinds and fonts are those of plain TeX and AMS (Knuth, *The TeXbook*, appendices F and G).
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

from symprop.templating import directory

ORD, OP, BIN, REL, OPEN, CLOSE, PUNCT, INNER = "ord", "op", "bin", "rel", "open", "close", "punct", "inner"


@dataclass(frozen=True)
class Sign:
    """A sign: its kind of atom, its font and the code of its letter."""

    kind: str
    font: str
    code: int


_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "varepsilon", "vartheta", "varpi", "varrho",
    "varsigma", "varphi",
)  # fmt: skip
_CAPITALS = ["Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"]
_RELATIONS = {r"\in": 0x32, r"\le": 0x14, r"\leq": 0x14, r"\ge": 0x15, r"\geq": 0x15, r"\to": 0x21, r"\sim": 0x18,
              r"\subset": 0x1A, r"\approx": 0x19, r"\equiv": 0x11, r"\propto": 0x2F, r"\mid": 0x6A}  # fmt: skip
_OPERATIONS = {r"\cdot": 1, r"\times": 2, "*": 3, "-": 0, r"\odot": 0x0C, r"\oslash": 0x0B, r"\otimes": 0x0A,
               r"\oplus": 8, r"\circ": 0x0E, r"\pm": 6, r"\cap": 0x5C, r"\cup": 0x5B, r"\wedge": 0x5E}  # fmt: skip
_SYMBOLS = {r"\infty": 0x31, r"\top": 0x3E, r"\prime": 0x30, r"\nabla": 0x72, r"\|": 0x6B, r"\Vert": 0x6B, "|": 0x6A,
            r"\vert": 0x6A, r"\forall": 0x38, r"\exists": 0x39, r"\emptyset": 0x3B}  # fmt: skip

SIGNS: dict[str, Sign] = {
    **{rf"\{name}": Sign(ORD, "italic", 11 + place) for place, name in enumerate(_GREEK)},
    **{rf"\{name}": Sign(ORD, "roman", place) for place, name in enumerate(_CAPITALS)},
    **{name: Sign(REL, "symbols", code) for name, code in _RELATIONS.items()},
    **{name: Sign(BIN, "symbols", code) for name, code in _OPERATIONS.items()},
    **{name: Sign(ORD, "symbols", code) for name, code in _SYMBOLS.items()},
    **{each: Sign(ORD, "italic", ord(each)) for each in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{each: Sign(ORD, "roman", ord(each)) for each in "0123456789!?"},
    r"\partial": Sign(ORD, "italic", 0x40),
    r"\ell": Sign(ORD, "italic", 0x60),
    ".": Sign(ORD, "italic", 0x3A),
    "/": Sign(ORD, "italic", 0x3D),
    ",": Sign(PUNCT, "italic", 0x3B),
    ";": Sign(PUNCT, "roman", 0x3B),
    ":": Sign(REL, "roman", 0x3A),
    "=": Sign(REL, "roman", 0x3D),
    "<": Sign(REL, "italic", 0x3C),
    ">": Sign(REL, "italic", 0x3E),
    "+": Sign(BIN, "roman", 0x2B),
    "(": Sign(OPEN, "roman", 0x28),
    ")": Sign(CLOSE, "roman", 0x29),
    "[": Sign(OPEN, "roman", 0x5B),
    "]": Sign(CLOSE, "roman", 0x5D),
    r"\{": Sign(OPEN, "symbols", 0x66),
    r"\}": Sign(CLOSE, "symbols", 0x67),
    r"\lfloor": Sign(OPEN, "symbols", 0x62),
    r"\rfloor": Sign(CLOSE, "symbols", 0x63),
    r"\langle": Sign(OPEN, "symbols", 0x68),
    r"\rangle": Sign(CLOSE, "symbols", 0x69),
    r"\sum": Sign(OP, "extension", 0x50),
    r"\prod": Sign(OP, "extension", 0x51),
}
"""Signs of one letter."""
NAMED = ("log", "exp", "sin", "cos", "tan", "tanh", "sinh", "cosh", "max", "min", "arctan", "det", "ln")
"""Operators that TeX writes in roman letters."""
ALPHABETS = {r"\mathbf": "bold", r"\boldsymbol": "bold italic", r"\mathrm": "roman", r"\mathsf": "sans",
             r"\mathbb": "double", r"\mathcal": "symbols", r"\operatorname": "roman", r"\text": "roman",
             r"\mathit": "italic", r"\textbf": "bold"}  # fmt: skip
"""Commands that write their argument in a font."""
ACCENTS = (r"\hat", r"\tilde", r"\bar", r"\vec", r"\dot", r"\ddot", r"\check", r"\breve", r"\widehat", r"\widetilde")
"""Accents, which stand above a letter and take no more room."""
SPACES = {r"\,": 3, r"\:": 4, r"\;": 5, r"\!": -3, r"\quad": 18, r"\qquad": 36, r"\ ": 6, "~": 6}
"""Spaces in eighteenths of a quad."""
DELIMITERS: dict[str, tuple[tuple[int, int], ...]] = {
    "round": ((10, 389), (12, 458), (18, 597), (24, 736), (30, 792), (0, 875)),
    "square": ((10, 278), (12, 417), (18, 472), (24, 528), (30, 583), (0, 667)),
    "curly": ((10, 500), (12, 583), (18, 667), (24, 750), (30, 806), (0, 889)),
    "bar": ((10, 278), (0, 333)),
    "bars": ((10, 500), (0, 556)),
}
"""How wide delimiters are by their whole height in points, in letters of 10; the last one grows."""
SHAPES = {"(": "round", ")": "round", "[": "square", "]": "square", r"\{": "curly", r"\}": "curly", "|": "bar",
          r"\|": "bars", r"\vert": "bar", r"\Vert": "bars", r"\lvert": "bar", r"\rvert": "bar", r"\lVert": "bars",
          r"\rVert": "bars", r"\langle": "round", r"\rangle": "round", r"\lfloor": "square",
          r"\rfloor": "square"}  # fmt: skip
GROWN = {r"\big": 12, r"\Big": 18, r"\bigg": 24, r"\Bigg": 30}
"""How high delimiters of a size that is told are."""
_SPACING = {
    (ORD, OP): 3, (ORD, BIN): 4, (ORD, REL): 5, (ORD, INNER): 3, (OP, ORD): 3, (OP, OP): 3, (OP, REL): 5,
    (OP, INNER): 3, (BIN, ORD): 4, (BIN, OP): 4, (BIN, OPEN): 4, (BIN, INNER): 4, (REL, ORD): 5, (REL, OP): 5,
    (REL, OPEN): 5, (REL, INNER): 5, (CLOSE, OP): 3, (CLOSE, BIN): 4, (CLOSE, REL): 5, (CLOSE, INNER): 3,
    (PUNCT, ORD): 3, (PUNCT, OP): 3, (PUNCT, REL): 3, (PUNCT, OPEN): 3, (PUNCT, CLOSE): 3, (PUNCT, PUNCT): 3,
    (PUNCT, INNER): 3, (INNER, ORD): 3, (INNER, OP): 3, (INNER, BIN): 4, (INNER, REL): 5, (INNER, OPEN): 3,
    (INNER, PUNCT): 3, (INNER, INNER): 3,
}  # fmt: skip
_IN_SCRIPTS = {(ORD, OP), (OP, ORD), (OP, OP), (CLOSE, OP), (INNER, OP)}


def spacing(left: str, right: str, is_script: bool) -> int:
    """Return the space between two atoms, in eighteenths of a quad; scripts have hardly any."""
    if is_script and (left, right) not in _IN_SCRIPTS:
        return 0
    return _SPACING.get((left, right), 0)


@functools.cache
def metrics() -> dict[str, dict[str, list[int]]]:
    """Return what TeX knows of the letters of each font, which `docs/make_tex_metrics.py` wrote down."""
    found: dict[str, dict[str, list[int]]] = json.loads((directory() / "latex" / "metrics.json").read_text("utf-8"))
    return found
