"""LaTeX of our own printers as MathML, by latex2mathml, and what a typesetter would do to it afterwards.

latex2mathml leaves the spaces of operators around brackets, signs and names; browsers (MathML Core) know few variants
of letters. Both are put right on the tree of elements.
"""

from __future__ import annotations

import functools
import itertools
import re
from xml.etree import ElementTree

from symprop.notation.spoken import spoken

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_UNDERSCORED = re.compile(r"\\(?:operatorname|mathrm)\{((?:[^{}\\]|\\_)*\\_(?:[^{}\\]|\\_)*)\}")
_STROKE = "\ue000"
"""Stands for an underscore in a name, which latex2mathml would take for an index."""
_BELOW = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}
_CLOSING = (")", "]", "}", "|", "\u2016")
_LARGE = "\u2211\u220f"
"""Sums and products, whose indices stand below the sign where there is room."""
_ACCENTS = ("\u00af", "\u02d9")
"""Bar and dot."""
_NAMES = ("\u2202", "\u22a4")
"""The sign of a derivative and of a transpose: names, without an operator's gaps."""
_BEFORE_A_NAME = ("mi", "mn", "msub", "msup", "msubsup", "mfrac")
_THIN = "0.17em"
_BOLD = ((0x3B1, 0x3C9, 0x1D736), (0x391, 0x3A9, 0x1D71C), (0x61, 0x7A, 0x1D482), (0x41, 0x5A, 0x1D468))
"""The first and last letter of an alphabet, and the first bold italic one."""

ElementTree.register_namespace("", NAMESPACE)


@functools.lru_cache(maxsize=20_000)
def mathml(formula: str, limits: bool = False) -> str:
    r"""Return LaTeX as MathML; a fraction keeps its size, a name with an underscore its upright letters.

    With `limits` what is summed over stands below the sign of the sum, which needs a line of its own.

    >>> "<munder><mo>\u2211</mo>" in mathml(r"\sum_i x_i", limits=True), "<munder>" in mathml(r"\sum_i x_i")
    (True, False)
    """
    plain = _UNDERSCORED.sub(lambda match: r"\text{" + match[1].replace("\\_", _STROKE) + "}", formula)
    from latex2mathml.converter import convert  # here, for what is answered without MathML

    root = ElementTree.fromstring(convert(plain.replace(r"\allowbreak ", ""), display="inline"))
    root.set("displaystyle", "true")
    for part in root.iter():
        _improve(part, limits)
    for part in list(root.iter()):
        _space(part)
    root.set("alttext", spoken(root).replace(_STROKE, "_"))
    return ElementTree.tostring(root, encoding="unicode").replace(_STROKE, "_")


def _kind(part: ElementTree.Element) -> str:
    return part.tag.rpartition("}")[2]


def _improve(part: ElementTree.Element, limits: bool) -> None:
    """Make one element what a typesetter would."""
    name, text = _kind(part), part.text or ""
    for before, child in itertools.pairwise(part):
        opens = _kind(before) == "mo" and before.text not in (*_CLOSING, *_NAMES)
        if opens and _kind(child) == "mo" and child.text == "\u2212":
            child.set("form", "prefix")  # the minus of -x, not that of x - y
    if limits and name in _BELOW and (part[0].text or "0") in _LARGE:
        part.tag = f"{{{NAMESPACE}}}{_BELOW[name]}"
    elif name == "mover" and (part[1].text or "0") in _ACCENTS:
        part.set("accent", "true")  # close to the letter, in its own size
        part[1].set("stretchy", "false")
    elif name == "mo" and (text in _NAMES or (text.isalpha() and len(text) > 1)):
        part.tag = f"{{{NAMESPACE}}}mi"
        part.attrib.clear()
    elif name == "mo" and part.get("fence") == "true":
        part.set("lspace", "0")  # a bracket stands beside what it holds
        part.set("rspace", "0")
    variant = part.get("mathvariant")
    if variant == "bold-italic" and text:
        part.text = "".join(map(_bold_italic, text))
        del part.attrib["mathvariant"]
    elif variant == "bold" and text == "1":
        part.text = "\U0001d7cf"
        del part.attrib["mathvariant"]


def _space(part: ElementTree.Element) -> None:
    """Put a thin space before a function's name that follows a letter, an index or a fraction."""
    for before, child in itertools.pairwise(list(part)):
        if _kind(child) == "mi" and len(child.text or "") > 1 and _kind(before) in _BEFORE_A_NAME:
            gap = ElementTree.Element(f"{{{NAMESPACE}}}mspace", {"width": _THIN})
            part.insert(list(part).index(child), gap)


def _bold_italic(letter: str) -> str:
    """Return a letter as the bold italic one, which browsers have as a letter of its own.

    >>> _bold_italic("\u03b4"), _bold_italic("x")
    ('\U0001d739', '\U0001d499')
    """
    code = ord(letter)
    symbols = {0x3D1: 0x1D751, 0x3D5: 0x1D753, 0x3D6: 0x1D755, 0x3F1: 0x1D754, 0x3F5: 0x1D750}
    for first, last, bold in _BOLD:
        if first <= code <= last:
            return chr(bold + code - first)
    return chr(symbols.get(code, code))
