"""The source of a module in PyTorch."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from symprop.analysis.derivation import Derivation
from symprop.codegen.program import Program
from symprop.codegen.targets.numpy.fact_checks import fact_checks
from symprop.codegen.targets.readable import Lines, Reader
from symprop.codegen.targets.target import Options
from symprop.codegen.targets.torch.source import PLACED, TORCH
from symprop.codegen.targets.training import draws
from symprop.templating import environment

DRAWS = {
    "uniform": "uniform({shape})",
    "normal": "normal({shape})",
    "zeros": "torch.zeros({shape}, dtype=DTYPE)",
    "ones": "torch.ones({shape}, dtype=DTYPE)",
    "constant": "torch.full({shape}, {value}, dtype=DTYPE)",
}
"""How a distribution is drawn, and what is not."""

CONDITIONS = {
    "positive": "{0} > 0",
    "each 0 or 1": "({0} == 0) | ({0} == 1)",
    "from 0 to 1": "(0 <= {0}) & ({0} <= 1)",
    "nonnegative": "{0} >= 0",
    "each -1 or 1": "{0}.abs() == 1",
    "one-hot rows": "{0}.sort(dim=-1).values == torch.eye({0}.shape[-1], device={0}.device)[-1]",
    "rows that sum to 1": "({0}.sum(dim=-1) - 1).abs() < {1}",
    "columns that sum to 1": "({0}.sum(dim=-2) - 1).abs() < {1}",
    "symmetric": "({0} - {0}.mT).abs() <= {1} * {0}.abs().amax()",
    "positive definite": "torch.linalg.eigvalsh({0}) > 0",
    "positive semidefinite": "torch.linalg.eigvalsh({0}) > -{1} * {0}.abs().amax()",
    "orthogonal": "({0} @ {0}.mT - torch.eye({0}.shape[-1], device={0}.device)).abs() < {1}",
}
"""What must hold of all elements of a target, by the words of its check."""


def module_source(derivation: Derivation, program: Program, options: Options) -> str:
    """Return the source of a module in PyTorch for a derivation in the layout "rows"."""
    reader = Reader(derivation, program, TORCH)
    context: dict[str, Any] = reader.context(options)
    names = dict.fromkeys(("layers", "backward", "along"), context["inputs"][0]["name"])
    output = context["output"]["name"]
    context["parts"] = {key: _placed(part, names.get(key, output)) for key, part in context["parts"].items()}
    running = context["running"]
    if running:
        starts = ((name, shape, start.replace(PLACED, "dtype=DTYPE")) for name, shape, start in running["table"])
        running["table"] = list(starts)
        running["reads"] = sorted(set(re.findall(r'values\["(\w+)"\]', "\n".join(running["lines"]))))
    tolerance = "0.02" if options.dtype == "bfloat16" else "1e-5"
    initial = draws(derivation, DRAWS, "math")
    target = derivation.system.targets[0]
    wanted = [check.words for check in fact_checks(target)]
    source = (
        environment("torch")
        .get_template("module.py.j2")
        .render(
            **{**context, "uses_math": False},
            pure=True,
            initial=initial,
            one_hot=any("one_hot(" in line for part in context["parts"].values() for line in part.code),
            draws=[name for name in ("uniform", "normal") if any(f"{name}(" in line for line in initial)],
            conditions=[(CONDITIONS[words].format(target.name, tolerance), words) for words in wanted],
        )
    )
    return _without_imports(source.rstrip("\n") + "\n")


def _without_imports(source: str) -> str:
    """Leave out the imports that nothing needs."""
    needless = [name for name in ("itertools", "math") if not re.search(rf"\b{name}\.", source)]
    for name in needless:
        source = source.replace(f"import {name}\n", "", 1)
    if "functional." not in source:
        source = source.replace("from torch.nn import functional\n", "", 1)
    return source if len(needless) < 2 else source.replace('"""\n\n\nimport', '"""\n\nimport', 1)


def _placed(part: Lines, data: str) -> Lines:
    """Name the device of the data where a constant of a function is made on it."""
    placed = any("device=device" in line for line in part.code)
    return replace(part, unpack=(*part.unpack, f"device = {data}.device")) if placed else part


__all__ = ["module_source"]
