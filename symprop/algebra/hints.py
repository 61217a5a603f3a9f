"""What to type in a formula instead of what mathematicians write: `**` for `^`, `x.T` for `x'`, `norm(x)` for `‖x‖`.

The scan that refuses a character, an operator or a gap asks here; a hint stands behind the refusal.
"""

from __future__ import annotations

import keyword
import re
import unicodedata

SIGNS: dict[str, str] = {
    **{"·⋅•": "* for elements, @ for vectors and matrices", "×✕": "* for elements, @ for matrices", "⊙∘○": "*"},
    **{"⊘÷": "/", "⊗": "kron(A, B) for matrices, outer(a, b) for vectors", "−–—‐": "-", "∗": "*", "⁄∕": "/"},
    **{"²": "x**2 for x²", "³": "x**3 for x³", "ᵀ⊤": "A.T for Aᵀ", "⁻¹": "inv(A) for A⁻¹ of a matrix, 1/x of elements"},
    **{"′’‘´`“”": "x.T for a transpose", "‖∥": "norm(x) for ‖x‖", "⟨⟩": "x @ y for ⟨x, y⟩", "√": "sqrt(x)"},
    **{"∑": "sum(x)", "∏": "prod(x)", "≤": "<=", "≥": ">=", "≠": "!=", "∞": "inf", "𝟏": "ones(n)"},
    **{
        "∂∇": "the formula alone; gradient(formula, name) differentiates it",
        "∈": "x: n for its shape",
        "…": "range(n)",
    },
}
"""What to type for signs that are not ASCII."""
_GREEK = {"lamda": "lambda_", "final": "sigma"}
_ALSO = {"σ": ", or sigmoid(x)", "Σ": ", or sum(x)", "Π": ", or prod(x)"}
OPERATORS: tuple[tuple[str, str], ...] = (
    (r"\^\s*\(?\s*-\s*1", "inv(A) for A^-1 of a matrix, x**-1 of elements"),
    (r"\^\s*\{?\s*(T|\\top)\b", "A.T for A^T"),
    (r"\^\s*\*", "A.T for A^*"),
    (r"\^", "x**2 for x^2"),
    (r"\|\|", "norm(x) for ||x||"),
    (r"\|", "abs(x) for |x|, det(A) for a determinant"),
    (r"[{}]", "brackets ( and )"),
    (r"&", "a product of comparisons, (x > 0) * (x < 1)"),
    (r"~", "1 - x for the complement of x"),
    (r":=", "K = ...; and then the formula"),
    (r">>", "symprop derive for a network, in Python symprop.derive"),
)
"""What to type for operators that formulas do not have, by a pattern of what stands there."""


def for_character(character: str) -> str:
    """Return what to type for a character that is not ASCII; empty where nobody knows.

    >>> for_character("λ"), for_character("ᵀ"), for_character("𝐱"), for_character("¼"), for_character("⁴")
    ('lambda_', 'A.T for Aᵀ', 'x', '1/4', 'x**4 for x⁴')
    """
    for signs, told in SIGNS.items():
        if character in signs:
            return told
    name = unicodedata.name(character, "")
    greek = re.match(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", name)
    if greek:
        letter = _GREEK.get(greek[2].lower(), greek[2].lower())
        return (letter if greek[1] == "SMALL" else letter.capitalize().rstrip("_")) + _ALSO.get(character, "")
    plain = unicodedata.normalize("NFKD", character).replace("\u2044", "/")
    if unicodedata.decomposition(character).startswith("<super>") and plain.isascii():
        return f"x**{plain} for x{character}"
    plain = plain if "/" in plain else plain[:1]  # a letter without its accents
    return plain if plain.isascii() and plain[:1].isalnum() else ""


def for_operator(text: str, position: int) -> str:
    """Return what to type for an operator at a place; empty where nobody knows.

    >>> for_operator("x^2", 1), for_operator("A^T @ x", 1)
    ('x**2 for x^2', 'A.T for A^T')
    """
    if text[position] == "^" and re.search(r"(?<![A-Za-z0-9_])(e|exp)\s*$", text[max(0, position - 10) : position]):
        return "exp(x) for e^x"
    return next((told for pattern, told in OPERATORS if re.match(pattern, text[position : position + 20])), "")


BETWEEN_LAYERS = {
    "->": ">> between layers",
    "|": ">> between layers",
    ".": "the layer alone, as in Dense(3) >> Sigmoid()",
}
"""What to type in a network for operators that it does not have."""


def for_layers(piece: str) -> str:
    """Return what to type for an operator in a network, behind a refusal; empty where nobody knows.

    >>> for_layers("->"), for_layers("@")
    ('; type >> between layers', '')
    """
    return f"; type {BETWEEN_LAYERS[piece]}" if piece in BETWEEN_LAYERS else ""


IDENTITY = "I"
"""What the identity is called where nothing is declared."""
NAMES: dict[str, str] = {
    **{IDENTITY: "eye(n) for the identity", "e": "exp(1) for Euler's number", "PI": "pi", "Pi": "pi"},
    **{"oo": "inf", "Inf": "inf", "infty": "inf"},
}
"""What to type for names that stand for something in mathematics and are not declared."""


def for_name(name: str) -> str:
    """Return what to type for a name that is not declared, behind a refusal; empty where nobody knows.

    >>> for_name("I"), for_name("q")
    ('; type eye(n) for the identity', '')
    """
    return f"; type {NAMES[name]}" if name in NAMES else ""


LATEX = "NumPy's notation, such as x @ A @ x, for LaTeX; formula(latex=...) and --latex read it"


def for_backslash(text: str, position: int) -> str:
    """Return what to type for a backslash, which LaTeX has, or MATLAB for `solve`.

    >>> for_backslash("A\\\\b", 1), for_backslash("\\\\frac{1}{2}", 0)
    ('solve(A, b) for A\\\\b', "NumPy's notation, such as x @ A @ x, for LaTeX; formula(latex=...) and --latex read it")
    """
    divided = follows_operand(text, position) and re.match(r"\\\w\b", text[position : position + 3])
    return r"solve(A, b) for A\b" if divided else LATEX


def follows_operand(text: str, position: int) -> bool:
    """Whether an operand ends right before a place, as before the quote of `x'`.

    >>> follows_operand("x'", 1), follows_operand("f(a, 'b')", 5)
    (True, False)
    """
    return re.match(r"[A-Za-z0-9_)\]]", text[position - 1 : position]) is not None


def for_word(word: str) -> str:
    """Return what to type for a word that Python keeps to itself, `lambda_` for `lambda`; empty for other words."""
    if not keyword.iskeyword(word) or word in {"True", "False", "None"}:
        return ""
    return "the formula alone" if word in {"import", "from", "return", "def", "print"} else f"{word}_"
