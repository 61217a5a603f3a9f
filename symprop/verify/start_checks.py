"""How a module starts and steps: its random parameters against their initialisers, and the clipping of gradients."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from symprop.codegen.case import Case
from symprop.networks.initialisers import initialiser_of
from symprop.networks.parts import Parameter
from symprop.verify.arithmetic import Array
from symprop.verify.measure import FLOAT64_LIMIT, Row, first_line
from symprop.verify.module_checks import GENERATED_ERRORS

DRAWS, MOST_SEEDS, MOST_VALUES = 20_000, 300, 20_000_000
"""How many numbers of each parameter are drawn at least, from so many seeds at most, and how many of all together."""
DEVIATIONS = 6.0
"""A sample's mean and variance may be off by so many of their own standard deviations: by chance once in 10**9."""
SPREAD_OF_SQUARES = {"normal": 2.0, "uniform": 0.8}
"""The variance of `u**2` where `u` has variance 1: what the variance of a sample varies by, times its length."""


def rows(case: Case, seed: int) -> Iterator[Row]:
    """Yield a row for the draws of each parameter, one for the seeds, and one for `clip_gradients` where it is."""
    module, parameters = case.module, case.network.parameters
    try:
        yield from _draws(module, parameters, seed)
    except GENERATED_ERRORS as error:
        yield Row("init_params", "its initialisers", "", np.inf, 0.0, False, first_line(error))
    if "clip_gradients" not in vars(module):
        return
    try:
        yield _clipped(module, parameters, seed)
    except GENERATED_ERRORS as error:
        yield Row("clip_gradients", "its formula", "", np.inf, FLOAT64_LIMIT, False, first_line(error))


def _draws(module: ModuleType | Any, parameters: tuple[Parameter, ...], seed: int) -> Iterator[Row]:
    first, again, other = (_started(module, number) for number in (seed, seed, seed + 1))
    random = [parameter.name for parameter in parameters if initialiser_of(parameter.initialiser).constant is None]
    same = list(first) == list(again) == [parameter.name for parameter in parameters] and all(
        np.array_equal(first[name], again[name]) for name in first
    )
    differ = all(not np.array_equal(first[name], other[name]) for name in random)
    bad = "" if same and differ else "other draws for the same seed" if not same else "the same draws for another seed"
    yield Row("init_params", "same seed, same draws; another, others", "2 seeds", 0.0, 0.0, not bad, bad)
    total = sum(np.size(value) for value in first.values())
    smallest = min((np.size(first[name]) for name in random), default=DRAWS)
    seeds = max(2, min(-(-DRAWS // max(smallest, 1)), MOST_SEEDS, MOST_VALUES // max(total * len(first), 1)))
    drawn = [_started(module, seed + number) for number in range(seeds)]
    for parameter in parameters:
        values = np.concatenate([np.ravel(draw[parameter.name].astype(float)) for draw in drawn])
        yield _draw(parameter, values, np.shape(first[parameter.name]))


def _started(module: ModuleType | Any, seed: int) -> dict[str, Array]:
    return {name: np.asarray(value) for name, value in module.init_params(seed=seed).items()}


def _draw(parameter: Parameter, values: Array, shape: tuple[int, ...]) -> Row:
    """Compare the moments of draws with those of the initialiser; a uniform draw also with its bound."""
    initialiser = initialiser_of(parameter.initialiser)
    name, oracle, points = f"start of {parameter.name}", f"moments of {initialiser.name}", f"{values.size} draws"
    if shape != tuple(int(size) for size in parameter.variable.shape) or not np.all(np.isfinite(values)):
        return Row(name, oracle, points, np.inf, 0.0, False, "not finite, or another shape")
    if initialiser.constant is not None:
        number = float(initialiser.constant)
        off = float(np.max(np.abs(values - number), initial=0.0))
        limit = 0.0 if initialiser.constant.is_Integer else abs(number) * float(np.finfo(np.float32).eps)
        return Row(name, oracle, points, off, limit, off <= limit, f"all {number:g}" if number else "zero")
    variance = float(initialiser.at(initialiser.variance, parameter.fan_in, parameter.fan_out))
    mean_limit = DEVIATIONS / np.sqrt(values.size)
    limit = mean_limit * np.sqrt(SPREAD_OF_SQUARES[initialiser.distribution])
    mean, off = abs(float(values.mean())) / np.sqrt(variance), abs(float(np.mean(values**2)) / variance - 1)
    note = ""
    if initialiser.distribution == "uniform":
        bound = float(initialiser.at(initialiser.bound, parameter.fan_in, parameter.fan_out))
        note = "" if np.max(np.abs(values)) <= bound * (1 + 1e-12) else "a draw beyond the bound"
    note = note or ("" if mean <= mean_limit else "mean not 0")
    return Row(name, oracle, points, off, limit, not note and off <= limit, note)


def _clipped(module: ModuleType | Any, parameters: tuple[Parameter, ...], seed: int) -> Row:
    """Compare `clip_gradients` with its formula: `g * min(1, max_norm / norm)`, and the norm before is returned."""
    random = np.random.default_rng(seed)
    shapes = {parameter.name: tuple(int(size) for size in parameter.variable.shape) for parameter in parameters}
    worst = 0.0
    for factor in (0.5, 2.0):
        before = {name: random.standard_normal(shape) for name, shape in shapes.items()}
        norm = float(np.sqrt(sum(np.sum(value**2) for value in before.values())))
        after, returned = _clipped_by(module, before, factor * norm)
        off = [np.max(np.abs(after[name] - min(1.0, factor) * before[name])) for name in shapes]
        worst = max(worst, abs(returned / norm - 1), *map(float, off)) if norm else worst
    return Row("clip_gradients", "its formula", "2 random", worst, FLOAT64_LIMIT, worst <= FLOAT64_LIMIT)


def _clipped_by(module: ModuleType | Any, gradients: dict[str, Array], limit: float) -> tuple[dict[str, Array], float]:
    """Return gradients that a module has clipped, in place or by returning others, and the norm that it returns."""
    given = {name: value.copy() for name, value in gradients.items()}
    found = module.clip_gradients(given, limit)
    after, norm = found if isinstance(found, tuple) else (given, found)
    return {name: np.asarray(value) for name, value in after.items()}, float(norm)
