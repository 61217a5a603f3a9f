"""Arrays at any step of a loop: what is known of `a[l]` holds for `a[s]` and `a[l + 1]`, and of `x[t]` for `x[1]`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import gcd
from typing import Generic, TypeVar

from sympy import Basic, Expr, Symbol

from symprop.algebra.equations import Loop
from symprop.algebra.indices import placed
from symprop.algebra.nodes import Variable

Found = TypeVar("Found")


class AtAnyStep(Generic[Found]):
    """What is known of variables, found by their names, or else by what they are called at any step of the `loops`.

    >>> import symprop
    >>> system = symprop.parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()").system()
    >>> z, (loop,) = system.by_name["z[l]"], system.loops
    >>> known = AtAnyStep({z: "moves"}, system.loops)
    >>> known.find(loop.at(z, loop.index + 1)), known.find(system.by_name["a[l]"])
    ('moves', None)
    """

    def __init__(self, known: Mapping[Variable, Found], loops: Iterable[Loop]) -> None:
        self.counts = {symbol for loop in loops for symbol in loop.count.free_symbols}
        self.named: dict[str, Found] = {}
        self.placed: dict[tuple[str, bool], Found] = {}
        for each, found in known.items():
            self.enter(each, found)

    def enter(self, variable: Variable, found: Found) -> None:
        """Enter what is known of a variable, if nothing is known of it."""
        self.named.setdefault(variable.name, found)
        self.placed.setdefault(self._place(variable), found)

    def find(self, variable: Variable) -> Found | None:
        """Return what is known of a variable at its step, or at another one."""
        return self.named.get(variable.name, self.placed.get(self._place(variable)))

    def _place(self, variable: Variable) -> tuple[str, bool]:
        """What a variable is called at any step, and if it has a moment; a loop over one moment is read at that."""
        layers, moments = placed(variable.index)
        numbers: dict[Basic, Symbol] = {}
        parts = [self._at_any(part, numbers) for part in layers]
        return variable.change(index=parts).name if parts or moments else variable.name, bool(moments)

    def _at_any(self, part: Basic, numbers: dict[Basic, Symbol]) -> Basic:
        """Return a part of an index at any step: symbols by their numbers, `2*l + 1` as `2*l - 1`."""
        steps = sorted(part.free_symbols - self.counts, key=str)
        if not steps or not isinstance(part, Expr):
            return part
        for each in steps:
            numbers.setdefault(each, Symbol(f"step{len(numbers)}"))
        shift, moving = part.xreplace(numbers).as_coeff_Add()
        slopes = [moving.coeff(numbers[each]) for each in steps]
        if not shift.is_Integer or not all(each.is_Integer for each in slopes):
            return moving + shift
        return moving + int(shift) % (gcd(*map(int, slopes)) or 1)


__all__ = ["AtAnyStep"]
