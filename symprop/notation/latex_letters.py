"""Names and texts as LaTeX: Greek letters by their commands, special characters written out."""

from __future__ import annotations

from symprop.notation.pretty import GREEK

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    '"': r"{\char34}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "|": r"\textbar{}",
}  # fmt: skip
_COMMANDS = {"lamda": "lambda", "lam": "lambda", "lmbda": "lambda", "eps": "varepsilon"}
"""Greek letters that TeX calls otherwise."""


def escaped(text: str) -> str:
    r"""Return `text` for LaTeX outside formulas, every special character written out.

    >>> print(escaped("50% of a_1"))
    50\% of a\_1
    """
    safe = (character if character.isprintable() and ord(character) < 0x2500 else "?" for character in text)
    return "".join(_SPECIAL.get(character, character) for character in safe)


def letter(name: str) -> str:
    r"""Return a name as the letter of a variable: `delta` is `\delta`, `y_pred` is `y_{\mathrm{pred}}`."""
    base, _, rest = name.partition("_")
    if base in GREEK:
        written = f"\\{_COMMANDS.get(base, base)}"
    else:
        written = base if len(base) == 1 and base.isalnum() else rf"\mathrm{{{escaped(base)}}}"
    return rf"{written}_{{\mathrm{{{escaped(rest)}}}}}" if rest else written


def script_of(text: str) -> str:
    """Return what stands below or above a letter, in braces where it is longer than one sign."""
    return text if len(text) == 1 else f"{{{text}}}"
