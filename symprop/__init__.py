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
)
from symprop.formulas.answer import Answer
from symprop.formulas.ask import gradient, hessian, hvp, jacobian, jvp, vjp
from symprop.formulas.compare.compare import Comparison, compare
from symprop.networks import (
    ELU,
    GELU,
    L2,
    Activation,
    BinaryCrossEntropy,
    Dense,
    Dropout,
    Embedding,
    Identity,
    Input,
    LeakyReLU,
    Loss,
    MeanSquaredError,
    Network,
    PReLU,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    SoftmaxCrossEntropy,
    Softplus,
    Tanh,
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
    "L2",
    "Activation",
    "Answer",
    "BinaryCrossEntropy",
    "Case",
    "Certificate",
    "Comparison",
    "DataError",
    "Dense",
    "Derivation",
    "Dropout",
    "Embedding",
    "Equation",
    "Formula",
    "FormulaError",
    "Identity",
    "Input",
    "LeakyReLU",
    "LimitError",
    "Loop",
    "Loss",
    "MeanSquaredError",
    "Model",
    "Network",
    "NetworkDifference",
    "Node",
    "OutputError",
    "PReLU",
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
    "Step",
    "SymbolNameError",
    "SympropError",
    "System",
    "Tanh",
    "Variable",
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
