"""What symprop prints is the same twice; `trust/determinism.py` asks it under hash seeds, Pythons and kernels."""

from __future__ import annotations

import symprop
from trust.determinism import NETWORKS


def test_twice_in_one_process_is_the_same() -> None:
    network = symprop.parse_network(NETWORKS["residual"])
    assert symprop.generate(network) == symprop.generate(symprop.parse_network(NETWORKS["residual"]))
    assert symprop.derive(network).latex() == symprop.derive(network).latex()
