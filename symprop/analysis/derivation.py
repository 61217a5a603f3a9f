"""A derivation: the forward equations of a network and the backward equations that the rules gave, with their steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from symprop.algebra.equations import Equation, Item, System, equations_in, loops_in
from symprop.algebra.formula import Formula, inferred_formula
from symprop.algebra.inference.infer import SCALAR
from symprop.algebra.names import gradient_of, looked_up, spaced
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Printable
from symprop.algebra.steps import Steps
from symprop.analysis.comparing import Comparable
from symprop.analysis.cost import Cost, cost_of
from symprop.analysis.curvature.along import NOTHING, Along
from symprop.analysis.curvature.curved import Curved
from symprop.analysis.definitions import with_known_facts
from symprop.analysis.idle import idle
from symprop.analysis.modes import check_depends
from symprop.analysis.never_read import never_read
from symprop.analysis.readings import Readings, convolutions
from symprop.analysis.received import received
from symprop.analysis.studied import Studied
from symprop.analysis.truncation import truncated
from symprop.calculus.jacobians import chained
from symprop.calculus.reached import way
from symprop.calculus.rules import context
from symprop.calculus.walk import derive_system
from symprop.collection import kept_whole
from symprop.errors import FormulaError, SpecError
from symprop.keywords import public
from symprop.networks.network import LAYOUTS, Network
from symprop.networks.parts import Parameter
from symprop.networks.spec import as_network, is_formula_text


@public
@dataclass(frozen=True, repr=False)
class Derivation(Studied, Curved, Comparable, Printable):
    """Forward and backward equations of a network (or a formula) in one layout, in the order of computation.

    `remarks` say what a reader should know of the result ("dW1 is zero, because ..."). `along` has the equations of a
    Hessian-vector product, where `hvp` has added them.

    >>> import symprop
    >>> d = symprop.derive("Input(2) >> Dense(3) >> Tanh() >> MeanSquaredError()")
    >>> [equation.name for equation in d.equations]
    ['z1', 'a1', 'L', 'delta1', 'dW1', 'db1']
    >>> d.gradient("W1").text(), d.gradient("W1").shape
    ('outer(delta1, x)', (3, 2))
    """

    network: Network | Formula
    system: System
    backward: tuple[Item, ...]
    remarks: tuple[str, ...] = ()
    along: Along = NOTHING

    def __repr__(self) -> str:
        return f"Derivation({self.source!r}, layout={self.system.layout!r})"

    @property
    def counted(self) -> Variable | None:
        """What the loss of a batch is divided by, where it is not the number of examples."""
        return None if isinstance(self.network, Formula) else self.network.counted

    @property
    def source(self) -> str:
        """The network, or the formula, as it is typed."""
        return self.network.source if isinstance(self.network, Formula) else self.network.text

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the network says of its parameters; a formula has none."""
        return () if isinstance(self.network, Formula) else self.network.parameters

    @property
    def equations(self) -> Iterator[Equation]:
        """All equations, forward then backward, loop bodies and base cases too, in printed order."""
        along = self.along
        return equations_in((*self.system.items, *self.backward, *along.forward, *along.backward, *along.blocks))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The equation number of each name, from 1, in the order of a page: the gradients stand last."""
        along = self.along
        passes = ((*self.system.items, *self.backward), along.forward, along.backward, along.blocks)
        printed = [
            equation
            for items in passes
            for equation in sorted(equations_in(items), key=lambda each: self.is_wanted(each.target))
        ]
        return {each.name: number for number, each in enumerate(printed, start=1)}

    def is_wanted(self, variable: Variable) -> bool:
        """Whether `variable` is the gradient of a parameter (of an input, where there are no parameters)."""
        return variable in self._wanted

    @cached_property
    def _wanted(self) -> frozenset[Variable]:
        gradients = frozenset(gradient_of(wanted) for wanted in self.system.wanted)
        rows = (rows for loop in loops_in(self.backward) for rows in loop.writes if rows.array in gradients)
        wanted = gradients.union(each.row for each in rows)
        return wanted.union(*(map(self.along.here, (each.tangent, each.curved)) for each in wanted))

    @cached_property
    def by_name(self) -> dict[str, Equation]:
        """The equation that defines each name."""
        return {equation.name: equation for equation in self.equations}

    def equation(self, name: str) -> Equation:
        """Return the equation that defines `name` (`z1`, `delta1`, `dW1`).

        Raises:
            FormulaError: no equation has this name; the names that have one are listed.
        """
        return looked_up(name, self.by_name, "no equation defines")

    def delta(self, layer: int | str) -> Node:
        """Return the derivative of the loss with respect to `z` of one layer (`delta(2)`, or `delta("l")`).

        >>> from symprop import derive
        >>> print(derive("Input(2) >> Dense(1) >> MeanSquaredError()").delta(1).text())
        z1 - y
        """
        return self.equation(f"delta{layer}" if str(layer).isdigit() else f"delta[{layer}]").expression

    def gradient(self, parameter: str) -> Node:
        """Return the derivative of the loss with respect to a parameter, in the parameter's shape.

        >>> from symprop import derive
        >>> print(derive("Input(2) >> Dense(1) >> MeanSquaredError()").gradient("W1").text())
        outer(delta1, x)
        """
        return self.equation(f"d{parameter}").expression

    def steps(self, name: str) -> Steps:
        """Return the named steps that led to the gradient of a parameter (`W1`) or to an equation (`delta1`).

        They are a tuple of `Step`; `print` shows them, and so does a notebook.

        Raises:
            FormulaError: neither a parameter nor a name that an equation defines; what has steps is listed.
        """
        gradients = {part.name: f"d{part.name}" for part in (*self.system.parameters, *self.system.inputs)}
        by_name = {given: self.by_name[name] for given, name in gradients.items() if name in self.by_name}
        backward = {name: equation for name, equation in self.by_name.items() if equation.steps}
        equation = looked_up(name, {**self.by_name, **by_name}, "no steps led to", {**by_name, **backward})
        return Steps(equation.steps, self, equation.name)

    def variable(self, name: str) -> Variable:
        """Return the variable with this name: an input, a parameter or the left side of a forward equation.

        Raises:
            FormulaError: there is none.
        """
        return looked_up(spaced(name), {**self.written_out.by_name, **self.system.by_name}, "no variable is called")

    def jacobian(self, of: str, by: str) -> Node:
        """Return the Jacobian of one vector with respect to another, for one example: `(len of, len by)`.

        >>> from symprop import derive
        >>> general = derive("Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), L) >> MeanSquaredError()")
        >>> print(general.jacobian("a[l]", "a[l-1]").text())
        diag(1 - f[l] * f[l]) @ W[l] + eye(n)

        Raises:
            FormulaError: no such variable, or a way through a symbolic number of blocks.
            SpecError: `of` does not depend on `by`.
            ShapeError: the derivation is of a batch, or one of the two is no vector.
        """
        self.check_example("a Jacobian")
        target, source = self.variable(of), self.variable(by)
        found = self._stretch(target, source)
        check_depends(found, target, source)
        return chained(found, target, source, context(self.written_out))

    def _stretch(self, target: Variable, source: Variable) -> Sequence[Equation]:
        """The equations from `source` to `target`: between loops over a symbolic number of blocks, or inside one."""
        found = way(self.holding(target, source).items, target, source)
        if found is not None:
            return found
        problem = f"the way from {source.name} to {target.name} leads through a symbolic number of blocks"
        raise FormulaError(f"{problem}\nallowed: two variables of one block, or a number of blocks")

    def cost(self) -> Cost:
        """Return the operations of both passes and the memory, as exact polynomials in the sizes.

        >>> from symprop import derive
        >>> d = derive("Input(n0) >> Dense(n1) >> Tanh() >> Dense(n2) >> MeanSquaredError()")
        >>> d.cost().leading
        3*n0*n1 + 5*n1*n2
        """
        return cost_of(self.system, self.backward)

    @cached_property
    def convolutions(self) -> dict[str, Readings]:
        """The convolutions of the network by the name of their output, each with its readings."""
        return convolutions(self.network.system().evaluated, self)

    def readings(self, name: str) -> Readings:
        """Return a convolution (`z1`) as a sum of shifts, by patches and as correlations, for one example, with steps.

        >>> from symprop import derive
        >>> found = derive("Input(8, 1) >> Conv1D(4, 3) >> MeanSquaredError()").readings("z1")
        >>> found.equation("dX_bar1").text()
        'dX_bar1 = delta1 @ W_bar1'

        Raises:
            FormulaError: no convolution gives what has this name; those that one gives are listed.
        """
        return looked_up(name, self.convolutions, "no convolution gives")


@kept_whole()
def derive(
    network: Network | Formula | str,
    layout: str | None = None,
    sizes: Mapping[str, int] | None = None,
    *,
    evaluation: bool = False,
) -> Derivation:
    """Derive the delta recurrence and the gradients of a network, or of a formula with respect to its variables.

    `layout` is "example" (one example, column vectors), "rows" or "columns" (a batch, the loss a mean over it). By
    default it is that of one example; a network with statistics over the batch has none, and is derived in "rows".
    `sizes` are numbers for sizes and counts that have a name. With `evaluation`, running statistics stand
    for those of the batch, and no dropout is drawn.

    >>> d = derive("Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()")
    >>> print(d.delta(1).text())
    (W2.T @ delta2) * (1 - a1 * a1)
    >>> print(derive("x @ A @ x").gradient("A").text())
    outer(x, dv1)
    >>> print(derive("Input(2) >> BatchNorm() >> MeanSquaredError()", evaluation=True).equation("mu1").text())
    mu1 = R1

    Raises:
        SpecError: the network has no loss or no parameters, or the layout is unknown or none that the network has.
    """
    if isinstance(network, str) and is_formula_text(network):
        network = inferred_formula(network, SCALAR)
    given = (network if isinstance(network, Formula) else as_network(network)).with_sizes(sizes or {})
    net = with_known_facts(given) if isinstance(given, Formula) else given
    layouts = net.layouts if isinstance(net, Network) else LAYOUTS
    layout = layouts[0] if layout is None else layout
    if layout in LAYOUTS and layout not in layouts:
        raise SpecError(
            "a network with statistics over the batch has no form for one example: its means read all examples\n"
            f"allowed: layout {' or '.join(map(repr, layouts))}"
        )
    system = net.system(layout).evaluated if evaluation else net.system(layout)
    if system.loss is None and isinstance(net, Network):
        raise SpecError(
            f"a network without a loss has no gradients\nend it with a loss, as in: {net.text} >> MeanSquaredError()"
        )
    backward, remarks = derive_system(system)
    said = (*never_read(net.system()), *remarks, *received(system, backward), *truncated(backward))
    said = (*net.doubts, *said, *idle(net, backward)) if isinstance(net, Network) else said
    return Derivation(net, system, backward, said)
