"""What truncated backpropagation through time drops: what would flow back over the border of a window of moments.

With `truncate=k` the states that a window of k moments starts from are constants, as in training that goes on from one
window to the next and detaches the state between: TBPTT(k, k) of Williams and Peng, *An efficient gradient-based
algorithm for on-line training of recurrent network trajectories* (1990), with h = h' = k.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symprop.algebra.equations import Carry, Flow, Item, Loop, Rows, loops_in
from symprop.algebra.nodes import Node, Scalar, Variable
from symprop.algebra.roles import WINDOW
from symprop.algebra.trees import replace, variables
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class Dropped:
    """What does not flow back to a state where `t` is a multiple of `every`: `term`, a formula in moment t + 1."""

    state: Variable
    term: Node
    every: int


def dropped(backward: Iterable[Item]) -> Iterator[Dropped]:
    """Yield what the loops over time of a backward pass drop.

    >>> from symprop import derive
    >>> d = derive("Input(T, n) >> RNN(k, truncate=4) >> MeanSquaredError()")
    >>> [(each.state.text(), each.term.text()) for each in dropped(d.backward)]
    [('h1[t]', 'R1.T @ delta1[t + 1]')]
    """
    for loop, carries, _ in _truncated(backward):
        for flow, carry in zip(loop.flows, carries, strict=False):
            if carry.every is not None:
                yield Dropped(carry.after, before_windows(flow).xreplace({loop.index: loop.index + 1}), carry.every)


def before_windows(flow: Flow) -> Node:
    """Return what flows back from a moment without the factor that says where windows begin."""
    factors = {each: Scalar(1) for each in variables(flow.after) if each.role == WINDOW}
    return tidy(replace(flow.after, factors)) if factors else flow.after


def truncated(backward: Iterable[Item]) -> Iterator[str]:
    """Yield remarks that say where gradients stop."""
    for _, carries, window in _truncated(backward):
        states, verb = ", ".join(carry.after.name for carry in carries), "is" if len(carries) == 1 else "are"
        yield (
            f"{states} {verb} held constant for moment t + 1 where t is a multiple of {carries[0].every} "
            f"(truncated backpropagation through time): there {window.array.name} is 0, which drops what flows back"
        )


def _truncated(backward: Iterable[Item]) -> Iterator[tuple[Loop, tuple[Carry, ...], Rows]]:
    """Yield the loops that are truncated, with what they carry, in the order of what flows back, and their windows."""
    for loop in loops_in(backward):
        window = next((rows for rows in loop.reads if rows.row.role == WINDOW), None)
        names = {flow.name.letter for flow in loop.flows}
        carries = tuple(each for each in loop.carries if each.every is not None and each.after.letter in names)
        if carries and window is not None:
            yield loop, carries, window


__all__ = ["Dropped", "before_windows", "dropped", "truncated"]
