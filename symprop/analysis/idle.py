"""Parameters that move nothing: a shift that is taken off again, as the bias before a normalisation is.

That its gradient is zero is derived (`calculus/sum_rules.py`); here stands what follows for the network.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from symprop.algebra.equations import Equation, Item, equations_in
from symprop.algebra.names import gradient_of
from symprop.algebra.roles import STATISTIC
from symprop.algebra.trees import is_zero
from symprop.calculus.vanished import told_once
from symprop.networks.network import Network


def idle(network: Network, backward: Sequence[Item]) -> Iterator[str]:
    """Say of each bias that a layer may do without, and whose gradient is always zero, that it moves nothing.

    >>> from symprop import derive
    >>> d = derive("Input(2) >> Dense(3) >> BatchNorm() >> MeanSquaredError()")
    >>> d.remarks[-1]
    'the loss does not change with b1, which mu1 takes off again: bias=False leaves it out'
    """
    yield from told_once(_each(network, backward))


def _each(network: Network, backward: Sequence[Item]) -> Iterator[tuple[object, str, str]]:
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
                facts = [fact for step in equation.steps for fact in step.facts if isinstance(fact, Equation)]
                means = [fact.name for fact in facts if fact.target.role == STATISTIC]
                taken = f", which {means[0]} takes off again" if means else ""
                remark = f"the loss does not change with {parameter.name}{taken}: bias=False leaves it out"
                yield bool(means) or parameter.name, parameter.name, remark
