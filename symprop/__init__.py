"""symprop: matrix calculus for neural networks, from formula to page to fast NumPy.

    >>> import symprop
    >>> net = symprop.parse_network("Input(4) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()")
    >>> d = symprop.derive(net)
    >>> print(d.delta(1).text())
    (W2.T @ delta2) * (1 - a1 * a1)

The API is what `__init__.pyi` names; what it does not name may change. Each name is imported when it is first asked
for, so that a first answer does not wait for what it does not need.
"""

from __future__ import annotations

import importlib
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from symprop import notation as notation  # enters the printers of formulas, equations and derivations
from symprop.algebra.equations import Equation, Loop, Step, System
from symprop.algebra.formula import Formula
from symprop.algebra.latex.formulas import formula, latex_formula
from symprop.algebra.latex.reading import read_latex
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.analysis.derivation import Derivation, derive
from symprop.analysis.signal import initialisation
from symprop.certify.certification import Certification
from symprop.certify.certify import certify
from symprop.codegen import Case, generate
from symprop.codegen import compile_network as compile  # the user's word for it
from symprop.differences.difference import NetworkDifference, diff
from symprop.errors import (
    DataError,
    FormulaError,
    LimitError,
    OutputError,
    ReadingError,
    ShapeError,
    SpecError,
    SymbolNameError,
    SympropError,
    SympropWarning,
)
from symprop.formulas.answer import Answer
from symprop.formulas.answers import Answers
from symprop.formulas.ask import gradient, hessian, hvp, jacobian, jvp, vjp
from symprop.formulas.compare.compare import compare
from symprop.formulas.compare.comparison import Comparison
from symprop.formulas.compare.of_derivation import compare_line as compare_line  # enters it for derivations
from symprop.importing import Imported, from_torch
from symprop.networks import (
    ELU,
    GELU,
    GLU,
    GRU,
    L1,
    L2,
    LSTM,
    RNN,
    SGD,
    Activation,
    Adam,
    AdamW,
    At,
    Attention,
    AveragePool1D,
    AveragePool2D,
    BatchNorm,
    BinaryCrossEntropy,
    ClassToken,
    Concatenate,
    Constant,
    Conv1D,
    Conv2D,
    ConvTranspose2D,
    Cosine,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    Highway,
    Hinge,
    Huber,
    Identity,
    Input,
    KLDivergence,
    LayerNorm,
    LeakyReLU,
    Loss,
    MaxPool1D,
    MaxPool2D,
    MeanAbsoluteError,
    MeanSquaredError,
    Momentum,
    Multiply,
    Network,
    Positions,
    PReLU,
    ReLU,
    Repeat,
    Residual,
    RMSNorm,
    Sigmoid,
    SiLU,
    SinusoidalPositions,
    Softmax,
    SoftmaxCrossEntropy,
    Softplus,
    SquaredHinge,
    Sum,
    SwiGLU,
    Tanh,
    UpSample2D,
    Warmup,
    parse_network,
)
from symprop.notation.diagram import diagram
from symprop.reports.report import Report, report
from symprop.saved import Model, load_weights
from symprop.verify import Certificate, check

__all__ = [
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "L1",
    "L2",
    "LSTM",
    "RNN",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "Answer",
    "Answers",
    "At",
    "Attention",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Case",
    "Certificate",
    "Certification",
    "ClassToken",
    "Comparison",
    "Concatenate",
    "Constant",
    "Conv1D",
    "Conv2D",
    "ConvTranspose2D",
    "Cosine",
    "DataError",
    "Dense",
    "Derivation",
    "Dropout",
    "Embedding",
    "Equation",
    "Flatten",
    "Formula",
    "FormulaError",
    "GlobalAveragePool",
    "GroupNorm",
    "Highway",
    "Hinge",
    "Huber",
    "Identity",
    "Imported",
    "Input",
    "KLDivergence",
    "LayerNorm",
    "LeakyReLU",
    "LimitError",
    "Loop",
    "Loss",
    "MaxPool1D",
    "MaxPool2D",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Model",
    "Momentum",
    "Multiply",
    "Network",
    "NetworkDifference",
    "Node",
    "OutputError",
    "PReLU",
    "Positions",
    "RMSNorm",
    "ReLU",
    "ReadingError",
    "Repeat",
    "Report",
    "Residual",
    "ShapeError",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "SpecError",
    "SquaredHinge",
    "Step",
    "Sum",
    "SwiGLU",
    "SymbolNameError",
    "SympropError",
    "SympropWarning",
    "System",
    "Tanh",
    "UpSample2D",
    "Variable",
    "Warmup",
    "certify",
    "check",
    "compare",
    "compile",
    "derive",
    "diagram",
    "diff",
    "formula",
    "from_torch",
    "generate",
    "gradient",
    "hessian",
    "hvp",
    "initialisation",
    "jacobian",
    "jvp",
    "latex_formula",
    "load_weights",
    "parse_network",
    "read_latex",
    "report",
    "variable",
    "vjp",
]
from symprop.version import __version__ as __version__

_LISTED = re.compile(r"^from (\S+) import (\w+) as (\w+)$", re.MULTILINE)
_PLACES = {
    name: (module, known)
    for module, known, name in _LISTED.findall(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    """Import a public name, or a room of symprop, when it is first asked for."""
    if name in _PLACES:
        module, known = _PLACES[name]
        found = vars(importlib.import_module(module))[known]
    elif not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        found = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


class _Package(ModuleType):
    """This package: a room that has the name of a function, `certify`, does not take its place when it is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
