"""Which sizes a network can have: what its layers need, and the small sizes or names that all of them can have.

Sizes are known by their value: equal ones are one size and change together, so that what fits goes on to fit. A size is
written as a symbol that has its number for a name, `sized(64)`; what a layer needs, and what it makes of the sizes of
its input, is said in these. A size of 1 stays 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Symbol, fraction

from symprop.algebra.names import size_symbol
from symprop.errors import SpecError, shown
from symprop.networks.parts import Built, Part
from symprop.networks.sizes import Size, size_node

ANY = 2
"""A size that may be any from 2 on may also be a name."""


@dataclass(frozen=True)
class Need:
    """What a size must be: at least `least`, and a multiple of `multiple`; with `stays`, what it is.

    A size may be a quotient of others, as the width of a head is: then what is divided grows until it is whole, and
    what divides it where that is as large as it was.
    `otherwise` is what is said where it is not; what is `counted` is small first, since all else is done so often.
    """

    size: Expr
    least: int = 1
    multiple: int = 1
    stays: bool = False
    otherwise: str = ""
    counted: bool = False

    def holds(self, value: Expr) -> bool:
        """Whether a number will do; a name stands for those that do."""
        return not value.is_Rational or bool(value >= self.least and value % self.multiple == 0)

    @property
    def is_any(self) -> bool:
        """Whether every size from 2 on will do; of a quotient no other will."""
        return not self.stays and self.least <= ANY and self.multiple == 1 and fraction(self.size)[1] == 1


def sized(size: Any) -> Expr:
    """Return a size as needs are said in: a number above 1 as the symbol that has it for a name.

    >>> sized(64), 2 * sized(64) + 1, sized(1), sized("n")
    (64, 2*64 + 1, 1, n)
    """
    node = size_node(size)
    return Symbol(str(node), integer=True, positive=True) if node.is_Integer and node > 1 else node


def valued(size: Expr) -> Expr:
    """Return a size with its numbers put in.

    >>> valued(2 * sized(64) + 1)
    129
    """
    return size.xreplace({symbol: _number(symbol) for symbol in size.free_symbols if symbol.name.isdecimal()})


def _number(symbol: Expr) -> Integer:
    return Integer(symbol.name)


def check_needs(layer: Part, shape: tuple[Expr, ...]) -> None:
    """Raise where an input of this shape has a size that the layer cannot have.

    Raises:
        SpecError: the size, and what it must be.
    """
    for need in layer.needs(shape):
        size = valued(need.size)
        if not need.holds(size):
            most = f"multiples of {need.multiple}" if need.multiple > 1 else "whole numbers"
            told = f"{shown(layer.text)} cannot have the size {size}\nallowed: {most} from {need.least}"
            raise SpecError(need.otherwise or told)


@dataclass(frozen=True)
class Needs:
    """What the sizes of a network must be: `sizes` are those above 1 that its layers name, in order of appearance.

    `made` gives a size as what it is made of, in order of appearance; `others` are two ways to make one.
    """

    sizes: tuple[Expr, ...]
    needs: tuple[Need, ...]
    made: dict[Expr, Expr]
    others: tuple[tuple[Expr, Expr], ...]

    @property
    def staying(self) -> tuple[int, ...]:
        """The sizes that layers name and that stay as they are, in ascending order."""
        return tuple(sorted(int(_number(size)) for size in self.sizes if self._parts([size]) <= self._fixed))

    @property
    def _fixed(self) -> frozenset[Expr]:
        """The sizes that no layer names, and those that one needs as they are."""
        stays = self._parts(need.size for need in self.needs if need.stays)
        return stays | (self._parts((*self.made, *(need.size for need in self.needs))) - frozenset(self.sizes))

    def smaller(self, by_turns: bool = False) -> dict[int, int]:
        """Return a small number for each size: from 3 on, by size; or `by_turns` 2 and 3.

        Those of which others are made, as of the width of an image, come first: what they make takes numbers too.
        So do moments of time. All then grow until what is needed holds, so a larger size need not stay the larger.
        """
        values: dict[Expr, Integer] = {size: _number(size) for size in self._fixed}
        counted = self._parts(need.size for need in self.needs if need.counted)
        making = frozenset() if by_turns else self._parts(self.made) | counted
        free = sorted(
            self._parts(self.sizes) - self._fixed,
            key=lambda size: (bool(_number(size) > 3), size not in making, _number(size)),
        )
        last = 0

        def set_from(size: Expr, start: Any) -> Integer:
            taken = () if by_turns else [value for other, value in values.items() if other != size]
            values[size] = self._from(size, Integer(start), taken)
            return values[size]

        for place, size in enumerate(free):
            last = set_from(size, 2 + place % 2 if by_turns else 3 if size in making else max(3, last + 1))
        moving = free
        while moving:
            wrong = next((parts for parts, holds in self._relations(values, by_turns) if not holds), frozenset())
            moving = [size for size in free if size in wrong and values[size] < _number(size)]
            for size in moving:
                set_from(size, values[size] + 1)
        return {int(_number(size)): int(self._made_of(size).xreplace(values)) for size in self.sizes}

    def names(self) -> dict[int, Size]:
        """Return a name for each size that may be any, `n0`, `n1`, and what is made of them in these names."""
        bound = self._parts(need.size for need in self.needs if not need.is_any)
        for size in self.sizes:
            whole = self._made_of(size)
            if not (whole.is_integer and whole.is_positive and whole.is_polynomial()):
                bound |= self._parts([size])
        for size, other in self.others:
            bound |= self._parts([size, other])
        free = [size for size in self.sizes if size not in self.made and size not in bound]
        names = {size: size_symbol(f"n{place}") for place, size in enumerate(free)}
        found = {int(_number(size)): valued(self._made_of(size).xreplace(names)) for size in self.sizes}
        return {size: str(node) if node.is_Symbol else node for size, node in found.items() if not node.is_Integer}

    def _from(self, size: Expr, value: Integer, taken: Collection[Integer]) -> Integer:
        """Return the first number from `value` that a size can have and that is not taken; at most what it is."""
        own = [need for need in self.needs if need.size == size]
        while value < _number(size) and (value in taken or not all(need.holds(value) for need in own)):
            value += 1
        return min(value, _number(size))

    def _relations(self, values: dict[Expr, Integer], by_turns: bool) -> Iterable[tuple[frozenset[Expr], bool]]:
        """Yield for each need, each made size and each second way to make one: its sizes, and whether it holds.

        What is made is above 1 too, and not 2, which is a batch's, nor what another size is, unless all go by turns.
        """
        for need in self.needs:
            holds = need.stays or need.holds(self._made_of(need.size).xreplace(values))
            divided, by = (self._parts([part]) for part in fraction(need.size))
            has_room = any(values[size] < _number(size) for size in divided)
            yield divided if has_room else by, holds
        made = {size: self._made_of(size).xreplace(values) for size in self.made}
        known = [*values.values(), *made.values()]
        for size, value in made.items():
            least = 2 if by_turns else min(3, _number(size))
            alike = frozenset(other for other, own in values.items() if own == value < _number(other))
            if value < least or not alike:
                yield self._parts([size]), value >= least and (by_turns or known.count(value) == 1)
            else:  # another size has room to move away
                yield alike - self._fixed, by_turns
        for size, value in () if by_turns else values.items():
            if value < _number(size) and [*values.values()].count(value) > 1:  # it has room to move away
                yield frozenset([size]) - self._fixed, size in self._fixed
        for size, other in self.others:
            same = self._made_of(size).xreplace(values) == self._made_of(other).xreplace(values)
            yield self._parts([size, other]), same

    def _made_of(self, size: Expr) -> Expr:
        """Return a size as an expression in those that are not made."""
        while size.free_symbols & self.made.keys():
            size = size.xreplace(self.made)
        return size

    def _parts(self, sizes: Iterable[Expr]) -> frozenset[Expr]:
        """The sizes that are not made of others, of which these are made."""
        return frozenset(part for size in sizes for part in self._made_of(size).free_symbols)


def needs_of(sizes: Iterable[Size], built: Iterable[Built]) -> Needs:
    """Return what the layers of a network need, from what each of them added; all sizes are numbers."""
    needs: dict[Need, None] = {}
    made: dict[Expr, Expr] = {}
    others: dict[tuple[Expr, Expr], None] = {}
    for each in built:
        entering = tuple(map(sized, each.value.shape))
        needs.update(dict.fromkeys(each.layer.needs(entering)))
        joined = (tuple(map(sized, part.shape)) for part in each.joins)
        for size, parts in zip(map(sized, each.output.shape), each.layer.makes(*joined), strict=False):
            known = Needs((), (), made, ())
            if not size.is_Symbol or known._made_of(size) == known._made_of(parts):
                continue
            if size in made or size in known._parts([parts]):
                others[size, parts] = None
            else:
                made[size] = parts
    return Needs(tuple(dict.fromkeys(sized(size) for size in sizes if size != 1)), tuple(needs), made, tuple(others))
