"""How a gradient goes back through time: the Jacobians from one moment to the next, their product and its bound.

From moment T back to moment t a gradient is multiplied by one Jacobian for each moment between. Where the norm of each
is at most `c < 1`, it vanishes like `c**(T - t)`; only where `c > 1` can it explode. A state that enters its own
equation, as the cell of an LSTM does, has a path on which nothing stands but what the gates let through.

Sources: Bengio, Simard and Frasconi, *Learning long-term dependencies with gradient descent is difficult* (1994);
Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks* (2013); Hochreiter and
Schmidhuber, *Long short-term memory* (1997); Gers, Schmidhuber and Cummins, *Learning to forget* (2000).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.equations import Loop, System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import PRINTERS, Listed
from symprop.algebra.roles import PARAMETER
from symprop.algebra.trees import is_zero, variables
from symprop.analysis.state_sizes import Sizes
from symprop.analysis.vanishing import UnboundedError, jacobian_bound, largest_element, norm
from symprop.calculus.jacobians import between_vectors, by_paths, jacobian
from symprop.calculus.rules import Context, context
from symprop.errors import FormulaError, SpecError
from symprop.networks.sizes import TIME

MOMENTS = tuple(Symbol(letter, integer=True, positive=True) for letter in ("s", "u", "v", "j"))
"""What a moment between t and T is called: the first that is no size."""


@dataclass(frozen=True)
class Transition:
    """The Jacobian of a state at moment s with respect to a state at the moment before."""

    of: Variable
    by: Variable
    jacobian: Node


class _Told(Listed):
    """What is read as text, in a notebook too."""

    __slots__ = ()

    def pretty(self) -> str:
        """Return it in Unicode."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.pretty()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("..." if cycle else str(self))


@dataclass(frozen=True)
class Memory(_Told):
    """A recurrent layer: the Jacobians between its states at neighbouring moments, and what bounds their product.

    `own` are the states' own paths: the derivative of a state's equation by the state before, gates held. `factor`
    bounds the norm of the Jacobian of one moment, in the norms of weights; where there is none, `unbounded` is why.
    `kept` is the largest element that each own path may have, `sizes` what the bound takes the elements of states to be
    at most; `normed` are the parameters whose norms occur.
    """

    moment: Symbol
    count: Expr
    transitions: tuple[Transition, ...]
    own: tuple[Transition, ...]
    kept: tuple[Expr | None, ...]
    factor: Expr | None
    unbounded: Node | None = None
    sizes: tuple[tuple[Node, Expr], ...] = ()
    normed: tuple[Variable, ...] = ()

    @property
    def states(self) -> tuple[Variable, ...]:
        """The states at moment s, the output first."""
        return tuple(dict.fromkeys(each.of for each in self.transitions))

    @property
    def weights(self) -> tuple[Variable, ...]:
        """The matrices through which the other paths lead."""
        found = (each for step in self.transitions for each in variables(step.jacobian))
        return tuple(dict.fromkeys(each for each in found if each.role == PARAMETER))

    def at(self, state: Variable, moment: Expr) -> Variable:
        """Return a state at another moment, such as T."""
        moved: Variable = state.xreplace({self.moment: moment})
        return moved

    @property
    def bound(self) -> Expr | None:
        """What the norm of the product from T back to t is at most."""
        if self.factor is None or not self.factor.has(self.moment):
            return None if self.factor is None else self.factor ** (self.count - TIME)
        return sympy.Product(self.factor, (self.moment, TIME + 1, self.count))

    @property
    def threshold(self) -> tuple[Expr, Expr] | None:
        """The norm of the one weight matrix in the bound, and the number below which the gradient vanishes."""
        if self.factor is None or len(self.factor.free_symbols) != 1:
            return None
        (size,) = self.factor.free_symbols
        slope, rest = sympy.diff(self.factor, size), self.factor.subs(size, 0)
        return (size, (1 - rest) / slope) if slope.is_number and rest < 1 else None

    def text(self) -> str:
        """Return the Jacobians, the bound and the own paths as plain text, formulas in NumPy notation."""
        return PRINTERS["sentences"](self._lines(Node.text, str))

    def pretty(self) -> str:
        """The same in Unicode."""
        names = {f"||{each.name}||": f"‖{each.pretty()}‖" for each in self.normed}

        def number(value: Expr) -> str:
            written = str(value).replace("**", "^").replace("sqrt(", "√(")
            for name, shown in names.items():
                written = written.replace(name, shown)
            return written

        return PRINTERS["sentences"](self._lines(Node.pretty, number))

    def _lines(self, write: Callable[[Node], str], number: Callable[[Expr], str]) -> Iterator[tuple[str, str]]:
        """Yield sentences, and heads with the formulas that stand behind them."""
        last, states = number(self.count), ", ".join(write(state) for state in self.states)
        steps = f"{self.moment} = {last}, ..., t + 1"
        yield f"from moment {last} back to t: the product over {steps} of the Jacobian of {states}", ""
        for each in self.transitions:
            yield f"  d {write(each.of)} / d {write(each.by)} = ", write(each.jacobian)
        if self.factor is not None and self.bound is not None:
            product = number(self.bound) if self.bound.is_Pow else "the product of these"
            yield f"  its norm is at most {number(self.factor)}, that of the product at most {product}", ""
            for state, size in self.sizes:
                yield f"    as elements of {write(state)} are at most {number(size)} in absolute value", ""
        elif self.unbounded is not None:
            yield f"  no bound of its norm: none is known of {write(self.unbounded)}", ""
        if self.threshold is not None:
            size, least = map(number, self.threshold)
            yield f"  it vanishes where {size} < {least}; it can explode only where {size} > {least}", ""
        for own, kept in zip(self.own, self.kept, strict=True):
            name, others = write(self.at(own.of, TIME)), " and ".join(write(each) for each in self.weights)
            yield f"  own path of {name}: the product of {write(own.jacobian)}, without {others}", ""
            if kept is not None:
                yield (
                    f"    each element at most {number(kept)}: it does not explode, and keeps what these factors keep",
                    "",
                )


class ThroughTime(_Told, tuple[Memory, ...]):
    """The recurrent layers of a network, the first one first."""

    __slots__ = ()

    def text(self) -> str:
        """Return what is said of each layer as plain text."""
        return "\n".join(memory.text() for memory in self)

    def pretty(self) -> str:
        """The same in Unicode."""
        return "\n".join(memory.pretty() for memory in self)


def through_time(system: System) -> ThroughTime:
    """Return, for each recurrent layer, the Jacobians from moment to moment with what bounds their product.

    >>> from symprop.networks import RNN, Input
    >>> (memory,) = through_time((Input("T", "n") >> RNN("k", activation="sigmoid")).system())
    >>> memory.transitions[0].jacobian.text(), memory.bound
    ('diag(h1[s] * (1 - h1[s])) @ R1', (||R1||/4)**(T - t))

    Raises:
        SpecError: no layer has a loop over time, or none of them carries vectors.
    """
    loops = [loop for loop in system.loops if loop.index == TIME]
    if not loops:
        raise SpecError(
            "nothing goes through time in this network\nallowed: a recurrent layer such as LSTM(8), without unroll"
        )
    sizes = {symbol.name for each in system.by_name.values() for size in each.shape for symbol in size.free_symbols}
    moment = next(each for each in MOMENTS if each.name not in sizes)
    found = [_memory(system, loop, moment, context(system)) for loop in loops if _between_vectors(loop)]
    if not any(memory.transitions for memory in found):
        raise SpecError(
            "the states of this cell are no vectors, so there is no Jacobian from moment to moment\n"
            "allowed: a layer such as LSTM(8), or a Scan that carries vectors"
        )
    return ThroughTime(memory for memory in found if memory.transitions)


def _between_vectors(loop: Loop) -> bool:
    """Whether all ways from the states of a moment to those of the next lead through vectors and numbers."""
    pairs = [(after.after, before.before) for after in loop.carries for before in loop.carries]
    return all(between_vectors(loop.equations, of, by) for of, by in pairs)


def _memory(system: System, loop: Loop, moment: Symbol, known: Context) -> Memory:
    def then(node: Node) -> Node:
        moved: Node = node.xreplace({TIME: moment})
        return moved

    pairs = [(after.after, before.before) for after in loop.carries for before in loop.carries]
    found = [(of, by, by_paths(loop.equations, of, by, known)) for of, by in pairs]
    steps = tuple(Transition(then(of), then(by), then(found)) for of, by, found in found if not is_zero(found))
    made = {each.target: each.expression for each in loop.equations}
    straight = [(each, jacobian(made[each.after], each.before, known)) for each in loop.carries]
    diagonal = [(each, node) for each, node in straight if isinstance(node, n.Diag)]
    own = tuple(Transition(then(each.after), then(each.before), then(node)) for each, node in diagonal)
    kept = tuple(largest_element(system, node.operands[0]) for _, node in diagonal)
    sizes = Sizes(system, loop)
    try:
        bounds = [jacobian_bound(system, of, by, sizes.largest) for of, by, node in found if not is_zero(node)]
    except UnboundedError as error:
        return Memory(moment, loop.count, steps, own, kept, None, then(error.value))
    except (SpecError, FormulaError):  # no bound is known for a formula of the cell
        return Memory(moment, loop.count, steps, own, kept, None)
    factor = bounds[0] if len(bounds) == 1 else sympy.sqrt(sum(bound**2 for bound in bounds))
    asked = tuple((then(each), size.xreplace({TIME: moment})) for each, size in sizes.asked.items())
    symbols = factor.free_symbols.union(*(size.free_symbols for _, size in asked))
    normed = tuple(each for each in system.parameters if norm(each) in symbols)
    return Memory(moment, loop.count, steps, own, kept, factor.xreplace({TIME: moment}), None, asked, normed)


__all__ = ["Memory", "ThroughTime", "Transition", "through_time"]
