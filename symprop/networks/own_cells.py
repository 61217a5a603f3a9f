"""A recurrent layer with a cell of one's own: named equations in `x`, what the moment before left, and parameters."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr

from symprop.algebra.declarations import declared
from symprop.algebra.inference.unknown_sizes import Unknown
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Decomposition, Node, Variable
from symprop.algebra.reader import least_size, read_formula
from symprop.algebra.reading.ids import check_ids
from symprop.algebra.reading.statements import Statement
from symprop.algebra.roles import PRE_ACTIVATION
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.tokens import refuse
from symprop.algebra.trees import has_kind, replace
from symprop.errors import ShapeError, SpecError, shown
from symprop.networks.builder import Builder
from symprop.networks.layers import Input
from symprop.networks.needs import Need, sized
from symprop.networks.own import (
    WIDTH,
    Learned,
    check_numbers,
    check_used,
    hyperparameters_of,
    keywords_text,
    learned_of,
)
from symprop.networks.own_equations import BEFORE, INPUT_NAME, CellEquations, inferred_shapes
from symprop.networks.own_uses import start_of, uses_in, with_pre_activations
from symprop.networks.parts import argument_text
from symprop.networks.recurrent import LEARNED, Moment, Recurrent, fans_of
from symprop.networks.sizes import Size, changed_size, checked_size, size_node

Sizes = tuple[tuple[str, tuple[Size, ...]], ...]
"""Names with the sizes that each has."""


@dataclass(frozen=True, init=False)
class Scan(Recurrent):
    """A recurrent layer with a cell of one's own: equations in NumPy notation, apart by `;` or line breaks.

    `x` is the row of the sequence, `(n,)`; `h_prev` is `h` as the moment before left it; every other name is a
    parameter. The output is what the last equation makes, or `output`. Shapes follow from the equations; what does
    not is given by name, `h=32`, `S=(8, 4)`. A number is a hyperparameter, `eps=1e-5`; `learned={"a": "h 0.9"}` says
    sizes and start of a parameter, where `h` is the size of h and `n` that of x.

    Matrices start as `xavier_uniform`, vectors that are only added at 0, those that are factors at 1.

    >>> from symprop import Input
    >>> cell = Scan("h = tanh(W @ x + R @ h_prev + b)", h=4)
    >>> [equation.text() for equation in (Input("T", "n") >> cell).system().equations]
    ['h1[0] = zeros((4,))', 'a1[t] = W1 @ x[t] + R1 @ h1[t - 1] + b1', 'h1[t] = tanh(a1[t])']

    Raises:
        SpecError: a name that means nothing or two things, an equation without use, a size that nothing tells; where it
            is built, an input that is no sequence.
        FormulaError: no formula. ShapeError: arrays that do not fit, or a state that changes its shape.
    """

    equations: str
    output: str
    declared: Sizes
    """The shapes of what equations make, as far as they are given."""
    named: Sizes
    """What the names of sizes in the equations stand for."""
    learned: tuple[Learned, ...]
    hyperparameters: tuple[tuple[str, Any], ...]

    def __init__(
        self,
        equations: str,
        *,
        output: str = "",
        sequence: bool = True,
        initial: Input | tuple[Input, ...] | str | None = None,
        unroll: bool = False,
        truncate: int | None = None,
        remat: int | None = None,
        learned: Any = None,
        **given: Any,
    ) -> None:
        if not isinstance(output, str):
            raise SpecError(f"Scan: output is the name of an equation, not {shown(output)}")
        cell = CellEquations(equations)
        shapes = {name: _sizes_of(name, what) for name, what in given.items() if name in cell.names}
        for name, sizes in shapes.items():
            if any(name in symbols_in(size) for size in sizes):
                raise SpecError(f"Scan: {name} has a size of its own name\nallowed: another name, such as {name}=k")
        named = {name: _sizes_of(name, given.get(name, name)) for name in cell.sizes if name != WIDTH}
        numbers = {name: what for name, what in given.items() if name not in {**shapes, **named}}
        for name, what in numbers.items():
            if isinstance(what, (int, str, tuple)) and name in cell.free:
                raise SpecError(
                    f"Scan: {name} is {shown(what)}, and has no equation\n"
                    f"allowed: {name}=0.5, a hyperparameter with its decimal point, or learned={{{name!r}: sizes}}"
                )
        self._set("equations", cell.canonical)
        self._set("output", "" if output == cell.names[-1] else output)
        self._set("declared", tuple(shapes.items()))
        self._set("named", tuple(named.items()))
        self._set("learned", learned_of(learned, "Scan", numbered=True))
        self._set("hyperparameters", hyperparameters_of(numbers, "Scan"))
        self._set("sequence", sequence)
        self._set("initial", initial)
        self._set("unroll", unroll)
        self._set("truncate", truncate)
        self._set("remat", remat)
        cell.check(self.result, numbers)
        for names in (numbers, [each.letter for each in self.learned]):
            check_used(names, cell.free, self.equations, "Scan")
        twice = next((each.letter for each in self.learned if each.letter in numbers), None)
        if twice is not None:
            raise SpecError(f"Scan: {shown(twice)} is a hyperparameter and learned\nallowed: two names")
        super().__post_init__()
        starts = (f"{state}s" for state in self.states) if initial == LEARNED else ()
        twice = next((each for each in starts if each in cell.free), None)
        if twice is not None:
            raise SpecError(f"Scan: {shown(twice)} is the learned initial state of {twice[:-1]}\nallowed: another name")

    def _set(self, field: str, value: Any) -> None:
        object.__setattr__(self, field, value)

    @cached_property
    def cell(self) -> CellEquations:
        """What the equations say."""
        return CellEquations(self.equations)

    @property
    def states(self) -> tuple[str, ...]:
        return self.cell.states

    @property
    def result(self) -> str:
        return self.output or self.cell.names[-1]

    @property
    def text(self) -> str:
        sizes = [(name, sizes) for name, sizes in (*self.declared, *self.named) if sizes != (name,)]
        options = {
            "output": (self.output, ""),
            "sequence": (self.sequence, True),
            "initial": (self.initial, None),
            "unroll": (self.unroll, False),
            "truncate": (self.truncate, None),
            "remat": (self.remat, None),
        }
        parts = [
            argument_text(self.equations),
            *(f"{name}={argument_text(each[0] if len(each) == 1 else each, bare=True)}" for name, each in sizes),
            *keywords_text(self.hyperparameters, self.learned),
            *(f"{name}={argument_text(value)}" for name, (value, usual) in options.items() if value != usual),
        ]
        return f"Scan({', '.join(parts)})"

    @property
    def _own_names(self) -> frozenset[str]:
        """The names of sizes that mean something in the cell alone."""
        return frozenset({WIDTH, *self.cell.names, *(name for name, sizes in self.named if sizes != (name,))})

    @property
    def own_sizes(self) -> tuple[Size, ...]:
        learned = (size for each in self.learned for size in each.sizes)
        every = (*(size for _, sizes in (*self.declared, *self.named) for size in sizes), *learned)
        given = (size for each in self.given for size in each.own_sizes)
        return (*(size for size in every if not self._own_names & symbols_in(size)), *given)

    def with_sizes(self, change: dict[Size, Size]) -> Scan:
        own = {size: new for size, new in change.items() if size not in self._own_names}
        given = tuple(each.with_sizes(change) for each in self.given)
        return self._changed(
            declared=tuple((name, changed_size(sizes, own)) for name, sizes in self.declared),
            named=tuple((name, changed_size(sizes, own)) for name, sizes in self.named),
            learned=tuple(each.with_sizes(own) for each in self.learned),
            initial=given or self.initial,
        )

    def with_unroll(self, unroll: bool) -> Scan:
        return self._changed(unroll=unroll)

    def _changed(self, **fields: Any) -> Scan:
        new = copy.copy(self)
        for field, value in fields.items():
            new._set(field, value)
        return new

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        """What the equations name: places of arrays, `a[2]`, or sizes that are numbers."""
        yield from super().needs(shape)
        if any(least_size(each.text) != 1 for each in self.cell.statements) and not self.named:
            for size in (shape[-1], *map(sized, self.own_sizes)):
                yield Need(size, stays=True)

    # ------------------------------------------------------------ equations

    def begin(self, builder: Builder, value: Variable) -> Moment:
        moment = Moment(builder, builder.next_number(), value)
        shapes = self._shapes(builder, value.shape[-1])
        for before, state in self.cell.carried.items():
            moment.enter(state, shapes[before])
        return moment

    def step(self, moment: Moment) -> None:
        builder, cell, width = moment.builder, self.cell, moment.value.shape[-1]
        shapes = self._shapes(builder, width)
        numbers = {name: builder.hyperparameter(name, number) for name, number in self.hyperparameters}
        sizes = {name: _in_block(builder, size) for name, size in self._sizes(width).items() if name in cell.sizes}
        known: dict[str, Node] = {INPUT_NAME: moment.input}
        known |= {before: moment.before(state) for before, state in cell.carried.items()}
        known |= {name: Variable(name, (), shapes[name]) for name in cell.free if name not in numbers}
        read: dict[str, Node] = {}
        for each in cell.statements:
            node = read[each.name] = _read(each, known, sizes, numbers)
            state = shapes.get(each.name + BEFORE, node.shape)
            if node.shape != state:
                now, before = map(shape_text, (node.shape, state))
                problem = f"{each.name} has shape {now} at t, and {before} at t - 1"
                refuse(f"Scan: {problem}", each.typed, each.start, len(each.text), ShapeError)
            known[each.name] = Variable(each.name, (), node.shape)
        made: dict[Node, Node] = {}
        self._enter_parameters(moment, read, known, made)
        taken = {*known, *dict(self.hyperparameters)}
        for name, (node, role) in with_pre_activations(read, taken, cell.states).items():
            note = role if role == PRE_ACTIVATION else "state" if name in cell.states else ""
            made[Variable(name, (), node.shape)] = moment.let(name, replace(node, made), note, role)

    def _enter_parameters(
        self, moment: Moment, read: Mapping[str, Node], known: Mapping[str, Node], made: dict[Node, Node]
    ) -> None:
        """Enter the parameters, which start as they are declared, or by what the equations make of them."""
        declared = {each.letter: each.initialiser for each in self.learned}
        uses = uses_in(read.values())
        for name in (name for name in self.cell.free if name in known):  # others are numbers
            shape = known[name].shape
            kind, start = start_of(uses[known[name]], shape)
            start = declared.get(name) or start
            made[known[name]] = entered = moment.parameter(name, shape, kind, start, fans_of(shape))
            if entered.name in moment.builder.books.size_names:
                problem = f"the size {shown(entered.name)} has the name of a parameter of {shown(self.text)}"
                raise SpecError(f"{problem}\nallowed: another name, such as n1")

    # ------------------------------------------------------------ sizes

    def _sizes(self, width: Expr) -> dict[str, Expr]:
        """What the names of sizes stand for in the equations."""
        named = {name: size_node(size).xreplace({size_symbol(WIDTH): width}) for name, (size,) in self.named}
        return {WIDTH: width, **named}

    def _shapes(self, builder: Builder, width: Expr) -> dict[str, Shape]:
        """Return the shapes of parameters and of states as the moment before left them.

        Raises:
            SpecError: a size that nothing tells, or what may be read in two ways.
        """
        own = {name: size for name, size in self._sizes(width).items() if name not in self.cell.names}
        names = {name: Unknown(f"_size_of_{name}", integer=True, positive=True) for name in self._sizes_asked}
        given = {size_symbol(name): size for name, size in (*own.items(), *names.items())}
        shapes = (*self.declared, *((each.letter, each.sizes) for each in self.learned))
        known = {
            INPUT_NAME: (width,),
            **{name: () for name, _ in self.hyperparameters},
            **{name: (size,) for name, size in names.items()},
            **{name: tuple(size_node(size).xreplace(given) for size in sizes) for name, sizes in shapes},
        }
        known |= {before: known[name] for before, name in self.cell.carried.items() if name in known}
        found = inferred_shapes(
            self.cell, tuple(known.items()), tuple(each for each in own.items() if each[0] in self.cell.sizes)
        )
        return {name: tuple(_in_block(builder, size) for size in shape) for name, shape in found.items()}

    @property
    def _sizes_asked(self) -> tuple[str, ...]:
        """The names of equations whose size another declaration has, and that have none themselves."""
        shapes = (*dict(self.declared).values(), *(each.sizes for each in self.learned))
        asked = {name for sizes in shapes for size in sizes for name in symbols_in(size)}
        return tuple(name for name in self.cell.names if name in asked)


def symbols_in(size: Size) -> frozenset[str]:
    """Return the names in a size.

    >>> sorted(symbols_in(size_symbol("n") * 4)), symbols_in(3)
    (['n'], frozenset())
    """
    return frozenset(symbol.name for symbol in size_node(size).free_symbols)


def _in_block(builder: Builder, size: Expr) -> Expr:
    """Return a size as the block of a `Repeat` has it in which the cell stands: `n_l` is n(l)."""
    named = (each for each in size.free_symbols if not isinstance(each, Unknown))
    return size.xreplace({each: builder.size(each.name) for each in named})


def _sizes_of(name: str, given: Any) -> tuple[Size, ...]:
    """Return the sizes of one array as they are given: one, text of several, or a tuple."""
    if isinstance(given, (str, tuple)):
        found = declared(name, given)
        if found.facts:
            raise SpecError(f"Scan: {name} is {shown(given)}\nallowed: its sizes alone, such as {name}=32")
        given = found.shape
    several = given if isinstance(given, tuple) else (given,)
    return tuple(checked_size(size, f"Scan: {name}") for size in several)


def _read(statement: Statement, known: Mapping[str, Node], sizes: Mapping[str, Expr], numbers: Any) -> Node:
    node = statement.read(lambda text: read_formula(text, known, sizes, numbers=numbers))
    check_ids(node)
    check_numbers(node, "Scan")
    if has_kind(node, Decomposition):
        problem = "Scan: a function of a whole matrix, such as expm, has no form for a batch"
        refuse(f"{problem}; allowed: inv, solve, det and products", statement.typed, statement.start, error=SpecError)
    return node
