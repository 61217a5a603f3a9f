"""Parameters that move nothing: a shift that is taken off again, as the bias before a normalisation is.

That its gradient is zero is derived (`calculus/sum_rules.py`); here stands what follows for the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial

from symprop.algebra.equations import Equation, Item, Step, equations_in
from symprop.algebra.names import gradient_of
from symprop.algebra.roles import STATISTIC
from symprop.algebra.trees import is_zero
from symprop.calculus.reuse import as_first_worked_out
from symprop.calculus.vanished import Said, told_once
from symprop.networks.network import Network


def idle(network: Network, backward: Sequence[Item]) -> Iterator[str]:
    """Say of each bias that a layer may do without, and whose gradient is always zero, that it moves nothing.

    >>> from symprop import derive
    >>> d = derive("Input(2) >> Dense(3) >> BatchNorm() >> MeanSquaredError()")
    >>> d.remarks[-1]
    'the loss does not change with b1, since mu1 is subtracted again: bias=False leaves it out'
    """
    yield from told_once(_each(network, backward))


def _each(network: Network, backward: Sequence[Item]) -> Iterator[Said]:
    found = {equation.target: equation for equation in equations_in(backward) if is_zero(equation.expression)}
    for built in network.built:
        gradients = [found.get(gradient_of(parameter.variable)) for parameter in built.parameters]
        if None not in gradients:  # nothing of the layer moves the loss
            continue
        biases = [parameter for parameter in built.parameters if parameter.kind == "bias"]
        equations = [equation for each in biases if (equation := found.get(gradient_of(each.variable)))]
        spared = any(field.name == "bias" for field in dataclasses.fields(built.layer))
        if spared and len(equations) == len(biases):  # where some bias moves the loss, all of them are wanted
            for parameter, equation in zip(biases, equations, strict=True):
                centred = bool(_statistics(as_first_worked_out(equation.steps)))
                yield centred or parameter.name, parameter.name, partial(_remark, parameter.name, equation)


def _statistics(steps: Sequence[Step]) -> list[str]:
    """Return the statistics among the facts of some steps."""
    return [fact.name for step in steps for fact in step.equations if fact.target.role == STATISTIC]


def _remark(bias: str, equation: Equation) -> str:
    means = _statistics(equation.steps)
    taken = f", since {means[0]} is subtracted again" if means else ""
    return f"the loss does not change with {bias}{taken}: bias=False leaves it out"
