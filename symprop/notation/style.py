"""What one notation of mathematics must say for itself: how it writes a fraction, a superscript, a call, a choice."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sympy import Basic, Expr, Float

from symprop.algebra import nodes as n
from symprop.notation.precedence import Piece, decimal

ACCENTS = ("dot", "bar", "hat", "tilde")
"""What stands over a letter: tangents and cotangents begin with it (`dot_z1`), other names end with it (`v_hat`)."""

_NUMBERED = re.compile(r"(leaky_relu|elu)_(minus)?(\d+)(?:_(\d+))?(?:e(minus)?(\d+))?")


def accented(name: str) -> tuple[str, str, str]:
    """Return a name's accent, letter and the rest: `v_hat` is ("hat", "v", ""), `y_pred` is ("", "y", "pred").

    >>> accented("dot_z"), accented("y_pred")
    (('dot', 'z', ''), ('', 'y', 'pred'))

    What is rotated by its position has a tilde.

    >>> accented("q_rot")
    ('tilde', 'q', '')
    """
    base, _, rest = name.partition("_")
    if base in ACCENTS and rest:
        return base, rest, ""
    rest = "tilde" if name in ("q_rot", "k_rot") else rest
    return (rest, base, "") if rest in ACCENTS and base else ("", base, rest)


def qualified(base: str) -> tuple[str, str]:
    """Return the letter of a weight and the small one behind it, which says whose it is, as in attention.

    >>> qualified("Wq"), qualified("bh"), qualified("Xi")
    (('W', 'q'), ('b', 'h'), ('Xi', ''))
    """
    return (base[0], base[1]) if re.fullmatch("[WUVRb][a-z]", base) else (base, "")


def function_name(name: str) -> tuple[str, str]:
    """Return a function's name and its subscript: the number that makes it another function than the usual one.

    >>> function_name("leaky_relu_0_3"), function_name("elu_2_0"), function_name("gelu_tanh"), function_name("swish")
    (('leaky_relu', '0.3'), ('elu', '2'), ('gelu', 'tanh'), ('swish', ''))
    """
    if name in ("gelu_tanh", "mean_m", "mean_t"):
        return name.split("_")[0], name.split("_")[1]
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return name, ""
    base, negative, whole, part, below, power = match.groups()
    value = Decimal(f"{'-' if negative else ''}{whole}.{part or 0}e{'-' if below else ''}{power or 0}")
    written = format(value, "f")
    return base, written.rstrip("0").rstrip(".") if "." in written else written


def scientific(value: Any) -> tuple[str, str] | None:
    """Return the digits and the power of ten of a positive decimal far from 1, no digits for a bare power; else None.

    >>> from sympy import Float
    >>> scientific(Float("0.00001")), scientific(Float("2.5e-7")), scientific(Float("0.01"))
    (('', '-5'), ('2.5', '-7'), None)
    """
    value = decimal(value) or value
    written = repr(float(value)) if isinstance(value, Float) and value.is_positive else ""
    digits, _, power = written.partition("e")
    return (digits.removesuffix(".0") if digits not in ("1", "1.0") else "", str(int(power))) if power else None


def lettered(label: str, lower: Callable[[str], str]) -> str:
    """Return a place with the numbers of its indices lowered: `2 i1 + j`.

    >>> lettered("2 i1 + j", lambda number: f"_{number}")
    '2 i_1 + j'
    """
    return re.sub(r"(?<=[a-z])\d+", lambda number: lower(number[0]), label)


class Style(ABC):
    """How one notation writes the parts of a formula."""

    minus: str
    hadamard: str
    kronecker: str
    log: str  # the name of the logarithm before bars
    divided: str
    one: str  # the vector of ones
    transposed: str  # the superscript
    pseudoinverse: str  # likewise

    @abstractmethod
    def variable(self, node: n.Variable, elements: Sequence[Basic] = (), above: str = "") -> str:
        """Write a name, with the indices of one element, and `above` in its superscript."""

    @abstractmethod
    def part(self, node: n.Variable, labels: Sequence[str], rank: int) -> str:
        """Write what stands at these places of an array; `:` stands where an axis is kept."""

    @abstractmethod
    def stack(self, inside: str, labels: Sequence[str]) -> str:
        """Write the array that has a formula at each of these places."""

    @abstractmethod
    def blocks(self, blocks: Sequence[str], beside: bool) -> str:
        """Write blocks beside each other, or below each other, as one array."""

    @abstractmethod
    def arranged(self, inside: str, shape: Sequence[Expr]) -> str:
        """Write an array whose elements are put into this shape, row by row."""

    @abstractmethod
    def number(self, value: Basic) -> Piece:
        """Write a size, a coefficient or the body of a function."""

    @abstractmethod
    def group(self, text: str) -> str:
        """Put parentheses around."""

    def between(self, before: str, after: str) -> str:
        """Return what stands between two factors."""
        return " "

    @abstractmethod
    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        """Write a function by its name or its symbol."""

    @abstractmethod
    def fraction(self, top: Piece, bottom: Piece) -> Piece:
        """Write a scalar fraction."""

    @abstractmethod
    def power(self, base: str, exponent: Expr, elementwise: bool) -> Piece:
        """Write a power of a base that is already wrapped."""

    @abstractmethod
    def superscript(self, base: str, above: str) -> str:
        """Write `above` over a base that is already wrapped."""

    @abstractmethod
    def subscript(self, base: str, below: str) -> str:
        """Write `below` under a base that is a name."""

    @abstractmethod
    def root(self, inside: str) -> Piece:
        """Write a square root."""

    @abstractmethod
    def raised(self, base: str, exponent: Piece, elementwise: bool) -> Piece:
        """Write a power whose exponent is a formula."""

    @abstractmethod
    def inverse(self, base: str, turned: bool) -> str:
        """Write the inverse of a matrix, or of its transpose where `turned`."""

    @abstractmethod
    def of_sizes(self, letter: str, sizes: Sequence[Expr]) -> str:
        """Write a matrix that its sizes give: the commutation matrix K, the duplication matrix D."""

    @abstractmethod
    def norm(self, inside: str, matrix: bool) -> Piece:
        """Write the root of the sum of squares of all elements."""

    @abstractmethod
    def squared_norm(self, inside: str, matrix: bool) -> Piece:
        """Write the sum of squares of all elements."""

    @abstractmethod
    def norm_of(self, inside: str, which: str) -> Piece:
        """Write the largest ("2") or smallest ("-2") singular value, or their sum ("nuc")."""

    @abstractmethod
    def summation(self, indices: Sequence[Expr], inside: str, which: str = "sum") -> Piece:
        """Write a sum over indices, or a "max", "min", "argmax" or "argmin"."""

    @abstractmethod
    def series(self, index: Expr, count: Expr, inside: str) -> Piece:
        """Write a sum over the blocks of a loop, from 1 to `count`."""

    @abstractmethod
    def indicator(self, condition: str) -> Piece:
        """Write 1 where the condition holds, else 0."""

    @abstractmethod
    def relation(self, relation: str) -> str:
        """Write one of `> >= < <= == !=`."""

    @abstractmethod
    def where(self, condition: str, yes: str, no: str, goes_on: bool) -> Piece:
        """Write a choice; `goes_on` says that what stands elsewhere is a choice again."""

    @abstractmethod
    def along(self, axes: Sequence[int]) -> str:
        """Write the axes that a function works along, as an argument of its own."""

    @abstractmethod
    def constant(self, kind: str, shape: Sequence[Expr]) -> str:
        """Write the identity ("I"), zeros ("0") or ones ("1") of a shape, or the letter of unit vectors ("e")."""

    @abstractmethod
    def derivative(self, top: str, bottom: str) -> Piece:
        """Write a partial derivative."""

    def wrap(self, piece: Piece, minimum: int) -> str:
        return piece.text if piece.level >= minimum else self.group(piece.text)
