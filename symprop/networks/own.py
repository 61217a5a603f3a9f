"""What formulas of one's own may have besides their arrays: hyperparameters and learned parameters, by names.

    Activation("g * z / sqrt(mean(z**2) + eps)", eps=1e-5, learned={"g": "n"})

A hyperparameter is a number, a keyword argument of any name. A learned parameter is declared by its sizes, `n` being
the width of the input, and may say behind them how it starts: an initialiser, or a decimal number.
"""

from __future__ import annotations

import builtins
import math
import numbers
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy import Expr

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.named_numbers import unnamed
from symprop.algebra.names import validated
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.operators import OPERATORS
from symprop.algebra.trees import walk
from symprop.errors import FormulaError, SpecError, SymbolNameError, shown
from symprop.hints import closest
from symprop.networks.builder import Builder
from symprop.networks.initialisers import INITIALISERS
from symprop.networks.parts import LEARNED
from symprop.networks.sizes import CODE_NAME, OWN_NAME, Size, changed_size, checked_size

WIDTH = "n"
"""The name of the width of the input in a declaration."""
LARGEST_NUMBER = 10**9
MOST_AXES = 4
_ALLOWED_NUMBERS = frozenset({"delta", "b", "e", "eps"})
"""Names that variables or modules have with a number or elsewhere, and a hyperparameter may have too."""
_ARGUMENTS = frozenset("tuvw")
"""What the functions of a network are functions of, on pages and in code."""
_LEARNED = 'allowed: the sizes of each by its name, such as learned={"g": "n", "A": "n n normal"}'


@dataclass(frozen=True)
class Learned:
    """A learned parameter of a formula: its letter, its sizes, and how it starts."""

    letter: str
    sizes: tuple[Size, ...]
    initialiser: str = ""

    @property
    def start(self) -> str:
        """How it starts: as ones, or a matrix as the weight of a Dense, where nothing is said."""
        return self.initialiser or ("ones" if len(self.sizes) < 2 else "xavier_uniform")

    @property
    def text(self) -> str:
        """The declaration as it is typed."""
        sizes = [str(size).replace(" ", "") for size in self.sizes]
        return " ".join([*sizes, *([self.initialiser] if self.initialiser else [])])

    def shape(self, width: Expr, size: Any) -> tuple[Expr, ...]:
        """Return the shape for an input of this width; `size` makes a size an expression."""
        return tuple(width if each == WIDTH else size(each) for each in self.sizes)

    def enter(self, builder: Builder, width: Expr) -> Variable:
        """Enter the parameter, which is counted by its letter."""
        shape = self.shape(width, builder.size)
        number = builder.next_number(f"learned {self.letter}")
        fans = (shape[-1], shape[0]) if shape else (1, 1)
        return builder.parameter(self.letter, number, shape, LEARNED, self.start, fans)

    def with_sizes(self, change: dict[Size, Size]) -> Learned:
        """Return the parameter with sizes replaced: names or numbers."""
        return replace(self, sizes=tuple(each if each == WIDTH else changed_size(each, change) for each in self.sizes))


def learned_of(given: Any, what: str, numbered: bool = False) -> tuple[Learned, ...]:
    """Return the learned parameters that a dict declares; `what` says whose they are.

    Those that are `numbered` as their layer is may have the letters of layers, as `W`.

    >>> [each.text for each in learned_of({"g": "n", "A": ("n", 3), "alpha": "0.25"}, "Activation")]
    ['n', 'n 3', '0.25']

    Raises:
        SpecError: no dict, a name that means something else, no sizes, or no initialiser.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise SpecError(f"{what}: learned is a dict, not {shown(given)}\n{_LEARNED}")
    return tuple(_learned(name, declared, what, numbered) for name, declared in given.items())


def _learned(name: Any, declared: Any, what: str, numbered: bool) -> Learned:
    told = f"{what}: the learned {shown(name)}"
    _check_name(name, f"{what}: learned")
    own = OWN_NAME.fullmatch(name) and not numbered
    if name[-1].isdigit() or name.endswith("_") or own or code_has(name, f"{name}1"):
        raise SpecError(
            f"{told} has a name that networks or their code have\nallowed: another, without a number, such as g"
        )
    words = declared.split() if isinstance(declared, str) else _several(declared)
    start = ""
    if words and isinstance(words[-1], str) and (words[-1] in INITIALISERS or re.search(r"[^\w]", words[-1])):
        *words, start = words
    if start and start not in INITIALISERS and not re.fullmatch(r"-?[0-9]{1,9}\.[0-9]{1,9}", start):
        raise SpecError(f"{told} cannot start as {shown(start)}\nallowed: {', '.join(INITIALISERS)}, or 0.25")
    if len(words) > MOST_AXES:
        raise SpecError(f"{told} has {len(words)} sizes; at most {MOST_AXES} are allowed")
    return Learned(name, tuple(_size(word, told) for word in words), start)


def _several(declared: Any) -> list[Any]:
    return list(declared) if isinstance(declared, (tuple, list)) else [declared]


def _size(word: Any, told: str) -> Size:
    if isinstance(word, str) and word.isdecimal() and len(word) < 12:
        word = int(word)
    if hint := closest(word, INITIALISERS) if isinstance(word, str) and len(word) > 3 else "":
        raise SpecError(f"{told}: {shown(word)} is no size{hint}\n{_LEARNED}")
    return checked_size(word, told)


def hyperparameters_of(given: Mapping[str, Any], what: str) -> tuple[tuple[str, Any], ...]:
    """Return keyword arguments as named numbers; `what` says whose they are.

    >>> hyperparameters_of({"eps": 1e-5, "q": 3}, "Activation")
    (('eps', 1e-05), ('q', 3))

    Raises:
        SpecError: a name that means something else, or no number.
    """
    return tuple((_number_name(name, what), _number(name, value, what)) for name, value in given.items())


def _number_name(name: str, what: str) -> str:
    _check_name(name, what)
    own = (OWN_NAME.fullmatch(name) or code_has(name, name)) and name not in _ALLOWED_NUMBERS
    if own or name in _ARGUMENTS or re.fullmatch(r".*_[0-9]*", name):
        raise SpecError(
            f"{what}: {shown(name)} has a meaning of its own in networks, formulas or code\n"
            "allowed: another name for a hyperparameter, such as eps"
        )
    return name


def _number(name: str, value: Any, what: str) -> Any:
    real = isinstance(value, (numbers.Real, sympy.Rational)) and not isinstance(value, bool)
    if not real or abs(value) > LARGEST_NUMBER or not math.isfinite(value):
        raise SpecError(
            f"{what}: {name} is {shown(value)}\nallowed: hyperparameters are numbers up to {LARGEST_NUMBER:,}"
        )
    whole = isinstance(value, numbers.Integral) or (isinstance(value, sympy.Rational) and value.is_Integer)
    return int(value) if whole else float(value)


def _check_name(name: Any, what: str) -> None:
    try:
        validated(name)
    except SymbolNameError as problem:
        raise SpecError(f"{what}: {problem}") from None


def code_has(letter: str, name: str) -> bool:
    """Whether formulas call something by a letter, with a number behind too, or modules something by a name."""
    known = (*FUNCTIONS, *OPERATORS)
    formulas = letter in known or any(re.fullmatch(rf"{letter}[0-9]+\w*", each) for each in known)
    code = CODE_NAME.fullmatch(name) is not None and not re.fullmatch(r"[A-Z]", name)
    return formulas or code or letter in vars(builtins)


def keywords_text(hyperparameters: Iterable[tuple[str, Any]], learned: Iterable[Learned] = ()) -> list[str]:
    """Return hyperparameters and learned parameters as they are typed."""
    items = ", ".join(f'"{each.letter}": "{each.text}"' for each in learned)
    numbers = [f"{name}={value!r}" for name, value in hyperparameters]
    return [*numbers, *([f"learned={{{items}}}"] if items else [])]


def check_numbers(node: Node, what: str) -> None:
    """Raise where a number of a formula is none once names have their values, as `1 / eps` for an `eps` of 0.

    Raises:
        FormulaError: the first such number.
    """
    for number in (part.number for part in walk(node) if part.number is not None):
        value = unnamed(number)
        if not value.free_symbols and not (value.is_finite and value.is_real):
            raise FormulaError(f"{what}: a constant of the formula is not a real number: {shown(number)}")


def check_used(named: Iterable[str], names: Iterable[str], body: str, what: str) -> None:
    """Raise where a hyperparameter or a learned parameter does not occur among the names of a formula.

    Raises:
        SpecError: the first that does not.
    """
    known = tuple(names)
    for name in named:
        if name not in known:
            hint = closest(name, known)
            raise SpecError(f"{what}: the formula {shown(body)} does not name {shown(name)}{hint}")
