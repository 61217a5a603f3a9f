"""The weights to which K-FAC gives factors: those whose gradient is a sum of outer products, each with its bias."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Expr

from symprop.algebra.equations import System
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import INPUTS, OUTPUTS
from symprop.analysis.curvature.shared import Places, places_of
from symprop.analysis.curvature.way_back import WayBack, free_mark


@dataclass(frozen=True)
class Layer:
    """A weight whose gradient is a sum of outer products, with the bias, if it has one, that is its last column."""

    weight: Variable
    bias: Variable | None
    places: Places
    a: Variable
    b: Variable

    @property
    def factors(self) -> tuple[Variable, Variable]:
        """What its factors A and G are called."""
        a, b = self.places.shapes
        return self.weight.of_role(INPUTS, *a), self.weight.of_role(OUTPUTS, *b)

    @property
    def results(self) -> tuple[Variable, Variable]:
        """The factors, that of the columns of the weight before that of its rows, which ids choose in a table."""
        inputs, outputs = self.factors
        return (inputs, outputs) if self.places.ids is None else (outputs, inputs)


def layers_of(back: WayBack, system: System) -> Iterator[Layer]:
    """Yield the weights whose gradients are sums of outer products, a bias with the first that has its sum."""
    order = system.parameters.index
    gradients = sorted(back.gradients.items(), key=lambda each: order(each[0]))
    biases = {parameter: gradient for parameter, gradient in gradients if parameter.rank == 1}
    seen = Counter[tuple[Expr, ...]]()
    for weight, gradient in gradients:
        places = places_of(gradient, [*back.of, back.given])
        if places is None:
            continue
        bias = next((each for each, found in biases.items() if places.is_bias(found)), None)
        if bias is not None:
            del biases[bias]
            places = places.with_ones
        index, more = weight.index, seen[weight.index]
        seen[index] += 1
        a, b = (
            Variable(letter, index, part.shape, mark=free_mark(letter, index, system) + more)
            for letter, part in (("a_bar", places.right), ("b_bar", places.left))
        )
        yield Layer(weight, bias, places, a, b)
