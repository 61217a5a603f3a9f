"""Learning rates that change from step to step: each stage is its rate, in the count of its own steps.

`Warmup(100) >> Cosine(1000, final=1e-5)` is 100 steps of linear warm-up, then 1,000 steps of half a cosine. The step
counts from 1, as in Adam's corrections, so that the last step of a stage has the rate to which the stage leads.
Sources: linear warm-up, Goyal et al. (2017); half a cosine, without restarts, Loshchilov and Hutter (2017).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.indices import RowIndex
from symprop.algebra.names import variable
from symprop.algebra.nodes import Compare, Node, Scalar, Variable, Where
from symprop.errors import SpecError, shown
from symprop.keywords import Checked

STEP = sympy.Symbol("step", integer=True, positive=True)
"""How many updates there are, this one included."""

MOST_STEPS = 10**12
_ALLOWED = "allowed: Constant(), Warmup(100), Cosine(1000), Warmup(100) >> Cosine(1000)"


@dataclass(frozen=True)
class Hyperparameter:
    """A number that the user may set: its variable, its default, what it does, and its letter on a page.

    Where the default is None the length of the run says it, which `symprop.training.train` knows.
    """

    variable: Variable
    default: float | None
    meaning: str
    letter: Variable

    @property
    def name(self) -> str:
        return self.variable.name


def letter(name: str, below: str = "") -> Variable:
    """Return a letter of a page, which may be one that code cannot have, with another below it.

    >>> letter("eta", "t").pretty(), letter("lambda").latex()
    ('ηₜ', '\\\\lambda')
    """
    return Variable(name, (RowIndex(sympy.Symbol(below)),) if below else (), (), ())


def checked_number(value: Any, what: str, *, above: bool = False, below: float = math.inf) -> float:
    """Return a finite number from 0 on (or above 0) and below `below`.

    Raises:
        SpecError: it is none; NaN, infinity, text and True are none.
    """
    allowed = f"a number {'above' if above else 'from'} 0" + ("" if below == math.inf else f" and below {below:g}")
    number = isinstance(value, (int, float, sympy.Rational)) and not isinstance(value, bool)
    if not number or not (value > 0 if above else value >= 0) or not value < below or value > 1e300:
        raise SpecError(f"{what} is {allowed}, not {shown(value)}")
    return float(value)


def _checked_steps(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, sympy.Integer)) or not 1 <= value <= MOST_STEPS:
        raise SpecError(f"{what}: its steps are a whole number from 1, not {shown(value)}")
    return int(value)


RATE, PEAK = variable("rate"), variable("lr")
_warmup, _horizon, _final = map(variable, ("warmup", "horizon", "final"))


@dataclass(frozen=True)
class Stage(Checked):
    """Abstract base of the parts of a schedule; `>>` puts one after another."""

    length: ClassVar[Variable | None] = None

    @property
    def numbers(self) -> tuple[Hyperparameter, ...]:
        """What the user may set."""
        return ()

    @property
    def last(self) -> Node:
        """The rate after the stage."""
        return PEAK

    def rate(self, step: Node) -> Node:
        """Return the rate in a step of the stage, which counts from 1."""
        return PEAK

    @property
    def text(self) -> str:
        """The stage as it is typed."""
        fields = ((field, vars(self)[field.name]) for field in dataclasses.fields(self))
        given = [
            f"{value}" if field.name == "steps" else f"{field.name}={value}"
            for field, value in fields
            if value != field.default
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def __str__(self) -> str:
        return self.text

    def __rshift__(self, other: Any) -> Schedule:
        """Return the schedule that goes on with another stage.

        Raises:
            SpecError: no stage, or one that cannot stand there.
        """
        return Schedule((*schedule_of(self).stages, *schedule_of(other).stages))


@dataclass(frozen=True)
class Constant(Stage):
    """The learning rate itself, in every step.

    >>> Constant().text
    'Constant()'
    """


@dataclass(frozen=True)
class Warmup(Stage):
    """A rate that grows from nothing to the learning rate in equal steps (Goyal et al. 2017).

    >>> (Warmup(100) >> Cosine(1000)).text
    'Warmup(100) >> Cosine(1000)'

    Raises:
        SpecError: no whole number of steps.
    """

    length: ClassVar[Variable | None] = _warmup
    steps: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", _checked_steps(self.steps, "Warmup"))

    @property
    def numbers(self) -> tuple[Hyperparameter, ...]:
        return (Hyperparameter(_warmup, self.steps, "steps in which the learning rate rises", letter("T", "w")),)

    def rate(self, step: Node) -> Node:
        return PEAK * (step / _warmup)


@dataclass(frozen=True)
class Cosine(Stage):
    """A rate that falls to `final` along half a cosine, and stays there (Loshchilov and Hutter 2017).

    Without `steps` it takes all steps of the run that are left.

    >>> Cosine(final=1e-5).text, Cosine(1000).text
    ('Cosine(final=1e-05)', 'Cosine(1000)')

    Raises:
        SpecError: no whole number of steps, or a final rate below 0.
    """

    length: ClassVar[Variable | None] = _horizon
    steps: int | None = None
    final: float = 0.0

    def __post_init__(self) -> None:
        if self.steps is not None:
            object.__setattr__(self, "steps", _checked_steps(self.steps, "Cosine"))
        object.__setattr__(self, "final", checked_number(self.final, "Cosine: the final rate"))

    @property
    def numbers(self) -> tuple[Hyperparameter, ...]:
        span = Hyperparameter(_horizon, self.steps, "steps in which the learning rate falls", letter("T"))
        final = Hyperparameter(_final, self.final, "learning rate at the end", letter("eta", "min"))
        return (span, final) if self.final else (span,)

    @property
    def last(self) -> Node:
        return _final if self.final else Scalar(0)

    def rate(self, step: Node) -> Node:
        wave = 1 + FUNCTIONS["cos"](sympy.pi * step / _horizon)
        return _final + (PEAK - _final) / 2 * wave if self.final else PEAK / 2 * wave


@dataclass(frozen=True)
class Schedule(Stage):
    """Stages one after the other: a warm-up may stand first, and one that does not end, or a cosine, last.

    Raises:
        SpecError: no stage, or one where it cannot stand.
    """

    stages: tuple[Stage, ...] = (Constant(),)

    def __post_init__(self) -> None:
        first, *rest = self.stages
        if len(rest) > 1 or (rest and (not isinstance(first, Warmup) or isinstance(rest[0], Warmup))):
            raise SpecError(f"{shown(self.text)} is no schedule\n{_ALLOWED}")

    @property
    def numbers(self) -> tuple[Hyperparameter, ...]:
        return tuple(number for stage in self.stages for number in stage.numbers)

    @property
    def is_constant(self) -> bool:
        """Whether every step has the same rate."""
        return all(isinstance(stage, Constant) for stage in self.stages)

    @property
    def final(self) -> float:
        """The rate to which the stages lead, where that is not the learning rate."""
        return max((stage.final for stage in self.stages if isinstance(stage, Cosine)), default=0.0)

    @property
    def warmup(self) -> int:
        """The steps of the warm-up."""
        return sum(stage.steps for stage in self.stages if isinstance(stage, Warmup))

    @property
    def text(self) -> str:
        return " >> ".join(stage.text for stage in self.stages)

    @property
    def expression(self) -> Node:
        """The rate in a step: of each stage while it lasts, after the last one that to which it leads.

        >>> Schedule((Warmup(100),)).expression.pretty()
        'lr (step/warmup) if step ≤ warmup, else lr'
        """
        return _following(self.stages, Scalar(0))


def _following(stages: tuple[Stage, ...], start: Node) -> Node:
    """Return the rate in a step after `start`."""
    stage, rest = stages[0], stages[1:]
    step = Scalar(STEP)
    inside = stage.rate(step if start == Scalar(0) else step - start)
    if stage.length is None:
        return inside
    end = stage.length if start == Scalar(0) else start + stage.length
    return Where(Compare("<=", step, end), inside, _following(rest, end) if rest else stage.last)


def schedule_of(value: Any) -> Schedule:
    """Return what stands for a schedule as one: a schedule, or a stage alone.

    Raises:
        SpecError: neither.
    """
    if isinstance(value, Schedule):
        return value
    if isinstance(value, Stage):
        return Schedule((value,))
    raise SpecError(f"{shown(value)} is no schedule\n{_ALLOWED}")


STAGES: dict[str, type[Stage]] = {kind.__name__: kind for kind in (Constant, Warmup, Cosine)}
"""The stages by the name under which a text knows them."""

__all__ = ["RATE", "STAGES", "STEP", "Constant", "Cosine", "Hyperparameter", "Schedule", "Stage", "Warmup"]
