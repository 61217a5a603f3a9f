"""What it saves and costs to keep every k-th state of a loop over time, and to compute the rest again (`remat=k`).

A way back through T moments reads r numbers of each. Of T / k windows it needs what each starts from, s numbers, and
the r of one window at a time: T s / k + k r in place of T r. The sum is least where its derivative by k is 0, at
k = √(T s / r), where it grows as √T. It takes a second forward pass through the windows (Chen, Xu, Zhang and Guestrin,
*Training deep nets with sublinear memory cost*, 2016).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Expr, Integer, Symbol

from symprop.algebra.equations import Item, Loop, System, equations_in
from symprop.algebra.printable import aligned
from symprop.analysis.flops import Operations, indexed, operations, size, summed
from symprop.networks.sizes import TIME

LETTERS = ("k", "K", "kappa", "moments")
"""What the moments of a window may be called, where no number is given."""


@dataclass(frozen=True)
class Trade:
    """Memory of a loop over time against operations, as polynomials in its number of moments `count`.

    `state` are the numbers that are handed from moment to moment, `moment` those that the way back reads of each,
    `made` those of all of them that leave the loop as its output, `ahead` the operations of a moment forwards.
    `every` is k where the network has one, less than the number of moments. Numbers are of one example, or of a batch.

    >>> from symprop import derive
    >>> (trade,) = derive("Input(T, n) >> LSTM(h, sequence=False) >> MeanSquaredError()").cost().trades
    >>> trade.stored, trade.kept(), trade.extra().total
    (6*T*h, 2*T*h/k + 6*h*k, 8*T*h**2 + 8*T*h*n + 9*T*h)
    >>> trade.best
    sqrt(3)*sqrt(T)/3
    """

    name: str
    count: Expr
    state: Expr
    moment: Expr
    output: Expr
    ahead: Operations
    every: int | None = None

    @property
    def stored(self) -> Expr:
        """The numbers that are kept of all moments without `remat`."""
        return sympy.expand(self.count * self.moment)

    @property
    def window(self) -> Symbol:
        """The moments of a window where no number is given: k, or a letter that no size has."""
        taken = {each.name for each in sympy.Add(self.count, self.moment, self.ahead.total).free_symbols}
        return Symbol(next(each for each in LETTERS if each not in taken), positive=True)

    def windows(self, every: int | Expr) -> Expr:
        """Return how many windows of `every` moments there are, where both are numbers without the rest."""
        ratio = self.count / sympy.sympify(every, strict=True)
        return sympy.floor(ratio) if ratio.is_Rational else ratio

    def kept(self, every: int | Expr | None = None) -> Expr:
        """Return the numbers that are kept with `remat=every`: starts of windows, one window, and the output."""
        every = self.window if every is None else every
        return sympy.expand(self.windows(every) * self.state + every * self.moment + self.count * self.output)

    def extra(self, every: int | Expr | None = None) -> Operations:
        """Return the operations that are computed once more with `remat=every`."""
        every = self.window if every is None else every
        moments = sympy.expand(self.windows(every) * every)
        parts = self.ahead.multiplications, self.ahead.additions, self.ahead.functions
        return Operations(*(sympy.expand(moments * each) for each in parts))

    @property
    def best(self) -> Expr:
        """The k with which least is kept: where the derivative of that by k is 0."""
        (found,) = sympy.solve(sympy.diff(self.kept(), self.window), self.window)
        return found

    @property
    def least(self) -> Expr:
        """The numbers that are kept with the best k."""
        return sympy.expand(sympy.powdenest(self.kept().xreplace({self.window: self.best}), force=True))

    @property
    def again(self) -> Operations:
        """The operations that the network computes once more."""
        return Operations() if self.every is None else self.extra(self.every)

    @property
    def again_name(self) -> str:
        """What they are called in a table of costs."""
        return f"{self.name} again"

    def rows(self) -> tuple[tuple[str, Expr], ...]:
        """Return what is told of it, with words: for any k, and for that of the network."""
        own = () if self.every is None else ((f"kept, {self.window} = {self.every}", self.kept(self.every)),)
        return (
            ("kept without", self.stored),
            (f"kept with {self.window}", self.kept()),
            *own,
            ("operations again", self.extra(self.every).total),
            (f"best {self.window}", self.best),
            ("kept with it", self.least),
        )

    def text(self) -> str:
        """Return the trade as plain text."""
        return "\n".join(
            (f"remat of {self.name}", *(each.rstrip() for each in aligned([(a, str(b)) for a, b in self.rows()])))
        )

    def __str__(self) -> str:
        return self.text()

    def latex(self) -> str:
        """Return the trade as a LaTeX `aligned` block."""
        lines = (rf"\text{{{name}}} &= {sympy.latex(indexed(value))}" for name, value in self.rows())
        return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"


def trades_of(system: System, stored: Iterable[tuple[str, Expr]]) -> Iterator[Trade]:
    """Yield the trade of each loop over time, of which `stored` says what the way back reads."""
    yield from _trades(system.items, {name for name, _ in stored}, ())


def _trades(items: Iterable[Item], stored: set[str], outer: tuple[Loop, ...]) -> Iterator[Trade]:
    for loop in (each for each in items if isinstance(each, Loop)):
        if loop.index != TIME:
            yield from _trades(loop.items, stored, (*outer, loop))
            continue
        equations = tuple(equations_in(loop.items))
        every = loop.remat if loop.remat is not None and (loop.count <= loop.remat) != sympy.true else None
        moment = sympy.Add(*(size(each.target) for each in equations if each.name in stored))
        if moment == 0:
            continue
        ahead = Operations.sum(operations(each.expression) for each in equations)
        sizes = (
            sympy.Add(*(size(carry.after) for carry in loop.carries)),
            moment,
            sympy.Add(*(size(rows.row) for rows in loop.writes)),
        )
        for each in reversed(outer):
            sizes = tuple(summed(part, each.index, Integer(1), each.count) for part in sizes)
            ahead = ahead.over(each.index, Integer(1), each.count)
        yield Trade(", ".join(carry.after.name for carry in loop.carries), loop.count, *sizes, ahead, every)


__all__ = ["Trade", "trades_of"]
