"""Whose modules a certificate covers: that of one target against the oracles, those of others against it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from symprop.codegen.case import Case
from symprop.codegen.targets import FAST, LIBRARIES, NAMES, is_installed, target_of
from symprop.errors import SpecError, shown
from symprop.verify.arithmetic import Array
from symprop.verify.measure import Row
from symprop.verify.module_checks import checked, draws, of_all, of_loss, of_value, sampling_check, state_of
from symprop.verify.points import Point, called

ALL = "all"
"""In place of a target: every one whose library is installed."""


def chosen(target: str) -> tuple[str, ...]:
    """Return the target whose module is checked, and those whose modules are compared with it."""
    if target == ALL:
        return (FAST, *(name for name in LIBRARIES if is_installed(name)))
    if not isinstance(target, str) or target not in NAMES:
        raise SpecError(f"unknown target {shown(target)}\nallowed: {', '.join((*LIBRARIES, ALL))}")
    if not is_installed(target):
        needs = ", ".join(target_of(target).needs)
        raise SpecError(f"the modules of target {target!r} need {needs}\nallowed: pip install 'symprop[{target}]'")
    return (FAST, "numpy") if target == "numpy" else (target,)


def missing(target: str) -> Iterator[str]:
    """Yield a remark for each library that is not there, where all were asked for."""
    for name in LIBRARIES if target == ALL else ():
        if not is_installed(name):
            yield f"{name} is not installed: its module was not checked"


def rows(case: Case, others: Iterable[str], points: list[Point]) -> Iterator[Row]:
    """Yield rows that compare the modules of other targets with that of the case."""
    for target in others:
        yield from _agreement(case, target, points)


FORMS = {"numpy": "the module to read", "fast": "the module that runs"}


def _agreement(case: Case, target: str, points: list[Point]) -> Iterator[Row]:
    """Yield rows that compare the module of another target with that of the case: loss, prediction, all gradients."""
    system, derivation = case.example.system, case.rows.derivation
    ours, theirs = (FORMS.get(name, name) for name in (case.target, target))

    def each(module: Any, point: Point) -> tuple[Array, dict[str, Array]]:
        loss, grads = called(module.loss_and_grads, point)
        return np.asarray(loss), {name: np.asarray(value) for name, value in grads.items()}

    def losses(point: Point) -> tuple[Array, Array]:
        return each(case.at(target=target).module, point)[0], each(case.module, point)[0]

    def predictions(point: Point) -> tuple[Array, Array]:
        found, true = (
            np.asarray(called(one.module.predict, point, targets=False, **state_of(system, point)))
            for one in (case.at(target=target), case)
        )
        return found, true

    def gradients(point: Point) -> tuple[Array, Array]:
        found, true = (each(one.module, point)[1] for one in (case.at(target=target), case))
        flat = [np.concatenate([np.ravel(grads[name]) for name in true]) for grads in (found, true)]
        return flat[0], flat[1]

    predicted, evaluated = (system.prediction or system.output).name, system.evaluated
    if draws(case.at(target=target)):
        yield from checked([sampling_check(case.at(target=target))], points)
    yield from checked(
        [
            ("L", f"{theirs} = {ours}", losses, of_loss(system)),
            (predicted, f"{theirs} = {ours}", predictions, of_value(evaluated, predicted)),
            ("all gradients", f"{theirs} = {ours}", gradients, lambda point: of_all(derivation, point)),
        ],
        points,
    )


__all__ = ["ALL", "chosen", "missing", "rows"]
