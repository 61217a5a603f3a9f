"""symprop: matrix calculus for neural networks, from formula to page to fast NumPy.

    >>> import symprop
    >>> net = symprop.parse_network("Input(4) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()")
    >>> d = symprop.derive(net)
    >>> print(d.delta(1).text())
    (W2.T @ delta2) * (1 - a1 * a1)

This file is the API: what it names is public, what it does not name may change.
"""

from symprop import notation as notation  # enters the printers of formulas, equations and derivations
from symprop.algebra.equations import Equation, Loop, Step, System
from symprop.algebra.formula import Formula, formula
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.analysis.derivation import Derivation, derive
from symprop.analysis.signal import initialisation
from symprop.codegen import Case, generate
from symprop.codegen import compile_network as compile  # the user's word for it
from symprop.differences.difference import NetworkDifference, diff
from symprop.errors import (
    DataError,
    FormulaError,
    LimitError,
    OutputError,
    ShapeError,
    SpecError,
    SymbolNameError,
    SympropError,
    SympropWarning,
)
from symprop.formulas.answer import Answer
from symprop.formulas.ask import gradient, hessian, hvp, jacobian, jvp, vjp
from symprop.formulas.compare.compare import Comparison, compare
from symprop.networks import (
    ELU,
    GELU,
    GLU,
    L1,
    L2,
    SGD,
    Activation,
    Adam,
    AdamW,
    BatchNorm,
    BinaryCrossEntropy,
    Concatenate,
    Constant,
    Cosine,
    Dense,
    Dropout,
    Embedding,
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
    MeanAbsoluteError,
    MeanSquaredError,
    Momentum,
    Multiply,
    Network,
    PReLU,
    ReLU,
    Repeat,
    Residual,
    RMSNorm,
    Sigmoid,
    SiLU,
    Softmax,
    SoftmaxCrossEntropy,
    Softplus,
    SquaredHinge,
    Sum,
    SwiGLU,
    Tanh,
    Warmup,
    parse_network,
)
from symprop.notation.diagram import diagram
from symprop.reports.report import Report, report
from symprop.saved import Model, load_weights
from symprop.verify import Certificate, check

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "GELU",
    "GLU",
    "L1",
    "L2",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "Answer",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Case",
    "Certificate",
    "Comparison",
    "Concatenate",
    "Constant",
    "Cosine",
    "DataError",
    "Dense",
    "Derivation",
    "Dropout",
    "Embedding",
    "Equation",
    "Formula",
    "FormulaError",
    "GroupNorm",
    "Highway",
    "Hinge",
    "Huber",
    "Identity",
    "Input",
    "KLDivergence",
    "LayerNorm",
    "LeakyReLU",
    "LimitError",
    "Loop",
    "Loss",
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
    "RMSNorm",
    "ReLU",
    "Repeat",
    "Report",
    "Residual",
    "ShapeError",
    "SiLU",
    "Sigmoid",
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
    "Variable",
    "Warmup",
    "check",
    "compare",
    "compile",
    "derive",
    "diagram",
    "diff",
    "formula",
    "generate",
    "gradient",
    "hessian",
    "hvp",
    "initialisation",
    "jacobian",
    "jvp",
    "load_weights",
    "parse_network",
    "report",
    "variable",
    "vjp",
]
