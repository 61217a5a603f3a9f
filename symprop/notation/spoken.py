"""A formula in words, for who listens: what a screen reader says where it knows no MathML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

SIGNS: dict[str, str] = {
    **{"=": "equals", "+": "plus", "-": "minus", "\u2212": "minus", "/": "over", "<": "less than", ">": "greater than"},
    **{"\u2265": "at least", "\u2264": "at most", "\u2260": "not equal to", "\u2208": "in", "\u221e": "infinity"},
    **{"(": "open bracket", "[": "open bracket", "{": "open brace", "\u230a": "floor of", "\u2308": "ceiling of"},
    **{")": "close bracket", "]": "close bracket", "}": "close brace", "\u230b": "", "\u2309": ""},
    **{"\u2299": "times element by element", "\u2298": "divided element by element by", "\u2297": "Kronecker"},
    **{"\u22c5": "times", "\u00b7": "times", "\u00d7": "times", "\u2217": "times", "*": "times", "\u2218": "after"},
    **{"\u2016": "norm bars", "|": "bar", "\u2223": "bar", "\u2211": "sum", "\u220f": "product", "\u2202": "partial"},
    **{
        "\u2207": "gradient of",
        "\u22a4": "transpose",
        "\u2032": "prime",
        "\u2026": "and so on to",
        "\u22ef": "and so on to",
    },
    **{
        ",": ",",
        ";": ";",
        ":": ":",
        "\u2192": "to",
        "\u21a6": "maps to",
        "\u2190": "becomes",
        "\u0394": "capital delta",
    },
    **{"\U0001d7cf": "ones", "\u2061": "of", "\u00a0": "", "\u2062": "", "!": "factorial", ".": "point"},
}
RAISED: dict[str, str] = {
    **{"transpose": "transpose", "2": "squared", "3": "cubed", "minus 1": "inverse", "prime": "prime"},
    **{"times element by element 2": "squared element by element", "minus transpose": "inverse transpose"},
}
"""What an exponent is called; others are "to the power"."""
ACCENTS: dict[str, str] = {"^": "hat", "\u0302": "hat", "\u00af": "bar", "\u203e": "bar", "~": "tilde", "\u02d9": "dot"}


def spoken(formula: ElementTree.Element) -> str:
    r"""Return MathML in words.

    >>> from symprop.notation.mathml import mathml
    >>> def said(latex): return ElementTree.fromstring(mathml(latex)).get("alttext")
    >>> said(r"\frac{\partial L}{\partial W_2} = \delta_2 a_1^{\top}")
    'the derivative of capital L with respect to capital W sub 2 equals delta sub 2 a sub 1 transpose'
    >>> said(r"\left(1 - a_1 \odot a_1\right)^{-1}")
    'open bracket 1 minus a sub 1 times element by element a sub 1 close bracket inverse'
    """
    return " ".join(_said(formula).split()).replace(" ,", ",")


def _said(part: ElementTree.Element) -> str:
    kind = part.tag.rpartition("}")[2]
    row = _ROWS.get(kind)
    return row(part) if row else _joined(part) if len(part) else _sign(part.text or "")


def _joined(parts: Sequence[ElementTree.Element] | ElementTree.Element) -> str:
    return " ".join(map(_said, parts))


def _sign(text: str) -> str:
    """A letter by its name, a word as it is."""
    text = text.strip()
    if text in SIGNS:
        return SIGNS[text]
    plain = unicodedata.normalize("NFKD", text)
    if len(plain) != 1 or plain.isdigit():
        return plain
    capital = "capital " if plain.isupper() else ""
    if plain.isascii():
        return capital + (plain if plain.isalnum() else unicodedata.name(plain).lower())
    return capital + unicodedata.name(plain, "").lower().rpartition(" letter ")[2].replace("lamda", "lambda")


def _fraction(part: ElementTree.Element) -> str:
    above, below = map(_said, part)
    if above.startswith("partial") and below.startswith("partial"):
        what = above.removeprefix("partial").strip()
        return f"the derivative {f'of {what} ' if what else ''}with respect to {below.removeprefix('partial').strip()}"
    several = " " in below and "sub" not in below.split()[1:2]
    return f"{above} over {f'all of {below} end of fraction' if several else below}"


def _raised(exponent: ElementTree.Element) -> str:
    said = " ".join(_said(exponent).split())
    found = re.fullmatch(r"(.*?) ?open bracket (.*) close bracket ?(.*)", said)
    if found and found[1] in ("", *RAISED, *(each for each in found[1].split() if len(each) == 1)):
        own = RAISED.get(found[1], f"superscript {found[1]}" if found[1] else "")
        return f"{own} of layer {found[2]} {RAISED.get(found[3], found[3])}"
    return RAISED.get(said, f"to the power {said}")


def _limits(part: ElementTree.Element) -> str:
    """A sum with what it runs over, below the sign or as its index; a letter with an accent."""
    base, *others = part
    if part.tag.endswith("mover"):
        accent = _sign(others[0].text or "")
        return f"{_said(base)} {ACCENTS.get((others[0].text or '').strip(), accent)}"
    to = f" to {_said(others[1])}" if len(others) > 1 else ""
    return f"{_said(base)} over {_said(others[0])}{to} of"


def _indexed(part: ElementTree.Element) -> str:
    base, index, *more = part
    if (base.text or "").strip() in ("\u2211", "\u220f"):
        return _limits(part)
    return " ".join((_said(base), "sub", _said(index), *map(_raised, more)))


_ROWS: dict[str, Callable[[ElementTree.Element], str]] = {
    "mfrac": _fraction,
    "msub": _indexed,
    "msubsup": _indexed,
    "msup": lambda part: f"{_said(part[0])} {_raised(part[1])}",
    "munder": _limits,
    "mover": _limits,
    "munderover": _limits,
    "msqrt": lambda part: f"the root of {_joined(part)} end of root",
    "mtr": lambda part: f"{', '.join(map(_said, part))};",
    "mspace": lambda part: "",
    "mtext": lambda part: part.text or "",
}
"""How each element of MathML is said; others are what they hold, one after the other."""
