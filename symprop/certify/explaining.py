"""A diagnosis of wrong gradients: the mistake is looked for at the places where they were found, and at fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from symprop.certify.returned import Given
from symprop.certify.subject import Place, Subject
from symprop.diagnosis import Diagnosis, diagnose
from symprop.errors import SympropError
from symprop.verify.arithmetic import Array

SECONDS = 10.0
"""Seconds that the search for a mistake may take."""

Pulled = Callable[[Place, Array], Mapping[str, Given]]
"""Gives what a backward pass returns at a place for a cotangent, by the names of the variables."""


def explained(
    subject: Subject,
    wrt: Sequence[str],
    places: Sequence[Place],
    pulled: Pulled,
    has_cotangent: bool,
    limit: float,
    seed: int,
) -> Diagnosis | None:
    """Return what is wrong with the gradients by some variables, None where nothing can be said."""
    random = np.random.default_rng((seed, 2))
    name = subject.cotangent.name if has_cotangent else None
    drawn: list[tuple[Mapping[str, Any], Place, Array]] = []
    for place in places:
        cotangent = np.ones(place.shape) if name is None else np.asarray(random.standard_normal(place.shape))
        drawn.append(({**place.variables, **({} if name is None else {name: cotangent})}, place, cotangent))

    def draw(number: int) -> Mapping[str, Any] | None:
        return drawn[number][0] if number < len(drawn) else None

    def given(point: Mapping[str, Any]) -> dict[str, Array]:
        place, cotangent = next((place, cotangent) for each, place, cotangent in drawn if each is point)
        found = pulled(place, cotangent)
        return {by: each.array for by, each in found.items() if each.array is not None}

    with suppress(SympropError):  # a derivation that is over a limit takes nothing from the verdict
        return diagnose(subject.diagnosed, given, wrt, name, subject.numbers, seed, limit, draw)
    return None
