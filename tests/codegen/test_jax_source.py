"""The JAX source of every sample node computes what the node means, in the dtype of the module, under jit."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from samples import IDS, WITH_ELEMENTS

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.nodes import Map, Node
from symprop.algebra.trees import variables, walk
from symprop.codegen.stable import CALLED
from symprop.codegen.targets.jax.source import JAX
from symprop.codegen.targets.readable import HELPERS
from symprop.verify.evaluate import complex_value

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install 'symprop[jax]'")

HELPED = (
    "Input(2) >> Embedding(70, 2) >> Dense(2) >> SiLU() >> Dense(2) >> Softplus() >> Softmax()"
    " >> Loss('sum(fold(sliding_window_view(a, 2), 2, 0, 2)**2) + sum(a * first_max(a) * first_min(a)) + sum(y)"
    " + log(sum(exp(a)))')",
    "Input(3) >> Dense(3) >> SoftmaxCrossEntropy()",
)
"""Networks whose modules have all helpers."""
KINDS = [kind for kind in WITH_ELEMENTS if kind not in (n.Variable, n.Scalar)]


def of_a_library(node: Node) -> bool:
    """Whether a source can hold it alone: functions of a network's own are functions of its module."""
    return all(part.function.name in CALLED for part in walk(node) if isinstance(part, Map))


@functools.cache
def scope_of(dtype: str) -> dict[str, Any]:
    """Return the names that a module has."""
    modules = [symprop.compile(text, target="jax", dtype=dtype) for text in HELPED]
    helpers = {name: getattr(each, name) for each in modules for name in HELPERS if hasattr(each, name)}
    return {"jax": jax, "jnp": jax.numpy, "math": math, "DTYPE": modules[0].DTYPE, **helpers}


def values_of(nodes: list[Node]) -> dict[str, Any]:
    random = np.random.default_rng(7)
    values: dict[str, Any] = {}
    for name, shape in {v.name: v.shape for node in nodes for v in variables(node)}.items():
        drawn = random.uniform(0.2, 0.9, [int(size) for size in shape])
        signs = 1 if name in ("q", "QA", "r") else random.choice([-1, 1], drawn.shape)
        values[name] = np.array(IDS[name]) if name in IDS else (drawn * signs).astype(np.float32)
    return values


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_source_computes_the_node(kind: type[Node], dtype: str) -> None:
    nodes = list(filter(of_a_library, WITH_ELEMENTS[kind]))
    values = values_of(nodes)
    given = {name: value if name in IDS else value.astype(dtype) for name, value in values.items()}
    sources = [compile(JAX.text(node), "source", "eval") for node in nodes]
    both = jax.jit(
        lambda arrays: [eval(source, {**scope_of(dtype), **arrays}) for source in sources],
        compiler_options={"xla_backend_optimization_level": 0},
    )
    # numbers of the size of 1, few operations each; inverses and ninth powers multiply their roundings by a hundred
    bound = 1000 * np.finfo(dtype).eps
    for node, found in zip(nodes, both(given), strict=True):
        true = complex_value(node, {k: v if k in IDS else v.astype(float) for k, v in values.items()}).real
        assert found.shape == true.shape and found.dtype == dtype, node
        assert np.abs(np.asarray(found, float) - true).max() <= bound * max(1, np.abs(true).max()), node
