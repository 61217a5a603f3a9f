r"""What an author may choose of the looks of formulas in LaTeX: letters, bold, transposes, layer indices.

>>> from symprop.algebra import variable
>>> from symprop.notation.latex import latex
>>> W, delta = variable("W2", (3, 4)), variable("delta2", (3,))
>>> print(latex(W.T @ delta, Notation(symbols=symbols_of([r"delta=\varepsilon"]), transpose="T", layer_index="super")))
W^{(2)\mathsf{T}} \varepsilon^{(2)}
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from symprop.errors import SpecError, SymbolNameError, shown

BOLD = ("none", "vectors", "arrays")
TRANSPOSES = {"top": r"\top", "T": r"\mathsf{T}", "prime": r"\prime"}
LAYER_INDICES = ("mixed", "sub", "super")
GRADIENTS = ("fraction", "nabla")

_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "varpi", "rho", "varrho", "sigma", "varsigma", "tau", "upsilon", "phi", "varphi",
    "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
    "ell", "nabla",
)  # fmt: skip
_FONTS = ("mathbf", "mathrm", "mathsf", "mathcal", "mathbb", "mathfrak", "boldsymbol", "bar", "hat", "tilde", "vec")
_LETTER = rf"(?:[A-Za-z]|\\(?:{'|'.join(_GREEK)})(?![A-Za-z]))"
_SYMBOL = re.compile(rf"{_LETTER}|\\(?:{'|'.join(_FONTS)})\{{(?:{_LETTER}|[A-Za-z]{{1,12}})\}}")
_ALLOWED = r"a letter, \varepsilon and the like, or one of them in \mathbf{}, \mathcal{}, \hat{} ..."


@dataclass(frozen=True)
class Notation:
    r"""How LaTeX writes what an author may choose.

    `symbols` gives letters by name, for arrays (`delta`), sizes (`m`), functions (`sigmoid`) and the loss (`L`);
    `bold` is "none", "vectors" or "arrays"; `transpose` is "top", "T" or "prime"; `layer_index` is "mixed" (numbers
    below, a general `(l)` above), "sub" or "super". `loss` is the letter of the loss; its derivatives are a
    "fraction" or, where lines are to be low, "nabla", `\nabla W`.

    Raises:
        SpecError: a choice that there is not, or a symbol that is none.
    """

    symbols: tuple[tuple[str, str], ...] = ()
    bold: str = "none"
    transpose: str = "top"
    layer_index: str = "mixed"
    loss: str = "L"
    gradient: str = "fraction"

    def __post_init__(self) -> None:
        for what, value, allowed in (
            ("bold", self.bold, BOLD),
            ("transpose", self.transpose, tuple(TRANSPOSES)),
            ("layer_index", self.layer_index, LAYER_INDICES),
            ("gradient", self.gradient, GRADIENTS),
        ):
            if value not in allowed:
                raise SpecError(f"unknown {what} {shown(value)}\nallowed: {', '.join(allowed)}")
        for name, symbol in self.symbols:
            _check(name, symbol)
        chosen = self.symbol("L")
        if chosen is not None:
            object.__setattr__(self, "loss", chosen)

    def symbol(self, name: str) -> str | None:
        """Return the letter that was chosen for a name, or None."""
        return dict(self.symbols).get(name)


PLAIN = Notation()
"""The notation where nobody chose another."""


def symbols_of(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    r"""Return the symbols of texts such as `delta=\varepsilon`, in order.

    Raises:
        SpecError: not of this form, a name twice, or a symbol that is none.
        SymbolNameError: a name that no array, size or function can have.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, symbol = (part.strip() for part in text.partition("="))
        if not equals:
            raise SpecError(
                f"the symbol {shown(text)} cannot be read\nallowed: a name and its LaTeX, such as delta=\\varepsilon"
            )
        if name in found:
            raise SpecError(f"the symbol of {shown(name)} is given twice")
        _check(name, symbol)
        found[name] = symbol
    return tuple(found.items())


def usual(name: str) -> str:
    r"""Return how a letter is written where nobody chose another.

    >>> usual("delta"), usual("W")
    ('\\delta', 'W')
    """
    return rf"\{name}" if name in _GREEK else name


def _check(name: str, symbol: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", name):
        raise SymbolNameError(
            f"{shown(name)} cannot be the name of a symbol\nallowed: the name of an array, size or function"
        )
    if len(symbol) > 60 or not _SYMBOL.fullmatch(symbol):
        raise SpecError(f"{shown(symbol)} cannot be the symbol of {shown(name)}\nallowed: {_ALLOWED}")
