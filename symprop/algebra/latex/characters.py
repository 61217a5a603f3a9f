r"""Mathematics in Unicode, `‖A x − b‖² + λ xᵀ x`, as LaTeX: what our own pages for eyes print, and what people paste.

>>> spelled("xᵀ A x", 1), spelled("ŷ₁₂", 0), spelled("ŷ₁₂", 1)
(('^{T}', 1), ('\\hat{y}', 1), ('_{12}', 2))
>>> is_mathematics("‖x‖²"), is_mathematics("λ * sum(x**2)"), is_mathematics("modèle")
(True, False, False)
"""

from __future__ import annotations

import re
import unicodedata

_SIGNS: dict[str, str] = {
    **{
        "⊙∘○": r"\odot",
        "⊗": r"\otimes",
        "⊘": r"\oslash",
        "·⋅": r"\cdot",
        "×✕": r"\times",
        "−–": "-",
        "∗": "*",
        "⁄∕": "/",
    },
    **{"‖∥": r"\|", "⟨〈": r"\langle", "⟩〉": r"\rangle", "†": r"^{\dagger}", "′’": "'"},
    **{"∑": r"\sum", "∏": r"\prod", "√": r"\sqrt", "∇": r"\nabla", "∂": r"\partial", "∞": r"\infty", "…⋯": r"\ldots"},
    **{"≤": "<=", "≥": ">=", "≠": "!=", "∈": r"\in", "→": r"\to", "ℓ": r"\ell", "←≔≡≜": "="},
    **{"\u00a0\u2002\u2003\u2009\u200a\u202f": " "},
    **{"∼": r"\sim", "∝": r"\propto", "≈": r"\approx", "∫": r"\int", "±": r"\pm", "ϵ": r"\epsilon", "ϕ": r"\phi"},
}
"""What stands for a sign in LaTeX."""
_OF_SIGN = {sign: latex for signs, latex in _SIGNS.items() for sign in signs}
_ACCENTS = {"\u0302": "hat", "\u0304": "bar", "\u0305": "bar", "\u0303": "tilde", "\u0307": "dot", "\u0308": "ddot"}
_GREEK = {"lamda": "lambda", "final": "sigma"}
MOST_LOOKED_AT = 20_000
_NUMPY = re.compile(r"\*\*|@|\.[A-Za-z]|\[\s*[-0-9:]")
"""What no LaTeX has."""


def spelled(text: str, place: int) -> tuple[str, int] | None:
    """Return what stands at a place of a text as LaTeX, and of how many characters it is; None where it is no sign.

    Neighbours that are raised, or lowered, are one script. A letter may have an accent behind it.
    """
    character = text[place]
    if character in "ΣΠ" and _is_over_index(text, place + 1):  # Σᵢ is a sum, Σ, Σ₁ and Σₖ⁻¹ are letters
        return {"Σ": r"\sum", "Π": r"\prod"}[character], 1
    if character == "⊙" and (power := _script(text, place + 1, "<super>"))[1]:  # A⊙², of elements
        return rf"^{{\odot {power[0]}}}", 1 + power[1]
    for sign, kind in (("^", "<super>"), ("_", "<sub>")):
        inside, length = _script(text, place, kind)
        if length:
            is_given = text[:place].rstrip().endswith(sign)  # x^ᵀ
            return f"{{{inside}}}" if is_given else _raised(inside) if sign == "^" else f"_{{{inside}}}", length
    if character in _OF_SIGN:
        return _OF_SIGN[character], 1
    apart = unicodedata.normalize("NFD", character)
    base, marks, length = apart[:1], apart[1:], 1
    if not marks and text[place + 1 : place + 2] in _ACCENTS:
        marks, length = text[place + 1], 2
    letter = _letter(base) if not base.isascii() or marks else None
    if letter is None or not (marks in _ACCENTS or not marks):
        return None
    return (rf"\{_ACCENTS[marks]}{{{letter}}}" if marks else letter), length


AMBIGUOUS = re.compile(
    r"(?P<script>[\^_](?:[0-9][0-9A-Za-z]|[A-Za-z][0-9]))|(?P<mixed>[0-9][½⅓⅔¼¾⅕⅖⅗⅘⅙⅛])"
    r"|(?P<root>√(?!\s*(?:\(|\{|(?:[0-9]+(?:\.[0-9]+)?|[^\W\d_][₀-₉ₐ-ₜ]*)(?![\w.'^⁰-⁹⁻ᵀ⊤²³¹]))))"
)
"""What stands for two things in Unicode: `x^12`, `2½`, `√xᵀ y`."""
INSTEAD = {
    "script": "braces tell what is a script, x^{12}",
    "mixed": "a mixed number is written as a sum or a decimal",
    "root": "brackets tell what a root is of, √(x + 1)",
}


def is_mathematics(text: str) -> bool:
    """Whether a text has signs, scripts or letters that only mathematics in Unicode has, and nothing of NumPy's."""
    if text.isascii() or _NUMPY.search(text):
        return False
    return any(
        (character in _OF_SIGN and _OF_SIGN[character] != " ")
        or _script(character, 0)[1]
        or unicodedata.name(character, "").startswith(("GREEK ", "MATHEMATICAL "))
        for character in text[:MOST_LOOKED_AT]
        if not character.isascii()
    )


def _is_over_index(text: str, place: int) -> bool:
    """Whether a sum begins whose sign stands before a place: with an index below, of which a limit may stand above."""
    below, length = _script(text, place, "<sub>")
    return below[:1].isalpha() and ("=" in below or not _script(text, place + length, "<super>")[1])


def _raised(inside: str) -> str:
    """Return raised signs as superscripts: of `⁻ˣ²` the 2 is a power of x, of `²ᵀ` the T is a second one."""
    powers = re.sub(r"(?<=[a-z])([0-9]+)", r"^{\1}", inside)
    return "".join(f"^{{{each}}}" for each in re.split(r"(?<=[0-9a-z})])(?=T)|(?<=T)(?=[0-9])", powers))


def _script(text: str, place: int, *kinds: str) -> tuple[str, int]:
    """Return what stands raised or lowered from a place on, as plain characters, and of how many it is."""
    kinds = kinds or ("<super>", "<sub>")
    found = ""
    for character in text[place:].replace("⊤", "ᵀ"):
        if not unicodedata.decomposition(character).startswith(kinds):
            break
        found += unicodedata.normalize("NFKD", character).replace("−", "-")
    return found, len(found)


def _letter(character: str) -> str | None:
    """Return a letter as LaTeX: Greek by its name, others as they are, or bold."""
    plain = unicodedata.normalize("NFKC", character)
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)( SIGMA)?", unicodedata.name(plain[:1], ""))
    if greek:
        name = _GREEK.get(greek[2].lower(), greek[2].lower())
        latin = {"omicron": "o"} | {"alpha": "A", "beta": "B"} if greek[1] == "CAPITAL" else {"omicron": "o"}
        return latin.get(name) or rf"\{name if greek[1] == 'SMALL' else name.capitalize()}"
    if "⁄" in plain:  # ½
        return r"\tfrac{{{}}}{{{}}}".format(*plain.split("⁄"))
    if not (plain.isascii() and plain.isalnum() and len(plain) == 1):
        return None
    fonts = {"BOLD": "mathbf", "DOUBLE-STRUCK": "mathbb"}
    font = next((each for word, each in fonts.items() if word in unicodedata.name(character)), None)
    return rf"\{font}{{{plain}}}" if font else plain
