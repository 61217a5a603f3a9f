"""Programs: single assignments of array operations, checked for shape and order after every pass.

A program stands between algebra and template. It knows no target language: its expressions are nodes of the algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

from sympy import Basic

from symprop.algebra.alike import ForAlike
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.kinds.patterns import Pattern
from symprop.algebra.nodes import BlockSum, Node, Variable
from symprop.algebra.shapes import Shape, same, shape_text
from symprop.algebra.trees import has_kind, parts, variables
from symprop.algebra.trees import replace as substituted

HELPERS = (
    *(
        "sigmoid",
        "softplus",
        "erf",
        "real_matrix",
        "scatter_add",
        "fold",
        "first_max",
        "first_min",
        "first_true",
        "convolved",
        "convolved_by_rows",
        "kernel_gradient",
        "kernel_gradient_by_rows",
        "pooled",
        "pooled_sum",
        "to_first",
        "to_first_beside",
        "to_all",
        "repeated",
        "repeated_inside",
        "blocks",
        "blocks_inside",
    ),
)
"""Functions that NumPy lacks; a module defines those that it uses."""

RESERVED = (
    *("np", "params", "grads", "state", "DTYPE", "PARAMETERS", BATCH_SIZE.name, *HELPERS),
    *("init_params", "forward", "predict", "loss", "loss_and_grads", "init_state", "update", "clip_gradients"),
    *("work", "Workspace", "make_workspace", "make_step", "train_step", "ONE_HOT", "KEPT", "own", "found"),
    *("gradient", "memory", "flags", "places", "batch"),
    *("BLOCK", "buffers", "math", "numba", "total", "subtotal", "first_place", "SECOND", "LARGE", "DECAYED"),
    *("threads", "span"),
    *("MASKS", "draw_masks", "masks", "seed"),
    *("init_cache", "next_logits", "sample", "cache", "start", "length", "temperature", "t"),
    *("ROWS", "STATISTICS", "init_running", "update_running", "training", "backward", "values"),
)
"""Names of a module that no statement may take."""


class ProgramError(Exception):
    """A pass that broke the program: a fault in symprop, never in what a user typed."""


@dataclass(frozen=True)
class Why:
    """What a reader should know of a statement, or of the part of it that reads the variables `about`."""

    text: str
    about: tuple[Variable, ...] = ()


@dataclass(frozen=True)
class Statement:
    """`target = expression`: one assignment.

    `formula` is the equation that it computes, in Unicode, and `number` its number in the derivation; a statement
    that a pass made has neither. `whys` say what is not obvious; `whole` is the shape of what the formula says, where
    the statement computes the last part of it.
    """

    target: Variable
    expression: Node
    formula: str = ""
    number: int | None = None
    whys: tuple[Why, ...] = ()
    whole: Shape = ()

    @property
    def name(self) -> str:
        """The name of the left side."""
        return self.target.name

    @property
    def pattern(self) -> Pattern:
        """What the right side has in common with all that are alike, and its numbers."""
        return self.expression.pattern

    @property
    def reads(self) -> tuple[Variable, ...]:
        """The variables on the right side, each once."""
        return self.expression.reads

    @property
    def indices(self) -> Set[Basic]:
        """The indices of the series on the right side."""
        inside = parts(self.expression) if has_kind(self.expression, BlockSum) else ()
        return {part.index for part in inside if isinstance(part, BlockSum)}

    @property
    def fits(self) -> bool:
        """Whether both sides have the same shape."""
        found = self.expression.shape
        return found == self.shape or (len(self.shape) == len(found) and all(map(same, self.shape, found)))

    @property
    def shape(self) -> Shape:
        """The shape of the left side."""
        return self.target.shape

    def with_expression(self, expression: Node) -> Statement:
        """Return the same statement with another right side."""
        return self if expression is self.expression else replace(self, expression=expression)

    def because(self, *whys: Why) -> Statement:
        """Return the same statement with more to say, each thing once."""
        return replace(self, whys=tuple(dict.fromkeys((*self.whys, *whys)))) if whys else self


@dataclass(frozen=True)
class Program:
    """Statements of the forward and of the backward pass in order, each name assigned once.

    `returns` are the names of what a caller wants; `parameters`, `inputs`, `targets`, `states` (running statistics)
    and `masks` of dropout are what it gives; `directions` are the parts of a direction along which it derives, and
    `numbers` are further ones that a caller chooses.
    """

    forward: tuple[Statement, ...]
    backward: tuple[Statement, ...]
    parameters: tuple[Variable, ...]
    inputs: tuple[Variable, ...]
    targets: tuple[Variable, ...]
    returns: tuple[str, ...]
    states: tuple[Variable, ...] = ()
    masks: tuple[Variable, ...] = ()
    directions: tuple[Variable, ...] = ()
    numbers: tuple[Variable, ...] = ()

    @property
    def statements(self) -> Iterator[Statement]:
        """All statements in order."""
        return chain(self.forward, self.backward)

    @property
    def given(self) -> tuple[Variable, ...]:
        """The variables that no statement assigns."""
        arrays = (*self.parameters, *self.inputs, *self.targets, *self.states, *self.masks)
        return (*arrays, *self.directions, *self.numbers)

    @cached_property
    def names(self) -> set[str]:
        """Every name in the program, those of sizes too; ask only whether a name is in it."""
        sizes = {str(symbol) for variable in self.given for size in variable.shape for symbol in size.free_symbols}
        return sizes | {variable.name for variable in self.given} | {statement.name for statement in self.statements}

    @property
    def results(self) -> tuple[tuple[str, str], ...]:
        """The name of the gradient of each parameter."""
        return tuple((each.name, name) for each, name in zip(self.parameters, self.returns[1:], strict=False))

    @property
    def is_of_parameters(self) -> bool:
        """Whether a caller gets an array for each parameter beside its gradient."""
        return bool(self.directions or self.numbers)

    @property
    def products(self) -> tuple[tuple[str, str], ...]:
        """What becomes of the gradient of each parameter: a product with a direction, or what is clipped of it."""
        found = self.returns[1 + len(self.parameters) :] if self.is_of_parameters else ()
        return tuple((each.name, name) for each, name in zip(self.parameters, found, strict=False))

    @property
    def arrays(self) -> tuple[str, ...]:
        """What a caller gets beside loss and gradients where that is not an array for each parameter."""
        return () if self.is_of_parameters else self.returns[1 + len(self.parameters) :]

    @property
    def array(self) -> str:
        """The first of these; empty where there is none."""
        return next(iter(self.arrays), "")

    @cached_property
    def returned(self) -> frozenset[str]:
        """What a caller wants; ask only whether a name is in it."""
        return frozenset(self.returns)

    def definitions(self) -> dict[str, Node]:
        """Return the right side of each name."""
        return {statement.name: statement.expression for statement in self.statements}

    def returning(self, *names: str) -> Program:
        """Return the same program for a caller who wants `names`."""
        return replace(self, returns=names)


Emit = Callable[[Statement], None]
Pass = Callable[[Program], Program]


def rewritten(program: Program, change: Callable[[Statement, Emit], Statement], *kinds: type[Node]) -> Program:
    """Return `program` with each statement changed; `change` may emit statements that must stand before its own.

    With `kinds` only statements in which a node of one of them stands are changed.
    What reads the index of a series has no value outside it: such a statement is put back where its name is read.
    """
    if kinds and not any(has_kind(each.expression, *kinds) for each in program.statements):
        return program
    put_back: dict[Node, Node] = {}
    indices = {index for each in program.statements for index in each.indices}

    def part(statements: Iterable[Statement]) -> tuple[Statement, ...]:
        new: list[Statement] = []

        def enter(statement: Statement) -> None:
            if put_back:
                statement = statement.with_expression(substituted(statement.expression, put_back))
            if indices and indices & statement.expression.free_symbols:
                put_back[statement.target] = statement.expression
            else:
                new.append(statement)

        for statement in statements:
            idle = kinds and not has_kind(statement.expression, *kinds)
            enter(statement if idle else change(statement, enter))
        return tuple(new)

    return replace(program, forward=part(program.forward), backward=part(program.backward))


def each_rewritten(program: Program, form: Callable[[Node], Node]) -> Program:
    """Return `program` with each right side changed by a function that looks at it alone, at no number in a name."""
    alike = ForAlike(form)
    return rewritten(program, lambda each, emit: each.with_expression(alike(each.expression, found=each.pattern)))


def checked(program: Program, after: str = "lowering") -> Program:
    """Return `program` if every name is assigned once, before it is read, with the shape of its right side.

    Raises:
        ProgramError: `after` names the pass that broke it.
    """
    known = {variable.name: variable for variable in program.given}
    if len(known) != len(set(program.given)):
        raise ProgramError(f"after {after}: one name stands for arrays of two shapes")
    there = set(map(id, known.values()))  # of one name there is mostly one object
    for statement in program.statements:
        target, name = statement.target, statement.target.name
        for read in () if there.issuperset(map(id, statement.reads)) else statement.reads:
            if (found := known.get(read.name)) is not read and found != read:
                raise ProgramError(f"after {after}: {name} reads {read.name}, not yet assigned in that shape")
        if name in known:
            what = f"{name} is assigned twice" if known[name] == target else "one name stands for arrays of two shapes"
            raise ProgramError(f"after {after}: {what}")
        if target.shape is not statement.expression.shape and not statement.fits:
            wrong = f"{shape_text(statement.shape)} = {shape_text(statement.expression.shape)}"
            raise ProgramError(f"after {after}: {name} has shapes {wrong}")
        known[name] = target
        there.add(id(target))
    missing = [name for name in program.returns if name not in known]
    if missing:
        raise ProgramError(f"after {after}: nothing assigns {missing[0]}")
    return program


class Names:
    """Names for what passes add: a word for what it is, and the index of what it is made from.

    >>> names = Names({"z1", "exp1"})
    >>> from symprop.algebra import variable
    >>> names.new("exp", variable("z1", (3,))).name
    'exp1_2'
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {*taken, *RESERVED}
        self.marks: dict[tuple[Any, ...], int] = {}  # the first that may be free: names only grow in number

    def new(self, word: str, expression: Node, index: Any = None, role: str = "") -> Variable:
        """Return a fresh variable of the shape of `expression`."""
        if index is None:
            index = next((v.index for v in variables(expression) if v.index), ())
        return self._fresh(word, index, role, expression)

    def like(self, variable: Variable, expression: Node) -> Variable:
        """Return a fresh variable of the shape of `expression` with the letter, index and role of `variable`."""
        return self._fresh(variable.letter, variable.index, variable.role, expression)

    def _fresh(self, letter: str, index: Any, role: str, expression: Node) -> Variable:
        key = letter, index, Variable(letter, index, (), (), 1, role).prefix
        mark = self.marks.get(key, 1)
        while (fresh := Variable(letter, index, expression.shape, (), mark, role)).name in self.taken:
            mark += 1
        self.taken.add(fresh.name)
        self.marks[key] = mark + 1
        return fresh
