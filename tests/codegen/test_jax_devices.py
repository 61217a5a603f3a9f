"""The target "jax" on several devices: the numbers of one, and the loss and the gradients alone go over the wire."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax", reason="JAX is not installed: pip install 'symprop[jax]'")

ROOT = Path(__file__).parents[2]
CLOSE = 1e-12
"""Losses, gradients and parameters of the size of 1, and sums of sixteen terms in other orders."""

SMALL = "Input(4) >> Dense(5) >> Tanh() >> Residual(Dense(5) >> ReLU()) >> Dense(3) >> SoftmaxCrossEntropy()"
GRADIENTS = ("5,4", "5", "5,5", "5", "3,5", "3")
DEVICES = f"""
import json, re
import jax, numpy as np
import symprop

assert len(jax.devices()) == 8
module = symprop.compile({SMALL!r}, target="jax", optimizer="adam")
random = np.random.default_rng(0)
params = module.init_params(1)
x, y = random.standard_normal((16, 4)), random.integers(0, 3, 16)
step = jax.jit(module.loss_and_grads)
train = jax.jit(module.train_step)


def numbers(mesh, split=()):
    placed = module.shard(mesh, params, x, y, split)
    loss, grads = step(*placed)
    text = step.lower(*placed).compile().as_text()
    state, before = train(module.init_state(placed[0]), *placed[1:])
    values = [loss, before, *grads.values(), *state["params"].values()]
    flat = np.concatenate([np.ravel(value) for value in values])
    return {{
        "numbers": flat.tolist(),
        "sent": re.findall(r"= (.*) (?:all-|collective|reduce-scatter)[\\w-]*\\(", text),
        "rows": placed[1].sharding.shard_shape(x.shape)[0],
        "W1": placed[0]["W1"].sharding.shard_shape(params["W1"].shape)[0],
    }}


found = {{}}
for count in (1, 2, 4, 8):
    found[str(count)] = numbers(jax.make_mesh((count,), ("batch",), devices=jax.devices()[:count]))
found["split"] = numbers(jax.make_mesh((2, 3), ("batch", "out"), devices=jax.devices()[:6]), ("W3", "b3"))
refused = []
for mesh, rows, names in (
    (jax.make_mesh((8,), ("batch",)), 12, ()),
    (jax.make_mesh((8,), ("batch",)), 16, ("W1",)),
    (jax.make_mesh((2, 4), ("batch", "out")), 16, ("W1",)),
    (jax.make_mesh((2, 4), ("batch", "out")), 16, ("W9",)),
):
    try:
        module.shard(mesh, params, x[:rows], y[:rows], names)
    except ValueError as error:
        refused.append(str(error))
print(json.dumps({{"found": found, "refused": refused}}))
"""


def test_eight_devices_give_the_numbers_of_one() -> None:
    flags = "--xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", DEVICES], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    found = answer["found"]
    one = np.array(found["1"]["numbers"])
    for count in (1, 2, 4, 8):
        each = found[str(count)]
        assert np.abs(np.array(each["numbers"]) - one).max() <= CLOSE, count
        assert each["rows"] == 16 // count and each["W1"] == 5, "the batch is split, parameters are copied"
        shapes = [shape for sent in each["sent"] for shape in re.findall(r"\[([\d,]*)\]", sent)]
        assert sorted(shapes) == (sorted(["", *GRADIENTS]) if count > 1 else []), (
            "loss and gradients: sums over examples"
        )
    assert np.abs(np.array(found["split"]["numbers"]) - one).max() <= CLOSE
    assert answer["refused"] == [
        "x: 12 rows do not divide by 8",
        "split=('W1',) must name parameters, and the mesh a second axis",
        "W1: 5 rows do not divide by 4",
        "split=('W9',) must name parameters, and the mesh a second axis",
    ]
