"""What a page says of means over the examples of a batch: why one example has no form, and what stands for them."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra.formula import Formula
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.notation.blocks import Words


def joined(derivation: Derivation) -> Iterator[Words]:
    """Say what is a mean over the examples, why one example has no form then, and what stands for it in evaluation."""
    network = derivation.network
    equations = [] if isinstance(network, Formula) else list(network.system().equations)
    means = [each.target for each in equations if any(part.joins_examples for part in walk(each.expression))]
    if not means:
        return
    more = ", as are others" if len({mean.family for mean in means}) < len(means) or len(means) > 2 else ""
    named = (means[0], " is a mean") if len(means) == 1 else (means[0], " and ", means[1], " are means")
    yield (*named, f" over the examples{more}: they join the examples, so that there is no form for one alone.")
    first = {state.variable.family: state for state in reversed(derivation.system.states)}
    for state in reversed(first.values()):
        likewise = ", and likewise for every layer." if len(first) < len(derivation.system.states) else "."
        stands = (state.variable, " stands for ", state.statistic, " in evaluation. It starts as ", state.start)
        yield (*stands, "; a step of training makes it ", state.update, likewise)
