"""Named arrays, with what is known of them, and the names in formulas."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import chain, count
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import sympy
from sympy import Basic, Expr, Integer, Tuple
from sympy.core.symbol import Str

from symprop.algebra.kinds.base import Leaf, Node
from symprop.algebra.kinds.patterns import BLANK, Common, Number, index_of, made, number_in, pattern_of
from symprop.algebra.roles import CURVED, DELTA, GRADIENT, NORM, PRE_ACTIVATION, SIGNS, TANGENT
from symprop.algebra.sizes import as_expression, expressions, size_text


class Variable(Leaf):
    """A named array: an input, a parameter, a target or the left side of an equation.

    `role` says what it is (`symprop.algebra.roles`); the role "gradient" is that of the derivative of the loss with
    respect to the variable so named (`dW1`). `facts` are what is known of the value.
    `letter` and `index` make the name: `W` and 1 give `W1`. An index that is an expression gives `W[l]`, and a second
    one, such as the time, `h1[t]` or `h[l, t]`. `mark` above 1 tells apart names that would be the same (`a1_2`).

    >>> import symprop
    >>> W = symprop.variable("W1", (2, 3))
    >>> W.name, W.letter, W.index, W.shape
    ('W1', 'W', (1,), (2, 3))
    """

    is_array: ClassVar[bool] = True

    def __new__(cls, letter: Any, index: Any, shape: Any, facts: Any = (), mark: Any = 1, role: Any = "") -> Node:
        index, shape = tuple(index), tuple(shape)
        number, family = number_in(index), (letter, shape, *map(type, shape), *facts, mark, role)
        common = None if number is None else _FAMILIES.get(family)
        if common is None:
            args = (
                letter if isinstance(letter, Str) else Str(letter),
                expressions(index),
                expressions(shape),
                Tuple(*facts),
                Integer(mark),
                role if isinstance(role, Str) else Str(role),
            )
            pattern = common, _ = pattern_of(cls, args)
            cls._with_pattern(args, pattern)  # the first of them, whose shape is checked
            if number is not None:
                _FAMILIES[family] = common
        return made(common, () if number is None else (number,))

    def over(self, args: Iterable[Basic]) -> Variable:
        """Return the variable of these arguments."""
        return Variable(*args)

    @classmethod
    def number_apart(cls, args: Sequence[Any]) -> tuple[Number | None, Sequence[Any]]:
        number = number_in(args[1].args)
        return number, args if number is None else (args[0], BLANK, *args[2:])

    @classmethod
    def with_number(cls, args: list[Any], number: Number) -> Sequence[Any]:
        return [args[0], index_of(number), *args[2:]]

    @property
    def letter(self) -> str:
        name: str = self.pattern[0].args[0].name
        return name

    @property
    def index(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(self.pattern[0].args[3].args)

    @property
    def said(self) -> tuple[Fact, ...]:
        """What is known of the value, without how pages write the array."""
        return tuple(fact for fact in self.facts if not fact.is_of_writing)

    @property
    def facts_by_kind(self) -> dict[str, Expr]:
        """The value of each fact by its kind; ask with `in` whether something is known."""
        return {fact.kind: fact.value for fact in self.said}

    @property
    def rows(self) -> int:
        """Up to which axis pages have the rows of one matrix, of whose features the next one is; -1 where of none."""
        return next((int(fact.value) for fact in self.facts if fact.kind == "rows"), -1)

    @property
    def named(self) -> dict[int, str]:
        """The index by which pages tell each of some axes: "h"; "h " of blocks, "gh " of blocks in blocks."""
        found: dict[int, str] = {}
        for fact in self.facts:
            if fact.is_of_writing and fact.kind != "rows":
                what, letter = fact.kind.split()
                before = found.get(int(fact.value), "").strip()
                found[int(fact.value)] = f"{before}{letter}{' ' * (what == 'block')}"
        return found

    @property
    def mark(self) -> int:
        return int(self.pattern[0].args[4])

    @property
    def role(self) -> str:
        name: str = self.pattern[0].args[5].name
        return name

    @cached_property
    def name(self) -> str:
        """The name in NumPy notation: `W1`, `a1_2`, `dW1`; `W[l + 1]` for a symbolic index, `h1[t]` for two."""
        common, numbers = self.pattern
        if "name" not in common.answers:
            suffix = f"_{self.mark}" if self.mark > 1 else ""
            common.answers["name"] = f"{self.prefix}{self.letter}", suffix
        before, after = common.answers["name"]
        if numbers and len(numbers[0]) == 1:
            return f"{before}{numbers[0][0]}{after}"
        numbered = bool(self.index) and self.index[0].is_Integer
        inside = ", ".join(map(size_text, self.index[1:] if numbered else self.index))
        number = size_text(self.index[0]) if numbered else ""
        return f"{before}{number}{after}" + (f"[{inside}]" if inside else "")

    @property
    def sign(self) -> str:
        """What stands before the letter, by the role: `R` of a derivative along a direction, `N` of a squared norm."""
        return next((sign for begun, sign in SIGNS.items() if self.role.startswith(begun)), "")

    @property
    def prefix(self) -> str:
        """What stands before the letter: `d` of a gradient, `R` of a derivative along a direction, `Rd` of both."""
        return self.sign + "d" * (self.role.rpartition(" ")[2] == GRADIENT and not self.role.startswith("next "))

    @property
    def is_tangent(self) -> bool:
        """Whether it is the derivative, along a direction of the parameters, of what it is called after."""
        return bool(self.sign)

    @property
    def is_of_gradient(self) -> bool:
        """Whether it is a gradient, or what becomes of one along a direction: what a module returns by a parameter."""
        return self.prefix.endswith("d")

    @property
    def is_gradient(self) -> bool:
        """Whether it is the derivative of the loss with respect to the variable that it is called after."""
        return self.role == GRADIENT

    @cached_property
    def gradient(self) -> Variable:
        """The derivative of the loss with respect to it, which pages write likewise."""
        return self.like("gradient", lambda: self.change(role=GRADIENT, facts=self.as_written))

    @cached_property
    def adjoint(self) -> Variable:
        """The same under its own name where it has one: the delta of a pre-activation, `delta_i` of `a_i`."""
        if self.role != PRE_ACTIVATION:
            return self.gradient
        letter = "".join(("delta", *self.letter.partition("_")[1:]))
        return self.like("adjoint", lambda: self.change(letter=letter, role=DELTA, facts=self.as_written))

    @cached_property
    def tangent(self) -> Variable:
        """What the derivative of it along a direction of the parameters is called, `Rz1` (Pearlmutter's `R{z1}`)."""
        return self.like("tangent", lambda: self.change(role=TANGENT + self.role, facts=self.as_written))

    @cached_property
    def of_tangent(self) -> Variable:
        """The variable of which a tangent is the derivative."""
        return self.like("of tangent", lambda: self.change(role=self.role.partition(" ")[2]))

    @cached_property
    def curved(self) -> Variable:
        """What its tangent is called where second derivatives of the network are left out, `Gdelta1`."""
        return self.like("curved", lambda: self.change(role=CURVED + self.role, facts=self.as_written))

    @cached_property
    def norm(self) -> Variable:
        """What the squared norm of it is called, `NdW1`."""
        return self.like("norm", lambda: self.change(role=NORM + self.role, shape=(), facts=()))

    def of_role(self, begun: str, *shape: Expr) -> Variable:
        """Return what a role makes of it that begins so, with a shape of its own, such as `JACOBIAN`: `Jz1`."""
        return self.change(role=begun + self.role, shape=shape, facts=())

    def like(self, what: Hashable, make: Callable[[], Variable]) -> Variable:
        """Return what is made of an array, its number kept; `what` it is has been made of another such once."""
        common, numbers = self.pattern
        if what not in common.answers:
            common.answers[what] = make().pattern[0]
        found: Variable = made(common.answers[what], numbers)
        return found

    @property
    def as_written(self) -> Tuple:
        """What is known of how pages write it, and its derivative likewise."""
        return Tuple(*(fact for fact in self.facts if fact.is_of_writing))

    @property
    def family(self) -> tuple[str, int, str]:
        """What the variables of one name for different indices have in common: letter, mark, what stands before it."""
        return self.letter, self.mark, self.prefix

    @cached_property
    def free_symbols(self) -> set[Basic]:
        """The size symbols in shape and index, and the variable itself (so that `free_symbols` finds variables)."""
        sizes: set[Basic] = set()
        for part in (*self.shape, *self.index):
            sizes |= part.free_symbols
        return sizes | {self}

    def change(self, **fields: Any) -> Variable:
        """Return a copy with some of `letter`, `index`, `shape`, `facts`, `mark`, `role` replaced."""
        names = ("letter", "index", "shape", "facts", "mark", "role")
        return Variable(*(fields.get(name, argument) for name, argument in zip(names, self.args, strict=True)))


_FAMILIES: WeakValueDictionary[tuple[object, ...], Common] = WeakValueDictionary()
"""What arrays have in common that differ in their number, by all else of which they are made."""
atexit.register(_FAMILIES.clear)  # as in `patterns.py`

AXIS_FACTS = ("sums to 1", "one-hot", "rows")
"""The kinds of facts that speak of an axis, beside those that give a letter to one."""


class Fact(Basic):
    """What is known of a variable: `kind` and, where it speaks of an axis or a bound, `value`.

    Kinds: "rows" (pages write the array as a matrix, whose rows are told by the axes up to `value`), "place h" and
    "block h" (pages tell places along axis `value`, or blocks of it, by the index h; these three say nothing of the
    values), others of `AXIS_FACTS` (along axis `value`), "index" (integers from 0 to `value` - 1), "first above 0" and
    "one above 0" (along the last axis), and the words of `DECLARED` for all others.
    """

    def __new__(cls, kind: Any, value: Any = 0) -> Fact:
        return Basic.__new__(cls, kind if isinstance(kind, Str) else Str(kind), as_expression(value))

    @property
    def kind(self) -> str:
        return self.args[0].name

    @property
    def value(self) -> Expr:
        return self.args[1]

    @property
    def is_of_writing(self) -> bool:
        """Whether it says how pages write the array, and nothing of the value."""
        return self.kind == "rows" or self.kind.startswith(("place ", "block "))

    @property
    def is_of_axis(self) -> bool:
        """Whether its value is an axis."""
        return self.kind in AXIS_FACTS or self.is_of_writing


def unused_index(*formulas: Basic) -> sympy.Symbol:
    """Return an index that no size, index or array in `formulas` is called like.

    >>> import symprop
    >>> unused_index(symprop.variable("i", ("j", 3)))
    l
    """
    taken = names_in(*formulas)
    numbered = (f"i{number}" for number in count())
    free = next(name for name in chain("ijlrsuv", numbered) if name not in taken)
    return sympy.Symbol(free, integer=True, positive=True)


@lru_cache(maxsize=10_000)
def names_in(*formulas: Basic) -> frozenset[str]:
    """Return what sizes, indices and arrays in `formulas` are called, an array by its letter and by its name."""
    arrays = [array for each in formulas for array in each.atoms(Variable)]
    symbols = {str(symbol) for each in formulas for symbol in each.atoms(sympy.Symbol)}
    return frozenset(symbols | {array.letter for array in arrays} | {array.name for array in arrays})
