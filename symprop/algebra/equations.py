"""Equations, loops over a symbolic number of blocks, and systems of both: what networks are and derivations give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sympy import Expr, Symbol

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Printable
from symprop.algebra.trees import loose


@dataclass(frozen=True)
class Step:
    """One named step of a derivation: `rule` turned `before` into `after`, using `facts`.

    >>> import symprop
    >>> step = symprop.derive("Input(2) >> Dense(2) >> SoftmaxCrossEntropy()").steps("delta1")[-1]
    >>> step.rule, step.before.text(), step.after.text(), step.facts
    ('cancel', 'p - p * y / p', 'p - y', ('p is above 0, as every softmax',))

    Raises:
        LookupError: `after` reads a symbol that `before` does not, as an index outside of its series.
    """

    rule: str
    before: Node
    after: Node
    facts: tuple[str | Equation, ...] = ()

    def __post_init__(self) -> None:
        if free := loose(self.after, self.before):
            raise LookupError(f"{self.rule!r} leaves {free[0]} outside of its series: a fault in its row")


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
    steps: tuple[Step, ...] = field(default=(), compare=False)
    note: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The name of the left side."""
        return self.target.name

    def __repr__(self) -> str:
        return f"Equation({self.text()!r})"


@dataclass(frozen=True)
class Loop:
    """The same equations for `index` = 1, ..., `count`, a number of blocks that is a symbol.

    In a forward system block `index` reads `carry_in` (`a[l - 1]`) and makes `carry_out` (`a[l]`). `equations` hold
    for a general `index`; in a backward system they hold for every index but the ends, which stand in `base`
    (for `index` = `count`, or 1).

    >>> import symprop
    >>> net = symprop.parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()")
    >>> loop = next(item for item in net.system().items if isinstance(item, Loop))
    >>> loop.count, [equation.text() for equation in loop.equations]
    (N, ['z[l] = W[l] @ a[l - 1] + b[l]', 'a[l] = tanh(z[l])'])
    """

    index: Symbol
    count: Expr
    equations: tuple[Equation, ...]
    carry_in: Variable
    carry_out: Variable
    base: tuple[Equation, ...] = ()
    backward: bool = False

    def at(self, variable: Variable, value: Expr) -> Variable:
        """Return `variable` with the loop's index set to `value`."""
        moved: Variable = variable.xreplace({self.index: value})
        return moved


Item = Equation | Loop


@dataclass(frozen=True)
class System:
    """A list of equations in the order of computation, and what they are made of.

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

    @property
    def equations(self) -> Iterator[Equation]:
        """All equations in order, those inside loops too."""
        for item in self.items:
            if isinstance(item, Equation):
                yield item
            else:
                yield from item.equations
