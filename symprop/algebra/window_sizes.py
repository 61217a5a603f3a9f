"""How many windows fit along an axis, with the arithmetic worked out: what pages, remarks and errors say of sizes.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, Mod, floor

from symprop.algebra.nodes import Node, Pad, Slice, Window
from symprop.algebra.sizes import size_text

_LATEX = {
    **{"⌊": r"\lfloor ", "⌋": r" \rfloor", "−": "-", "′": "'", "·": r" \cdot ", " mod ": r" \;\mathrm{mod}\; "},
    **{"×": r"\times", "→": r"\to", "∞": r"\infty"},
}
_ASCII = {"⌊": "floor(", "⌋": ")", "−": "-", "·": "*", "×": "x", "→": "->", "∞": "inf"}


@dataclass(frozen=True)
class Arithmetic:
    r"""A computation with numbers, written out: `⌊(28 + 2·1 − 3)/2⌋ + 1 = 14`.

    >>> worked = Arithmetic("⌊(28 + 2·0 − 3)/2⌋ + 1 = 13")
    >>> worked.ascii
    'floor((28 + 2*0 - 3)/2) + 1 = 13'
    >>> print(worked.tex)
    \lfloor (28 + 2 \cdot 0 - 3)/2 \rfloor + 1 = 13
    """

    text: str

    @property
    def tex(self) -> str:
        """The same as LaTeX, without dollar signs."""
        return _put(self.text, _LATEX)

    @property
    def ascii(self) -> str:
        """The same as Python would compute it."""
        return _put(self.text, _ASCII)


def _put(text: str, signs: dict[str, str]) -> str:
    for sign, written in signs.items():
        text = text.replace(sign, written)
    return text


@dataclass(frozen=True)
class WindowSizes:
    """The windows along an axis: `before` and `after` are what the axis of `length` elements is padded by.

    >>> sizes = WindowSizes(Integer(28), Integer(3), stride=2)
    >>> sizes.count, sizes.unread
    (13, 1)
    >>> sizes.counted.text, sizes.left.text
    ('⌊(28 + 2·0 − 1·(3 − 1) − 1)/2⌋ + 1 = 13', '(28 + 2·0 − 3) mod 2 = 1')
    >>> WindowSizes(Integer(5), Integer(7)).fitting.text
    '(5 + 2·0 − 7)/1 + 1 = −1'
    """

    length: Expr
    kernel: Expr
    stride: int = 1
    before: Expr = Integer(0)
    after: Expr = Integer(0)
    dilation: int = 1

    @property
    def room(self) -> Expr:
        """How far the first window can be moved."""
        return self.length + self.before + self.after - self.dilation * (self.kernel - 1) - 1

    @property
    def count(self) -> Expr:
        """The number of windows; 0 or less where not one fits."""
        return floor(self.room / Integer(self.stride)) + 1

    @property
    def unread(self) -> Expr:
        """How many elements at the end of the padded axis no window reads."""
        return Mod(self.room, self.stride)

    @property
    def counted(self) -> Arithmetic:
        """The number of windows, as the formula says it."""
        spread = f"{self.dilation}·({_shown(self.kernel)} − 1) − 1"
        return Arithmetic(f"⌊({self._padded} − {spread})/{self.stride}⌋ + 1 = {_value(self.count)}")

    @property
    def fitting(self) -> Arithmetic:
        """The number of windows, in short."""
        moved = f"{self._room}/{self.stride}"
        return Arithmetic(f"{moved if self.stride == 1 else f'⌊{moved}⌋'} + 1 = {_value(self.count)}")

    @property
    def left(self) -> Arithmetic:
        """What no window reads."""
        return Arithmetic(f"{self._room} mod {self.stride} = {_value(self.unread)}")

    @property
    def _padded(self) -> str:
        length, before, after = map(_shown, (self.length, self.before, self.after))
        return f"{length} + " + (f"2·{before}" if self.before == self.after else f"{before} + {after}")

    @property
    def _room(self) -> str:
        kernel = _shown(self.kernel)
        return f"({self._padded} − {f'{self.dilation}·({kernel} − 1) − 1' if self.dilation > 1 else kernel})"


def _value(size: Expr) -> str:
    return size_text(size).replace("-", "−").replace("*", "·")


def _shown(size: Expr) -> str:
    return _value(size) if size.is_Atom and not size.is_negative else f"({_value(size)})"


def sizes_of(window: Window) -> tuple[WindowSizes, ...]:
    """Return the sizes of windows, axis by axis; what they read may be padded, and cut, which is a padding below 0.

    >>> from symprop.algebra import variable
    >>> x = variable("x", (28, 5, 2))
    >>> [each.count for each in sizes_of(Window(Pad(x, 0, [(1, 1)]), (0, 1), 3, (2, 1)))]
    [14, 3]
    """
    inside: Node = window.operands[0]
    around = [(Integer(0), Integer(0))] * inside.rank
    while isinstance(inside, (Pad, Slice)):
        more = inside.widths if isinstance(inside, Pad) else _cut(inside)
        around = [(before + first, after + last) for (before, after), (first, last) in zip(around, more, strict=True)]
        inside = inside.operands[0]
    return tuple(
        WindowSizes(inside.shape[axis], kernel, stride, *around[axis], dilation)
        for axis, kernel, stride, dilation in window.steps
    )


def _cut(node: Slice) -> list[tuple[Expr, Expr]]:
    found = [(Integer(0), Integer(0))] * node.rank
    found[node.axis] = (-node.start, node.stop - node.operands[0].shape[node.axis])
    return found
