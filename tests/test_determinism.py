"""What symprop prints is byte for byte the same under every PYTHONHASHSEED."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

NETWORKS = {
    "residual": "Input(6) >> Dense(5) >> Tanh() >> Residual(Dense(5) >> ReLU() >> Dense(5)) >> Dense(3)"
    " >> SoftmaxCrossEntropy() + L2(0.001)",
    "embedding": "Input(3) >> Embedding(27, 4) >> Dense(8) >> SiLU() >> Dense(27) >> SoftmaxCrossEntropy()",
    "projection": "Input(4) >> Residual(Dense(6) >> GELU(), projection=True) >> Dense(2) >> BinaryCrossEntropy()",
    "own": 'Input(4) >> Dense(3) >> Activation("x * sigmoid(x)", name="swish") >> Dense(2)'
    ' >> Loss("sum((a - y)**4) / 4")',
}

SYMBOLIC = "Input(n0) >> Dense(n1) >> Repeat(Residual(Dense(n1) >> Tanh()), L) >> Dense(K) >> SoftmaxCrossEntropy()"

# Runs in a process of its own, since the seed of string hashing is fixed when Python starts.
SCRIPT = """
import json, sys
import symprop
networks, symbolic = json.loads(sys.argv[1])
printed = {}
for name, text in networks.items():
    network = symprop.parse_network(text)
    derivation = symprop.derive(network)
    printed[name + " pretty"] = derivation.pretty()
    printed[name + " text"] = derivation.text()
    printed[name + " latex"] = derivation.latex()
    printed[name + " float64"] = symprop.generate(network, dtype="float64")
    printed[name + " float32"] = symprop.generate(network, dtype="float32")
    printed[name + " fast"] = symprop.generate(network, optimizer="adam", fast=True)
derivation = symprop.derive(symprop.parse_network(symbolic))
printed["symbolic"] = derivation.pretty() + derivation.latex()
print(json.dumps(printed))
"""


def printed_under(seed: str) -> dict[str, str]:
    """Return all that symprop prints for the networks, in a process with this PYTHONHASHSEED."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([NETWORKS, SYMBOLIC])],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert isinstance(printed, dict)
    return printed


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return printed_under("0")


@pytest.mark.parametrize("seed", ["1", "42", "4294967295"])
def test_output_does_not_depend_on_the_hash_seed(reference: dict[str, str], seed: str) -> None:
    printed = printed_under(seed)
    assert list(printed) == list(reference)
    for name, text in printed.items():
        assert text == reference[name], name


def test_twice_in_one_process_is_the_same() -> None:
    import symprop

    network = symprop.parse_network(NETWORKS["residual"])
    assert symprop.generate(network) == symprop.generate(symprop.parse_network(NETWORKS["residual"]))
    assert symprop.derive(network).latex() == symprop.derive(network).latex()
