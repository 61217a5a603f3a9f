"""The builder: what layers write their equations into, in the order of the network.

It keeps the books that layers must not keep: numbers of layers, names that are taken, parameters, limits.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from sympy import Expr, Integer, Symbol, expand
from sympy.core.function import AppliedUndef

from symprop.algebra.declarations import BITS
from symprop.algebra.equations import Equation, Item, Mask, State
from symprop.algebra.functions import ElementwiseFunction, exact
from symprop.algebra.known import known as known_data
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.names import variable as named_variable
from symprop.algebra.nodes import Fact, Known, Multiply, Node, Scalar, Variable
from symprop.algebra.roles import ACTIVATION, GIVEN, INPUT, MASK, PARAMETER, STATE
from symprop.algebra.shapes import shape_text
from symprop.algebra.sizes import as_expression
from symprop.errors import LimitError, ShapeError, SpecError, shown
from symprop.networks.books import Books
from symprop.networks.needs import check_needs
from symprop.networks.parts import DEFAULT_INITIALISER, Built, Given, Parameter, Part, told
from symprop.networks.selections import rows_of
from symprop.networks.sizes import LOOP_SYMBOLS, MOST_LAYERS, MOST_PARAMETERS, Size, size_node

ZERO = Integer(0)
SHARES = (Fact("between 0 and 1"),)
"""What is known of a mask: the share with which each position counts."""


class Builder:
    """The equations of one row of layers: the network, or a general block of a symbolic `Repeat`.

    Layers call `equation`, `parameter` and `next_number`; what concerns the whole network stands in `books`.
    """

    def __init__(self, books: Books, place: tuple[int, ...] = (0,), nesting: int = 0) -> None:
        self.books = books
        self.items: list[Item] = []
        self.numbers: dict[str, Expr] = {}  # of the latest layer of each family
        self.counts: dict[str, int] = {}  # how many layers of each family there are in this row
        self.prefix: tuple[Expr, ...] = ()  # what stands before the number in an index, in a loop inside a loop
        self.activation_letter = "a"
        self.nesting = nesting
        self.place = place  # of the next layer: its position in the network, in its block, and so on
        self.joins: tuple[Variable, ...] = ()  # the outputs of the rows that the layer at work makes one of
        self.indices: tuple[Symbol, ...] = ()  # of the symbolic Repeats around, the innermost last
        self.shared: tuple[Symbol, ...] = ()  # those of them whose blocks have the same parameters

    def general_block(
        self, books: Books, index: Symbol, prefix: tuple[Expr, ...], numbers: dict[str, Expr], tied: bool
    ) -> Builder:
        """Return the builder of a block for a general `index`, whose first layers come after `numbers`."""
        body = Builder(books, self.place, self.nesting)
        body.numbers, body.prefix = numbers, prefix
        body.indices = (*self.indices, index)
        body.shared = (*self.shared, index) if tied else self.shared
        return body

    def size(self, size: Size) -> Expr:
        """Return a size of a layer as a SymPy expression.

        Raises:
            SpecError: a size that varies from block to block, outside its block.
        """
        node = size_node(size, self.books.stems)
        for symbol in LOOP_SYMBOLS if node.has(AppliedUndef) else ():
            if symbol in node.free_symbols and symbol not in self.indices:
                raise SpecError(f"the size {shown(size)} belongs to one block of a Repeat and cannot stand outside it")
        return node

    @property
    def number(self) -> Expr:
        """The number of the latest layer with a weight, after which activations are called."""
        return self.numbers.get("layer", ZERO)

    def next_number(self, family: str = "layer") -> Expr:
        """Return the number of the next layer of a family, which counts by itself: an expression in a loop's index.

        Families: "layer" (all that have weights and a pre-activation), "embedding", and what a layer calls its own.
        """
        number = expand(self.numbers.get(family, ZERO) + 1)
        self.numbers[family], self.counts[family] = number, self.counts.get(family, 0) + 1
        return number

    def index(self, number: Expr | None) -> tuple[Expr, ...]:
        """Return the whole index of what has this number."""
        return () if number is None else (*self.prefix, number)

    def variable(
        self, letter: str, index: tuple[Expr, ...], shape: tuple[Any, ...], role: str, facts: Iterable[Fact] = ()
    ) -> Variable:
        """Return a new variable, marked where its name is taken, by another or by a size."""
        taken = self.books.taken
        by_size = bool(index) and letter in self.books.sizes
        mark = taken[letter, index] = taken.get((letter, index), int(by_size)) + 1
        return Variable(letter, index, shape, facts, mark, role)

    def further_input(self, given: Given, role: str = INPUT, facts: tuple[Fact, ...] = ()) -> Variable:
        """Enter an input of the network and return it; the same name with the same sizes is the same input.

        `role` says whether a gradient may flow to it (`INPUT`), or none does (`GIVEN`, `STATE`); `facts` what is
        known of it, `Fact("index", vocabulary)` of ids. What a layer has as its `mask` is given, from 0 to 1.

        Raises:
            SpecError: sizes that vary from block to block, or another input of this name.
        """
        shape = tuple(map(self.size, given.shape))
        if any(size.has(*self.indices) for size in shape if self.indices):
            raise SpecError(f"{shown(given.text)} is one input for all blocks; its shape {shape_text(shape)} varies")
        if given.name in self.books.mask_inputs and facts in ((), SHARES):
            role, facts = GIVEN, self.books.mask_inputs[given.name]
        facts = (*facts, *[Fact("rows", len(shape) - 2)] * (self.books.has_windows and len(shape) > 1))
        new = named_variable(given.name, shape, facts).change(role=role)
        known = next((each for each in self.books.inputs if each.name == new.name), None)
        if known is None:
            self.books.inputs.append(new)
            return new
        for what, old, now in (
            ("of shape ", shape_text(known.shape), shape_text(new.shape)),
            ("as ", known.role, new.role),
            ("as ", told(known.facts), told(new.facts)),
        ):
            if old != now:
                raise SpecError(
                    f"the input {shown(new.name)} is used in two ways: {what}{old} here, {what}{now} there\n"
                    "allowed: name=..., a name for each input"
                )
        return known

    def equation(
        self,
        letter: str,
        number: Expr | None,
        expression: Node,
        note: str = "",
        role: str = ACTIVATION,
        written: tuple[Fact, ...] = (),
    ) -> Variable:
        """Append `letter{number} = expression` and return its left side; pages know by `written` how to write it."""
        facts = written or rows_of(expression)
        return self.define(self.variable(letter, self.index(number), expression.shape, role, facts), expression, note)

    def define(self, target: Variable, expression: Node, note: str = "") -> Variable:
        """Append `target = expression` and return its left side."""
        self.items.append(Equation(target, expression, note=note))
        return target

    def activation(self, expression: Node, note: str = "") -> Variable:
        """Append `a{l} = expression`, `l` the latest Dense; the letter is `f` at the end of a residual block."""
        return self.equation(self.activation_letter, self.number, expression, note)

    def parameter(
        self,
        letter: str,
        number: Expr,
        shape: tuple[Any, ...],
        kind: str,
        initialiser: str | None,
        fans: tuple[Any, Any],
        written: tuple[Fact, ...] = (),
    ) -> Variable:
        """Enter a parameter; without an initialiser, the activation right after decides.

        A place has one parameter of each letter: the later blocks of a tied `Repeat`, which stand at the places of the
        first, get those of the first.

        Raises:
            SpecError: the parameter that the place has is of another shape.
            LimitError: more numbers than a network may have.
        """
        books = self.books
        if (self.place, letter) in books.held:
            return self._used_again(books.held[self.place, letter], shape)
        index = self.index(number)
        first = dict.fromkeys(self.shared, Integer(1))
        index = tuple(expand(part.xreplace(first)) for part in index) if first else index
        variable = self._before_statistics(self.variable(letter, index, shape, PARAMETER, written))
        books.held[self.place, letter] = variable
        if any(size.has(*self.shared) for size in variable.shape if self.shared):
            raise SpecError(
                f"a tied Repeat has one {variable.name} for all blocks; its shape {shape_text(variable.shape)} varies\n"
                "allowed: sizes that are the same in every block"
            )
        books.waiting = len(books.parameters) if initialiser is None else books.waiting
        books.parameters.append(Parameter(variable, initialiser or DEFAULT_INITIALISER, *fans, kind))
        books.parameter_count += math.prod(int(size) for size in variable.shape if size.is_Integer)
        if books.parameter_count > MOST_PARAMETERS:
            raise LimitError(f"the network has over {MOST_PARAMETERS:,} parameters at {variable.name} {variable.shape}")
        return variable

    def _before_statistics(self, parameter: Variable) -> Variable:
        """Return a parameter that has no mark for the sake of a running statistic, which gives its name and gets it."""
        states, bare = self.books.states, parameter.change(mark=1)
        for place, state in enumerate(states):
            if state.variable.name == bare.name:
                marked = state.variable.change(mark=parameter.mark)
                states[place] = dataclasses.replace(
                    state, variable=marked, update=state.update.xreplace({state.variable: marked})
                )
                return bare
        return parameter

    def hyperparameter(self, name: str, value: Any) -> NamedNumber:
        """Return a number of a layer under its name; the same name with another value gets a mark, `eps_2`.

        A name that a variable of the network has would mark that variable: `rate`, not `p`.
        """
        exactly = exact(value)
        known = next((each for each in self.books.hyperparameters if (each.label, each.value) == (name, exactly)), None)
        if known is None:
            place = named_variable(name)
            known = NamedNumber(name, exactly, self.variable(place.letter, place.index, (), "").mark)
            self.books.hyperparameters.append(known)
        return known

    def known(self, letter: str, shape: tuple[Any, ...], rule: Callable[..., Any]) -> Known:
        """Return data by a rule for its elements; where its name says something else, it gets a number, `M`, `M2`."""
        books = self.books
        for number in count(1):
            index = (Integer(number),) if number > 1 else ()
            made = known_data(f"{letter}{number if index else ''}", shape, rule)
            if books.data.get(made.name) == made:
                return made
            if made.name not in (*books.size_names, *books.data) and (letter, index) not in books.taken:
                books.data[made.name], books.taken[letter, index] = made, 1
                return made
        raise AssertionError  # never: names do not end

    def running(self, letter: str, statistic: Variable, start: Any, update: Callable[[Variable], Node]) -> Variable:
        """Return a running statistic: it stands for `statistic` in evaluation, and a step sets it to its `update`."""
        state = self.variable(letter, statistic.index, statistic.shape, STATE)
        self.books.states.append(State(state, statistic, as_expression(start), update(state)))
        return state

    def masked(self, value: Variable, drop: Any, note: str) -> Variable:
        """Append the equation of a dropout: `value` times a mask of its own, `m{k}`, over the probability to stay."""
        facts = (*map(Fact, BITS), *rows_of(value))
        mask = self.variable("m", self.index(self.next_number("dropout")), value.shape, MASK, facts)
        output = self.activation(Multiply(Scalar(1 / (1 - as_expression(drop))), value, mask), note)
        self.books.masks.append(Mask(mask, as_expression(drop), output, value))
        return output

    def _used_again(self, variable: Variable, shape: tuple[Any, ...]) -> Variable:
        if variable.shape != tuple(map(as_expression, shape)):
            raise SpecError(
                f"a tied Repeat uses {variable.name} again, of shape {shape_text(variable.shape)}, "
                f"where shape {shape_text(shape)} is needed\n"
                "allowed: a block whose output is as wide as its input, or a Dense before the Repeat"
            )
        return variable

    def add(self, layer: Part, value: Variable) -> Variable:
        """Let `layer` write its equations for the input `value`; return its output."""
        books = self.books
        books.layer_count += 1
        if books.layer_count > MOST_LAYERS:
            raise LimitError(f"a network has at most {MOST_LAYERS:,} layers, repeated ones counted each time")
        if books.waiting is not None and layer.preferred_initialiser != DEFAULT_INITIALISER:
            waiting = books.parameters[books.waiting]
            books.parameters[books.waiting] = replace(waiting, initialiser=layer.preferred_initialiser)
        if not layer.is_transparent and not layer.passes_on:
            books.waiting = None
        self.nesting += 1
        before, start, written = len(books.parameters), len(books.built), len(self.items)
        place, number = self.place, self.number
        self.place = (*place, 0)
        if (id(layer), value.shape) not in books.fitting:  # a block stands at many places
            check_needs(layer, value.shape)
            books.fitting.add((id(layer), value.shape))
        try:
            output = layer.build(self, value)
        except (ShapeError, TypeError) as error:  # a layer that needs a number, or another one, and does not say so
            if isinstance(error, ShapeError) and error.column is not None:
                raise  # it shows its place in a formula that was typed
            what = str(error).splitlines()[0]
            raise SpecError(
                f"{shown(layer.text)} cannot be built for an input of shape {shape_text(value.shape)}: {what}\n"
                "a layer says in `needs` which sizes it can have"
            ) from error
        self.place = (*place[:-1], place[-1] + 1)
        joined, self.joins = self.joins or (value,), ()
        self.nesting -= 1
        inside = {parameter.name for part in books.built[start:] for parameter in part.parameters}
        own = tuple(parameter for parameter in books.parameters[before:] if parameter.name not in inside)
        theirs = {id(item) for part in books.built[start:] for item in part.items}
        items = tuple(item for item in self.items[written:] if id(item) not in theirs)
        index = self.indices[-1] if self.indices else None
        books.built.append(Built(layer, self.nesting, value, output, own, index, self.number != number, joined, items))
        if output is not value and not layer.is_transparent:
            books.previous = layer
        return output

    def use(self, function: ElementwiseFunction) -> None:
        """Note that the network uses a function; a name says one function.

        Raises:
            SpecError: another function of the network has the name.
        """
        if self.books.functions.setdefault(function.name, function) != function:
            raise SpecError(
                f"two different activations have the name {shown(function.name)}\nallowed: name=..., a name for each"
            )
