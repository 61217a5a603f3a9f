"""Generated backward passes with one line changed are caught, and called what a person would call them.

`benchmarks/diagnoses.py --mutations` measures all of every layer; here stands a sample of layers that slips by hand
do not have.
"""

from __future__ import annotations

import pytest

from symprop.networks.network import Network
from symprop.networks.spec import LAYERS, parse_network
from tests.diagnosis.mutants import is_named, judged
from tests.diagnosis.mutated_networks import NETWORKS


@pytest.mark.filterwarnings("ignore::symprop.errors.SympropWarning")
def test_every_layer_has_a_network_that_is_mutated() -> None:
    networks = [parse_network(text) for text in NETWORKS.values()]
    assert all(isinstance(each, Network) and each.system().loss is not None for each in networks)
    assert all(any(f"{name}(" in text for text in NETWORKS.values()) for name in LAYERS)


def test_mutants_are_caught_and_named() -> None:
    forms, missed = set[str](), list[str]()
    for layer in ("GLU", "MaxPool1D", "ClassToken", "Dropout"):
        found = judged(NETWORKS[layer], forms, most=4)
        assert found.verdicts and not any(said.ok for _, said in found.verdicts)
        missed += [each.wrong for each, said in found.verdicts if not is_named(each, said.diagnosis)]
    assert len(missed) <= 1, missed
