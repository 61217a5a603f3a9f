"""No false alarm: JAX's gradients of random losses are right, and `certify` must say so.

JAX is no dependency of the project; where it is installed, this runs as many as one likes:

    python -m tests.mistakes.by_jax --count 100
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import symprop
from symprop.errors import SympropError
from tests.random_losses import IDS, LEAVES, loss

DECLARED = {name: f"{shape} {facts}" for shape, names in LEAVES.items() for name, facts in names.items()}


def names_of_jax() -> dict[str, Any]:
    """Return the functions of the language, as JAX has them."""
    import jax

    jax.config.update("jax_enable_x64", True)
    rooms = (jax.numpy, jax.numpy.linalg, jax.scipy.special, jax.nn)
    found = {name: getattr(room, name) for room in rooms for name in dir(room) if not name.startswith("_")}
    found |= {name: getattr(jax.numpy, name) for name in ("sum", "max", "min", "trace", "outer", "diagonal")}
    return found | {
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
        "logdet": lambda matrix: jax.numpy.linalg.slogdet(matrix)[1],
    }


def backward_of(text: str, given: list[str], by: list[str], names: Mapping[str, Any]) -> Callable[..., Any]:
    """Return JAX's gradients of a text of ours, which Python evaluates, as a function of its variables by name."""
    import jax

    code = compile(text, "<loss>", "eval")

    def gradients(values: dict[str, Any], g: float) -> dict[str, Any]:
        rest = {name: value for name, value in values.items() if name not in by}
        slope = jax.grad(lambda moved: eval(code, {**names, **rest, **moved}))
        return {name: np.asarray(value) * g for name, value in slope({each: values[each] for each in by}).items()}

    space: dict[str, Any] = {"gradients": gradients}
    exec(
        f"def backward({', '.join(given)}, g):\n    return gradients(dict({', '.join(f'{v}={v}' for v in given)}), g)",
        space,
    )
    return space["backward"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    names, right, without = names_of_jax(), 0, 0
    for number in range(options.seed, options.seed + options.count):
        text = loss(np.random.default_rng((77, number)))
        read = sorted({each.id for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Name)})
        by = [name for name in read if name in DECLARED]
        given = [name for name in read if name in DECLARED or name in IDS or name in ("m", "n")]
        where = ", ".join(f"{name}: {(DECLARED | IDS)[name]}" for name in given if name not in ("m", "n"))
        try:
            found = symprop.certify(text, backward_of(text, given, by, names), " ".join(by), where, limit=0)
        except SympropError:  # no place at which the loss has a finite value, or nothing to differentiate
            without += 1
            continue
        right += found.ok
        if not found.ok:
            print(f"FALSE ALARM: {text}\n  {where}\n  {found.message}")
    print(f"{right} right of {options.count - without}, {without} without a place")


if __name__ == "__main__":
    main()
