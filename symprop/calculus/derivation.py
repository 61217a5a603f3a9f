"""A derivation: the forward equations of a network and the backward equations that the rules gave, with their steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from symprop.algebra.equations import Equation, Item, Step, System
from symprop.algebra.formula import Formula
from symprop.algebra.names import closest
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Printable
from symprop.calculus.cost import Cost, cost_of
from symprop.calculus.jacobians import chained
from symprop.calculus.modes import Modes, modes
from symprop.calculus.paths import Expansion, paths
from symprop.calculus.rules import context
from symprop.calculus.vanishing import Shrinkage, vanishing
from symprop.errors import FormulaError, ShapeError, shown
from symprop.networks.builder import Parameter
from symprop.networks.network import Network


@dataclass(frozen=True, repr=False)
class Derivation(Printable):
    """Forward and backward equations of a network (or a formula) in one layout, in the order of computation.

    `remarks` say what a reader should know of the result ("dW1 is zero, because ...").
    """

    network: Network | Formula
    system: System
    backward: tuple[Item, ...]
    remarks: tuple[str, ...] = ()

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
        for item in (*self.system.items, *self.backward):
            if isinstance(item, Equation):
                yield item
            else:
                yield from (*item.base, *item.equations)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The equation number of each name, from 1, in the order of a page: the gradients stand last."""
        printed = sorted(self.equations, key=lambda equation: self.is_wanted(equation.target))
        return {equation.name: number for number, equation in enumerate(printed, start=1)}

    def is_wanted(self, variable: Variable) -> bool:
        """Whether `variable` is the gradient of a parameter (of an input, where there are no parameters)."""
        return variable.role == "gradient" and variable.letter in self._wanted_letters

    @cached_property
    def _wanted_letters(self) -> frozenset[str]:
        return frozenset(wanted.letter for wanted in self.system.parameters or self.system.inputs)

    @cached_property
    def by_name(self) -> dict[str, Equation]:
        """The equation that defines each name."""
        return {equation.name: equation for equation in self.equations}

    def equation(self, name: str) -> Equation:
        """Return the equation that defines `name` (`z1`, `delta1`, `dW1`).

        Raises:
            FormulaError: no equation has this name; the names that have one are listed.
        """
        found = self.by_name.get(name)
        if found is None:
            names = ", ".join(list(self.by_name)[:40])
            raise FormulaError(
                f"no equation defines {shown(name)}{closest(name, self.by_name)}\nallowed: {shown(names, 400)}"
            )
        return found

    def delta(self, layer: int | str) -> Node:
        """Return the expression of the derivative of the loss by `z` of one layer (`delta(2)`, or `delta("l")`).

        >>> from symprop.calculus.derive import derive
        >>> print(derive("Input(2) >> Dense(1) >> MeanSquaredError()").delta(1).text())
        z1 - y
        """
        return self.equation(f"delta{layer}" if str(layer).isdigit() else f"delta[{layer}]").expression

    def gradient(self, parameter: str) -> Node:
        """Return the expression of the derivative of the loss by a parameter, in the parameter's shape.

        >>> from symprop.calculus.derive import derive
        >>> print(derive("Input(2) >> Dense(1) >> MeanSquaredError()").gradient("W1").text())
        outer(delta1, x)
        """
        return self.equation(f"d{parameter}").expression

    def steps(self, name: str) -> tuple[Step, ...]:
        """Return the named steps that led to the gradient of a parameter (`W1`) or to an equation (`delta1`)."""
        return self.equation(f"d{name}" if f"d{name}" in self.by_name else name).steps

    def variable(self, name: str) -> Variable:
        """Return the variable with this name: an input, a parameter or the left side of a forward equation.

        Raises:
            FormulaError: there is none.
        """
        known = {part.name: part for part in (*self.system.inputs, *self.system.targets, *self.system.parameters)}
        known.update((equation.name, equation.target) for equation in self.system.equations)
        if name not in known:
            listed = ", ".join(list(known)[:40])
            raise FormulaError(
                f"no variable is called {shown(name)}{closest(name, known)}\nallowed: {shown(listed, 400)}"
            )
        return known[name]

    def jacobian(self, of: str, by: str) -> Node:
        """Return the Jacobian of one vector of the forward pass by another, `(len of, len by)`, for one example.

        >>> from symprop.calculus.derive import derive
        >>> d = derive("Input(2) >> Dense(2) >> Residual(Dense(2) >> Tanh()) >> MeanSquaredError()")
        >>> print(d.jacobian("a2", "z1").text())
        diag(1 - f2 * f2) @ W2 + eye(2)

        Raises:
            FormulaError: no such variable, or inside a loop over a symbolic number of blocks.
            ShapeError: the derivation is of a batch, or one of the two is no vector.
        """
        if self.system.layout != "example":
            raise ShapeError(f"a Jacobian is of one example; this derivation is of a batch in {self.system.layout}")
        equations = list(self.system.equations)
        target, source = self.variable(of), self.variable(by)
        return chained(equations, target, source, context(self.system))

    def cost(self) -> Cost:
        """Return the operations of the forward and backward pass and the memory, as exact polynomials in the sizes.

        >>> from symprop.calculus.derive import derive
        >>> d = derive("Input(n0) >> Dense(n1) >> Tanh() >> Dense(n2) >> MeanSquaredError()")
        >>> d.cost().leading
        3*n0*n1 + 5*n1*n2
        """
        return cost_of(self.system, self.backward)

    def modes(self, of: str, by: str) -> Modes:
        """Return forward mode (JVP) and reverse mode (VJP) from `by` to `of`, with the cost of each order of products.

        >>> from symprop.calculus.derive import derive
        >>> d = derive("Input(n0) >> Dense(n1) >> ReLU() >> Dense(n2) >> MeanSquaredError()")
        >>> d.modes("z2", "x").cheaper()[0]
        'depends'

        Raises:
            FormulaError: no such variable.
            SpecError: `of` does not depend on `by`, or one of the two is no vector.
        """
        return modes(self.system, self.variable(of), self.variable(by))

    def paths(self) -> Expansion:
        """Return the Jacobian of the residual blocks expanded into its paths, `I + df2/df1 + ...` (Veit et al., 2016).

        >>> from symprop.calculus.derive import derive
        >>> d = derive("Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), 4) >> MeanSquaredError()")
        >>> len(d.paths().paths)
        8

        Raises:
            SpecError: the network is not made of residual blocks.
            LimitError: more than 12 blocks, which have more than 2,048 paths.
        """
        return paths(self.system)

    def vanishing(self, output: Expr | None = None) -> tuple[Shrinkage, ...]:
        """Return how the slopes of the activations shrink a gradient, layer by layer from the output.

        Each factor is the largest slope that the activation has, or its slope where it puts out `output`.

        >>> from symprop.calculus.derive import derive
        >>> d = derive("Input(3) >> Repeat(Dense(3) >> Sigmoid(), 5) >> MeanSquaredError()")
        >>> d.vanishing()[-1].leaving
        1/1024

        Raises:
            SpecError: a loop over a symbolic number of blocks.
            FormulaError: the slope at an output cannot be solved for.
        """
        return vanishing(self.system, output)
