"""What formulas have in common that are the same up to the numbers in their names, as those of one layer and the next.

A formula is a pattern: what it has in common with all that are alike, and its numbers. Two are equal where both are the
same. So a formula with other numbers is there at once, and its parts are made when somebody looks at them.
"""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakValueDictionary, ref

from sympy import Basic, Integer, Tuple

Number = tuple[int, ...]
"""The number in a name: `(5,)` of `W5`, `(2, 1)` of blocks in blocks."""


class _Blank(tuple[Any, ...]):
    """A `Part` where an operand stands."""

    __slots__ = ()


class Common:
    """What formulas that are alike have in common: one object for all of them, a formula with blanks for its numbers.

    `args` are the arguments, of an operand what it has in common with others and which numbers are its own. Of arrays
    there is mostly one object each: `arrays` has them by their numbers. `answers` has what was asked of one formula and
    is the same for all.
    """

    __slots__ = ("__weakref__", "answers", "args", "arrays", "is_numbered", "kind", "kinds", "reads", "shape", "weight")
    shape: Any
    weight: int

    def __init__(self, kind: type[Patterned] | None, is_numbered: bool, args: tuple[Any, ...]) -> None:
        self.kind, self.is_numbered, self.args = kind, is_numbered, args
        self.weight = 0  # until the first of them was made
        self.arrays: dict[tuple[Number, ...], ref[Any]] = {}
        self.answers: dict[object, Any] = {}
        self.kinds: frozenset[type[Patterned]] = frozenset((kind,) if kind else ())
        """The kinds of all their nodes."""
        reads: dict[Part, None] = {}
        for argument in args:
            if type(argument) is _Blank:
                common, places = argument
                self.kinds |= common.kinds
                for array, own in common.reads:
                    reads[array, tuple([places[place] for place in own])] = None
        if kind and kind.is_array:
            reads[self, tuple(range(is_numbered))] = None
        self.reads = tuple(reads)
        """The arrays in them, each once, in order of appearance."""

    def filled(self, numbers: tuple[Number, ...]) -> list[Basic]:
        """Return the arguments of the formula that has these numbers."""
        args: list[Any] = []
        for argument in self.args:
            if type(argument) is _Blank:
                common, places = argument
                args.append(made(common, tuple([numbers[place] for place in places])))
            else:
                args.append(argument)
        return args


Pattern = tuple[Common, tuple[Number, ...]]
Part = tuple[Common, tuple[int, ...]]
"""A part of formulas that are alike: which of their numbers are its own."""

_COMMON: WeakValueDictionary[tuple[object, ...], Common] = WeakValueDictionary()
atexit.register(_COMMON.clear)  # what goes later cannot be found in it: SymPy's functions import while they are hashed


def pattern_of(kind: type[Patterned] | None, args: Sequence[object]) -> Pattern:
    """Return the pattern of what is of a kind and has these arguments, the numbers in order of appearance."""
    number, parts = kind.number_apart(args) if kind else (None, args)
    places: dict[Number, int] = {} if number is None else {number: 0}
    blanks: list[object] = []
    for part in parts:
        if isinstance(part, Patterned):
            common, numbers = part.pattern
            blanks.append(_Blank((common, tuple([places.setdefault(each, len(places)) for each in numbers]))))
        else:
            blanks.append(part)
    form = tuple(blanks)
    key = kind, number is None, form
    found = _COMMON.get(key)
    if found is None:
        found = _COMMON.setdefault(key, Common(kind, number is not None, form))
    return found, tuple(places)


class Patterned(Basic):
    """Abstract base of nodes: an expression that knows its pattern, and is equal to another by it.

    `operands` are those of `args` that are such themselves, `reads` the arrays in it, each once, in order of
    appearance. These are worked out when somebody looks at them, also `args` and operands of one that was `made`.
    """

    __slots__ = ("operands", "pattern", "reads", "shape", "weight")
    is_array: ClassVar[bool] = False
    """Whether the kind is that of named arrays, of which there is one object each."""
    operands: tuple[Any, ...]
    reads: tuple[Any, ...]
    pattern: Pattern
    shape: Any
    weight: int

    def __new__(cls, *args: Basic) -> Self:
        return cls._with_pattern(args, pattern_of(cls, args))

    @classmethod
    def _with_pattern(cls, args: tuple[Basic, ...], pattern: Pattern) -> Self:
        node: Self = Basic.__new__(cls, *args)
        node.operands = tuple([argument for argument in args if isinstance(argument, Patterned)])
        node.pattern = pattern
        return node

    if not TYPE_CHECKING:  # pragma: no branch - for checkers alone all names would be right

        def __getattr__(self, name: str) -> Any:
            if name not in ("_args", "operands", "reads"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            common, numbers = self.pattern
            if name == "reads":
                if self.is_array:
                    return (self,)  # which is not kept: what has itself is freed late
                self.reads = tuple([made(of, tuple([numbers[place] for place in own])) for of, own in common.reads])
                return self.reads
            args = common.filled(numbers)
            self.operands = tuple([argument for argument in args if isinstance(argument, Patterned)])
            self._args = tuple(self.with_number(args, numbers[0]) if common.is_numbered else args)
            return self._args if name == "_args" else self.operands

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Patterned) and self.pattern == other.pattern)

    def __hash__(self) -> int:
        return hash(self.pattern)

    @classmethod
    def number_apart(cls, args: Sequence[Any]) -> tuple[Number | None, Sequence[Any]]:
        """Return the number in the node's own name, where it has one, and the arguments with a blank for it."""
        return None, args

    @classmethod
    def with_number(cls, args: list[Any], number: Number) -> Sequence[Any]:
        """Return arguments with a number in their blank."""
        raise NotImplementedError


def made(common: Common, numbers: tuple[Number, ...]) -> Any:
    """Return the formula that has these numbers, all of them different."""
    known = common.arrays.get(numbers)
    found = known() if known else None
    if found is not None:
        return found
    kind: Any = common.kind
    node = object.__new__(kind)
    node._assumptions = kind.default_assumptions
    node.pattern, node.shape, node.weight = (common, numbers), common.shape, common.weight
    if kind.is_array:
        common.arrays[numbers] = ref(node)
    return node


BLANK = Tuple()
"""What stands for a number in arguments that have a blank for it."""


def number_in(index: Sequence[Any]) -> Number | None:
    """Return an index as a number; one that is empty, or has an expression, is none."""
    number = tuple([int(part) for part in index if isinstance(part, (int, Integer))])
    return number if number and len(number) == len(index) else None


@lru_cache(maxsize=4_096)
def index_of(number: Number) -> Tuple:
    """Return a number as arguments have it."""
    return Tuple(*map(Integer, number), sympify=False)
