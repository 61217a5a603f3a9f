"""How a module starts and is updated: the draw of each parameter, and the update of an optimiser, as text."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from sympy import Expr

from symprop.algebra.shapes import Shape, shape_text
from symprop.codegen.targets.fast.optimizer_step import update_lines
from symprop.codegen.targets.layout import comment, laid_out, named_tuple, signature
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source
from symprop.codegen.targets.training import said, scalar_lines
from symprop.networks.initialisers import INITIALISERS, initialiser_of
from symprop.networks.optimisers import Optimiser
from symprop.networks.parts import Parameter


def initial(parameter: Parameter) -> dict[str, str]:
    """Return how a parameter starts: the formula of its scale, and the draw."""
    shape = parameter.variable.shape
    comment, draw = _drawn(parameter.initialiser, shape, parameter.fan_in, parameter.fan_out)
    return {"name": parameter.name, "comment": comment, "draw": draw}


@lru_cache(maxsize=256)  # layers start in few ways
def _drawn(initialiser: str, sizes: Shape, fan_in: Expr, fan_out: Expr) -> tuple[str, str]:
    row, shape = initialiser_of(initialiser), shape_text(sizes)
    if row.constant is not None:
        count = str(sizes[0]) if len(sizes) == 1 else shape
        return "", f"np.{row.name}({count})" if row.name in INITIALISERS else f"np.full({count}, {row.name})"
    what, drawn = DRAWS[row.distribution]
    scale = repr(float(row.at(row.scale, fan_in, fan_out).evalf(30)))
    fans = f"fan_in = {fan_in}, fan_out = {fan_out}"
    comment = f"{row.name}: {what} {row.scale}" + (f", {fans}" if row.scale.free_symbols else "")
    return comment, drawn.format(scale=scale, shape=shape)


DRAWS = {
    "uniform": ("bound", "rng.uniform(-{scale}, {scale}, {shape})"),
    "normal": ("standard deviation", "rng.normal(0.0, {scale}, {shape})"),
}
"""What the scale of a distribution is, and how NumPy draws from it."""


def optimizer(optimiser: Optimiser, parameters: Sequence[Parameter], seeded: bool = False) -> dict[str, object]:
    """Return the update of an optimiser as lines; states and parameters change in place."""
    update = update_lines(optimiser)
    known = [*(number.name for number in optimiser.hyperparameters), *(each.name for each in optimiser.scalars)]
    names = [*(["step"] if "step" in update.reads else []), *(name for name in known if name in update.reads)]
    words = said(optimiser, seeded)
    numbers = words["names"].split(", ")
    kept = [f"{equation.note}: {equation.pretty()}" for equation in optimiser.decays]
    return {
        **words,
        "descend_line": signature("_descend", "w", "g", "state", *numbers),
        "step_call": laid_out("_descend(", ['state["w"]', "gradient", "state", *numbers]),
        "update_call": laid_out("_descend(", ["w", "g", "state", *numbers]),
        "given": named_tuple("given", ["w", "g", "state", *names]),
        "blocks_line": signature("_update_blocks", "first", "last", "room", "parameters", "gradients", "state", *names),
        "decayed": list(_places(parameters, {each.name for each in optimiser.decayed(parameters)})),
        "decays": [line for text in kept for line in comment(text)],
        "kept": numpy_source(optimiser.kept),
        "scalars": scalar_lines(optimiser, NUMPY),
        "lines": update.lines,
        "spare": update.spare,
    }


def _places(parameters: Sequence[Parameter], names: Collection[str]) -> Iterator[tuple[str, int, int]]:
    """Yield where some of the parameters lie in the vector of all: name, start and stop."""
    start = 0
    for parameter in parameters:
        stop = start + math.prod(int(size) for size in parameter.variable.shape)
        if parameter.name in names:
            yield parameter.name, start, stop
        start = stop


__all__ = ["initial", "optimizer"]
