"""Random networks against JAX: loss and all gradients in float64, by a forward pass that shares no code with symprop.

The forward pass is the second reader, `network_reference`, whose text is run once more with `jax.numpy` in NumPy's
place; JAX differentiates it. Many of them run by

    python tests/against_frameworks.py --engine jax --count 2000
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import network_reference


@cache
def reference() -> ModuleType:
    """Return the second reader with `jax.numpy` in NumPy's place, in float64."""
    import jax
    import jax.numpy
    import jax.scipy.special

    jax.config.update("jax_enable_x64", True)
    path = Path(network_reference.__file__)
    source = path.read_text(encoding="utf-8").replace("import numpy as np\n", "import jax.numpy as np\n")
    module = ModuleType("network_reference_in_jax")
    sys.modules[module.__name__] = module  # where its dataclasses look up their types
    exec(compile(source, str(path), "exec"), vars(module))
    assert vars(module)["np"] is jax.numpy
    erf = vars(module)["erf"] = vars(module)["WORDS"]["erf"] = jax.scipy.special.erf  # Python's takes no tracer
    assert erf is module.gelu.__globals__["erf"]
    return module


def loss_and_grads(
    text: str, sizes: Mapping[str, int], params: dict[str, Any], x: dict[str, Any], y: Any, masks: dict[str, Any]
) -> tuple[float, dict[str, Any]]:
    """Return the loss of a network and its gradients, as JAX has them."""
    import jax

    module = reference()

    class Network(module.Network):  # type: ignore[name-defined, misc]
        """The same, tracing the loss of one output alone."""

        def summed(self, outputs: Any, y: Any, shares: Any) -> Any:
            loss = self.ends[0]
            return shares @ jax.vmap(lambda a, target: module.LOSSES[loss.name](a, target, loss, self.maker))(
                outputs, y
            )

    read, data = Network(text, sizes), (arrays(x), jax.numpy.asarray(y), arrays(masks))
    options = {"xla_backend_optimization_level": 1}  # at 0 some slopes are NaN
    step = jax.jit(jax.value_and_grad(lambda given: read.loss(given, *data)), compiler_options=options)
    loss, slopes = step(arrays(params))
    return float(loss), slopes


def arrays(values: dict[str, Any]) -> dict[str, Any]:
    """Return NumPy's arrays as JAX's."""
    import jax.numpy

    return {name: jax.numpy.asarray(value) for name, value in values.items()}
