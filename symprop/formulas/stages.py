"""The steps to an answer by what they work out: a gradient on the way to a Hessian, a product, then the matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from symprop.algebra.equations import Step
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables
from symprop.formulas.pages import heading
from symprop.formulas.result import Result


@dataclass(frozen=True)
class Stage:
    """Steps of which each begins where the one before it ends, and the left side, in LaTeX, that all are equal to.

    That is a product with `tangent`, an arbitrary one, where there is one.
    """

    left: str
    steps: tuple[Step, ...]
    tangent: Variable | None = None


def stages(result: Result, write: Callable[[Node], str] | None = None) -> list[Stage]:
    r"""Return the stages of an answer; `write` writes letters.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import hessian
    >>> for stage in stages(hessian(formula("sum(exp(x))", x="n"), "x")):
    ...     print(stage.left, len(stage.steps))
    \frac{\partial f}{\partial x} 2
    \frac{\partial^2 f}{\partial x^2} u 2
    \frac{\partial^2 f}{\partial x^2} 1
    """
    parts = _contiguous(result.steps)
    return [_stage(result, part, part is parts[-1], write) for part in parts]


def _contiguous(steps: Sequence[Step]) -> list[list[Step]]:
    found: list[list[Step]] = []
    for step in steps:
        if found and found[-1][-1].after == step.before:
            found[-1].append(step)
        else:
            found.append([step])
    return found


def _stage(result: Result, steps: Sequence[Step], is_last: bool, write: Callable[[Node], str] | None) -> Stage:
    """Say what steps work out: the answer, its product with a tangent of its own, or a gradient before it."""
    own = heading(result, "latex", write)
    names = {each.name for each in (*result.variables, *(each.target for each in result.formula.definitions))}
    tangent = next((each for each in variables(steps[0].before) if each.name not in names), None)
    if tangent is not None:
        return Stage(f"{own} {write(tangent) if write else tangent.latex()}", tuple(steps), tangent)
    if not is_last and result.kind in ("hessian", "hvp") and steps[0] == result.steps[0]:
        own = heading(replace(result, kind="gradient", by=result.by[:1], direction=None), "latex", write)
    return Stage(own, tuple(steps))
