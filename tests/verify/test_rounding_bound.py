"""What the certificate allows for rounding is less than any factor that would be wrong."""

from __future__ import annotations

from functools import partial

import numpy as np

from symprop.analysis.derivation import derive
from symprop.networks import parse_network
from symprop.verify import noise
from symprop.verify.measure import judged
from symprop.verify.points import random_points
from tests.wrong_modules import FAR, HIDDEN, LEAKY

ABSOLUTE = 'Input(3) >> Dense(2) >> Loss("sum(abs(a - y))")'


def test_the_bound_on_rounding_hides_no_factor() -> None:
    for network in (HIDDEN, LEAKY, ABSOLUTE, FAR):
        system, derivation = parse_network(network).system(), derive(network, layout="rows")
        for point in random_points(system, 0, 3):
            bound = noise.bounds(derivation, system, point)
            for name, value in noise.equations_gradients(derivation, point).items():
                for element in np.argwhere(value):
                    wrong = value.copy()
                    wrong[tuple(element)] *= 1.001
                    assert not judged(wrong, value, 1e-12, partial(bound, name)).ok
