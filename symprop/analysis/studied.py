"""What is asked of the forward pass of a derivation: orders of products, paths through blocks, how gradients shrink."""

from __future__ import annotations

from sympy import Expr

from symprop.algebra.equations import System
from symprop.algebra.nodes import Variable
from symprop.algebra.unrolling import unrolled
from symprop.analysis.modes import Modes, modes
from symprop.analysis.paths import Expansion, paths
from symprop.analysis.through_time import ThroughTime, through_time
from symprop.analysis.vanishing import Vanishing, jacobian_bound, vanishing
from symprop.errors import ShapeError


class Studied:
    """A derivation: questions about its forward pass, one example at a time."""

    system: System

    def variable(self, name: str) -> Variable:
        """Return the variable with this name."""
        raise NotImplementedError

    @property
    def written_out(self) -> System:
        """The equations with loops over numbers of moments written out, one after the other."""
        loops = self.system.loops
        return unrolled(self.system, {}) if loops and all(loop.count.is_Integer for loop in loops) else self.system

    def holding(self, *found: Variable) -> System:
        """The equations in which variables stand: with moments written out, or with a general one."""
        known = self.written_out.by_name
        return self.written_out if all(variable.name in known for variable in found) else self.system

    def check_example(self, what: str) -> None:
        """Raise where the derivation is of a batch; `what` was asked for."""
        if self.system.layout != "example":
            raise ShapeError(f"{what} is of one example; this derivation is of a batch in {self.system.layout}")

    def modes(self, of: str, by: str) -> Modes:
        """Return forward mode (JVP) and reverse mode (VJP) from `by` to `of`, with the cost of each order of products.

        >>> from symprop import derive
        >>> d = derive("Input(n0) >> Dense(n1) >> ReLU() >> Dense(n2) >> MeanSquaredError()")
        >>> d.modes("z2", "x").cheaper()[0]
        'depends'

        Raises:
            FormulaError: no such variable.
            SpecError: `of` does not depend on `by`, or one of the two is no vector.
        """
        return modes(self.written_out, self.variable(of), self.variable(by))

    def paths(self) -> Expansion:
        """Return the Jacobian of the residual blocks expanded into its paths, `I + df2/df1 + ...` (Veit et al., 2016).

        >>> from symprop import derive
        >>> d = derive("Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), 4) >> MeanSquaredError()")
        >>> len(d.paths().paths)
        8

        Raises:
            SpecError: the network is not made of residual blocks.
            LimitError: more than 12 blocks, which have more than 2,048 paths.
        """
        return paths(self.written_out)

    def vanishing(self, output: Expr | float | None = None) -> Vanishing:
        """Return how the slopes of the activations alone shrink a gradient, layer by layer from the output.

        Each factor is the largest slope that the activation has, or its slope where it puts out `output`. Weights are
        left out, and so are skip connections: the table follows the blocks' own path. `bound` has both.

        >>> from symprop import derive
        >>> d = derive("Input(3) >> Repeat(Dense(3) >> Sigmoid(), 5) >> MeanSquaredError()")
        >>> d.vanishing()[-1].leaving
        1/1024

        Raises:
            SpecError: a loop over a symbolic number of blocks.
            FormulaError: the slope at an output cannot be solved for.
        """
        return vanishing(self.written_out, output)

    def through_time(self) -> ThroughTime:
        """Return how gradients go back through the moments of recurrent layers: Jacobians, their product, its bound.

        >>> from symprop import derive
        >>> print(derive("Input(T, n) >> RNN(k) >> MeanSquaredError()").through_time().text())
        from moment T back to t: the product over s = T, ..., t + 1 of the Jacobian of h1[s]
          d h1[s] / d h1[s - 1] = diag(1 - h1[s] * h1[s]) @ R1
          its norm is at most ||R1||, that of the product at most ||R1||**(T - t)
          it vanishes where ||R1|| < 1; it can explode only where ||R1|| > 1

        Raises:
            SpecError: no layer has a loop over time.
            ShapeError: the derivation is of a batch.
        """
        self.check_example("a Jacobian through time")
        return through_time(self.system)

    def bound(self, of: str, by: str) -> Expr:
        """Return the largest factor by which a change of `by` can scale in `of`: a bound of the Jacobian's norm.

        It is written in the norms (the largest singular values) of the weight matrices and adds up all paths, so that a
        residual block has the 1 of its identity, which keeps the gradient from vanishing.

        >>> from symprop import derive
        >>> d = derive("Input(3) >> Repeat(Residual(Dense(3) >> Sigmoid()), 3) >> MeanSquaredError()")
        >>> d.bound("a3", "a2"), d.vanishing()[0].factor
        (||W3||/4 + 1, 1/4)

        Raises:
            FormulaError: no such variable.
            SpecError: `of` does not depend on `by`, or no bound is known for a formula on the way.
            ShapeError: the derivation is of a batch.
        """
        self.check_example("a bound")
        target, source = self.variable(of), self.variable(by)
        return jacobian_bound(self.holding(target, source), target, source)
