"""Equations, loops over a symbolic number of blocks, and systems of both: what networks are and derivations give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property

from sympy import Expr, Integer, Rational, Symbol

from symprop.algebra.alike import pattern
from symprop.algebra.kinds.patterns import Pattern
from symprop.algebra.named_numbers import NamedNumber, named_numbers
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Printable
from symprop.algebra.roles import GIVEN, STATE
from symprop.algebra.trees import joins_examples, loose


@dataclass(frozen=True)
class Step:
    """One named step of a derivation: `rule` turned `before` into `after`, using `facts`.

    >>> import symprop
    >>> step = symprop.derive("Input(2) >> Dense(2) >> SoftmaxCrossEntropy()").steps("delta1")[-1]
    >>> step.rule, step.before.text(), step.after.text(), step.facts
    ('cancel', 'p - p * y / p', 'p - y', ('p is above 0, as every softmax',))

    Raises:
        LookupError: `after` reads a symbol that neither `before` nor a fact does, as an index outside of its series.
    """

    rule: str
    before: Node
    after: Node
    facts: tuple[str | Equation, ...] = ()
    is_sound: InitVar[bool] = False
    """Whether a step that is alike was looked at."""

    def __post_init__(self, is_sound: bool) -> None:
        if is_sound:
            return
        if free := loose(self.after, self.before, *(fact.expression for fact in self.equations)):
            raise LookupError(f"{self.rule!r} leaves {free[0]} outside of its series: a fault in its row")

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations among the facts."""
        return tuple(fact for fact in self.facts if isinstance(fact, Equation))


@dataclass(frozen=True, repr=False)
class Equation(Printable):
    """`target = expression`. `steps` lead from the definition to the expression; `note` says what it is.

    >>> import symprop
    >>> equation = symprop.derive("Input(2) >> Dense(3) >> MeanSquaredError()").equation("z1")
    >>> equation.text(), equation.target.shape, equation.note
    ('z1 = W1 @ x + b1', (3,), 'pre-activation')
    """

    target: Variable
    expression: Node
    steps: Sequence[Step] = field(default=(), compare=False)
    note: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The name of the left side."""
        return self.target.name

    @cached_property
    def pattern(self) -> Pattern:
        """What both sides have in common with those of equations that are alike, and their numbers."""
        return pattern(self.target, self.expression)

    def __hash__(self) -> int:
        return hash(self.target)  # few equations have one left side

    def __repr__(self) -> str:
        return f"Equation({self.text()!r})"


@dataclass(frozen=True)
class Carry:
    """What a step of a loop hands on: it reads `before` (`a[l - 1]`) and makes `after` (`a[l]`).

    With `every`, what is handed on after each so many steps is held constant: no gradient flows back through it.
    """

    before: Variable
    after: Variable
    every: int | None = None


@dataclass(frozen=True)
class Rows:
    """An array with a row for each step of a loop: `row` (`x[t]`, for a general step) is row t of `array`, from 1.

    The rows lie along `axis`, 0 for one example.
    """

    row: Variable
    array: Variable
    axis: int = 0


@dataclass(frozen=True)
class Flow:
    """What each step of a backward loop hands on: `name` in the step that gets it, `start` in the first, `after` it.

    `start` stands before the loop; `after` is a formula in the step that hands it on.
    """

    name: Variable
    start: Node
    after: Node


@dataclass(frozen=True)
class Loop:
    """The same equations for `index` = 1, ..., `count`, a number of steps that is a symbol: blocks, or moments of time.

    Step `index` of a forward system reads what the step before made (`carries`, any number) and a row of each array in
    `reads`, and makes a row of each array in `writes`; what has no index is the same in every step, such as shared
    parameters. `items` hold for a general `index`, loops inside among them. In a backward system they hold for every
    index but the ends, which stand in `base` (for `index` = `count`, or 1), and steps run from `count` down to 1; the
    same without ends is `step`, in which what the step before hands on stands under the names of `flows`. With `remat`,
    code keeps what is carried at every so many steps, and computes the rest again on the way back.

    >>> import symprop
    >>> net = symprop.parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()")
    >>> loop = next(item for item in net.system().items if isinstance(item, Loop))
    >>> loop.count, [equation.text() for equation in loop.equations]
    (N, ['z[l] = W[l] @ a[l - 1] + b[l]', 'a[l] = tanh(z[l])'])
    """

    index: Symbol
    count: Expr
    items: tuple[Item, ...]
    carries: tuple[Carry, ...] = ()
    reads: tuple[Rows, ...] = ()
    writes: tuple[Rows, ...] = ()
    base: tuple[Equation, ...] = ()
    backward: bool = False
    step: tuple[Item, ...] = ()
    flows: tuple[Flow, ...] = ()
    remat: int | None = None

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations for a general index, those of loops inside too."""
        return tuple(equations_in(self.items))

    def at(self, variable: Variable, value: Expr) -> Variable:
        """Return `variable` with the loop's index set to `value`."""
        moved: Variable = variable.xreplace({self.index: value})
        return moved

    def start(self, carry: Carry) -> Variable:
        """What the first step reads, which stands before the loop."""
        return self.at(carry.before, Integer(1))

    def end(self, carry: Carry) -> Variable:
        """What the last step makes, which may be read after the loop."""
        return self.at(carry.after, self.count)


Item = Equation | Loop


def equations_in(items: Iterable[Item]) -> Iterator[Equation]:
    """Yield the equations in printed order: of a loop the base cases, then the general ones."""
    for item in items:
        if isinstance(item, Equation):
            yield item
        else:
            yield from item.base
            yield from equations_in(item.items)


def loops_in(items: Iterable[Item]) -> Iterator[Loop]:
    """Yield the loops, each before those inside it."""
    for item in items:
        if isinstance(item, Loop):
            yield item
            yield from loops_in(item.items)


@dataclass(frozen=True)
class State:
    """A running statistic: `variable` starts as `start` everywhere, and stands for `statistic` in evaluation.

    `statistic` is the left side of an equation over a batch. Each step of training sets the variable to `update`, a
    formula in the variable itself, in statistics of the batch of this step and in the number of examples.
    """

    variable: Variable
    statistic: Variable
    start: Expr
    update: Node


@dataclass(frozen=True)
class Mask:
    """A mask of dropout: each element of `variable` is 0 with probability `drop`, else 1, drawn for each example.

    `output` is the left side of the equation that reads it; in evaluation `value` stands there, which it masks.
    """

    variable: Variable
    drop: Expr
    output: Variable
    value: Variable

    @property
    def probability(self) -> str:
        """The probability of 0 as it is written: `0.1`, or `1/3` where no decimal is that.

        >>> a, m = Variable("a", (), (2,)), Variable("m", (), (2,))
        >>> [Mask(m, Rational(*each), a, a).probability for each in ((1, 4), (1, 3))]
        ['0.25', '1/3']
        """
        decimal = repr(float(self.drop))
        return decimal if Rational(decimal) == self.drop else str(self.drop)


@dataclass(frozen=True)
class System:
    """Equations in the order of computation, and the variables in them.

    `masks` are drawn anew in each step of training, and read like inputs. `states`, the running statistics, have
    equations of their own.

    `parameters`, `inputs` and `targets` are the variables that no equation defines; `loss` and `output` are
    defined by one. `batch` is the symbol of the batch size, or None for one example; `layout` is "example",
    "rows" or "columns".

    >>> import symprop
    >>> system = symprop.parse_network("Input(2) >> Dense(3) >> MeanSquaredError()").system("rows")
    >>> system.parameters, system.output.shape
    ((W1, b1), (m, 3))
    """

    items: tuple[Item, ...]
    inputs: tuple[Variable, ...]
    targets: tuple[Variable, ...]
    parameters: tuple[Variable, ...]
    output: Variable
    loss: Variable | None
    prediction: Variable | None = None
    layout: str = "example"
    batch: Symbol | None = None
    states: tuple[State, ...] = ()
    masks: tuple[Mask, ...] = ()

    @property
    def data(self) -> tuple[Variable, ...]:
        """What each example has of its own and no equation defines: inputs, masks, targets."""
        return (*self.inputs, *(mask.variable for mask in self.masks), *self.targets)

    @property
    def wanted(self) -> tuple[Variable, ...]:
        """What gets a gradient: the parameters, or without any the inputs that a gradient may flow to."""
        return self.parameters or tuple(
            each for each in self.inputs if each.role not in (GIVEN, STATE) and "index" not in each.facts_by_kind
        )

    @property
    def equations(self) -> Iterator[Equation]:
        """All equations in order, those inside loops too."""
        return equations_in(self.items)

    @property
    def by_name(self) -> dict[str, Variable]:
        """Every variable by its name: data, parameters, what loops carry, read and write, and left sides."""
        known = {part.name: part for part in (*self.data, *self.parameters)}
        for loop in self.loops:
            known.update((each.name, each) for carry in loop.carries for each in (carry.before, loop.end(carry)))
            known.update((each.name, each) for rows in (*loop.reads, *loop.writes) for each in (rows.row, rows.array))
        known.update((equation.name, equation.target) for equation in self.equations)
        return known

    @property
    def loops(self) -> tuple[Loop, ...]:
        """All loops, each before those inside it."""
        return tuple(loops_in(self.items))

    @property
    def hyperparameters(self) -> tuple[NamedNumber, ...]:
        """The named numbers in its equations, each once, in order of appearance."""
        formulas = (equation.expression for equation in self.equations)
        return named_numbers((*formulas, *(state.update for state in self.states)))

    @property
    def joins_examples(self) -> bool:
        """Whether it holds a mean over the examples of a batch, so that it has no meaning for one example."""
        return any(joins_examples(equation.expression) for equation in self.equations)

    @property
    def stand_ins(self) -> dict[Variable, Variable]:
        """What stands in evaluation for the left side of an equation: a running statistic, or what a mask masks."""
        running = {state.statistic: state.variable for state in self.states}
        return running | {mask.output: mask.value for mask in self.masks}

    @property
    def evaluated(self) -> System:
        """The system of evaluation: running statistics in the place of those of the batch, and no dropout."""
        stand_ins = self.stand_ins
        if not stand_ins:
            return self

        def one(item: Item) -> Item:
            if isinstance(item, Loop):
                return replace(item, items=tuple(map(one, item.items)))
            return replace(item, expression=stand_ins.get(item.target, item.expression), steps=())

        return replace(self, items=tuple(map(one, self.items)), masks=())
