"""What commands and words of LaTeX are called in the language of formulas: letters, functions, signs."""

from __future__ import annotations

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reading.spelling import ALIASES

LETTERS: dict[str, str] = {
    **{name: name for name in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa")},
    **{name: name for name in ("mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega")},
    **{name: name for name in ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi")},
    **{"Omega": "Omega", "lambda": "lambda", "ell": "ell", "pi": "pi", "varpi": "pi", "nabla": "nabla"},
    **{"varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho", "varsigma": "sigma"},
    **{"hbar": "hbar", "imath": "i", "jmath": "j", "partial": "partial", "infty": "infty", "eps": "epsilon"},
}
"""Commands that are letters; of two forms of a letter both are the same one."""
ACCENTS = {"hat": "hat", "widehat": "hat", "bar": "bar", "overline": "bar", "tilde": "tilde", "widetilde": "tilde"}
ACCENTS |= {"dot": "dot", "ddot": "ddot", "check": "check", "breve": "breve", "acute": "acute", "grave": "grave"}
"""What stands over a letter."""

PRODUCTS = {"odot": "*", "circ": "*", "ast": "*", "oslash": "/", "otimes": "kron", "bullet": "*", "*": "*"}
"""Signs between factors that bind less than factors side by side."""
FRACTIONS = frozenset({"frac", "tfrac", "dfrac", "cfrac", "nicefrac", "sfrac"})
BESIDE = frozenset({"cdot", "times"})
"""Signs that say what stands side by side anyway."""
CALLED = {"sigma": "sigmoid", "psi": "digamma", "Gamma": "gamma"}
"""Letters that are functions where nothing has their name."""
TRANSPOSED = frozenset({"top", "T", "intercal", "-top", "-T"})
"""What stands above an array, and above no function."""
RELATIONS = {"<": "<", ">": ">", "<=": "<=", ">=": ">=", "=": "==", "!=": "!="}
OVER = frozenset({"sum", "prod", "max", "min", "argmax", "argmin"})
"""What is taken over an index that stands below."""

_WORDS: dict[str, str] = {
    **{"ln": "log", "tr": "trace", "trace": "trace", "sgn": "sign", "sign": "sign", "relu": "relu", "prod": "prod"},
    **{"onehot": "one_hot", "firstmax": "first_max", "firstmin": "first_min", "chol": "cholesky", "sp": "softplus"},
    **{"swish": "silu", "logit": "logit", "lse": "logsumexp", "leakyrelu": "leaky_relu", "sqrtm": "sqrtm"},
    **{"logsoftmax": "log_softmax", "sylvester": "solve_sylvester", "windows": "sliding_window_view", "dg": "diagonal"},
    **{"std": "std", "var": "var", "mean": "mean", "sigmoid": "sigmoid", "sigm": "sigmoid", "logistic": "sigmoid"},
    **{"id": "identity", "identity": "identity", "mat": "mat", "diagm": "diag", "blkdiag": "", "ravel": "ravel"},
    **{"relu6": "", "expand": "expand", "transpose": "transpose", "abs": "abs", "norm": "norm", "exp": "exp"},
    **{"cov": "", "lambdamax": "", "ce": "", "kl": "", "rank": ""},
}
"""Functions by their words in small letters; an empty name is one that formulas do not have."""
UPRIGHT = frozenset({"log", "ln", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan"})
UPRIGHT |= frozenset({"det", "max", "min", "sgn", "tr", "Tr", "diag", "trace", "abs", "norm", "vec", "softmax", "sign"})
UPRIGHT |= frozenset(
    {"relu", "ReLU", "sigmoid", "rank", "argmax", "argmin", "sech", "coth", "cot", "sec", "csc", "arg"}
)
"""Commands that are functions, of LaTeX or of everybody's preamble."""
HINTS = {
    **dict.fromkeys(
        ("partial", "nabla"),
        "a derivative is asked for, not typed, unless it is the name of an array, or stands in a comparison; "
        "brackets say what is differentiated",
    ),
    **dict.fromkeys(("int", "iint", "oint"), "an integral is not part of the language; of samples it is a mean"),
    **dict.fromkeys(("lim", "sup", "inf"), "no limit is part of the language; write what it is"),
    **dict.fromkeys(
        ("sim", "propto", "approx", "mapsto", "to", "implies"), "this says something of a formula, and is none"
    ),
    **{
        "mathbb E": "an expectation is not part of the language; write the mean of samples",
        "mathcal N": "a density is not part of the language; write it out",
    },
    **{"mathbb P": "a probability is not part of the language; write out its formula"},
}
"""What to write in the place of what formulas do not have."""
OF_MATRICES = frozenset({"trace", "det", "logdet", "diag", "diagonal", "vec", "inv"})
"""Functions whose argument is a product of matrices where it has no brackets: `tr A B`."""


def function_named(word: str) -> str:
    r"""Return what a word is called as a function of the language; empty where it is none.

    >>> function_named("Tr"), function_named("ReLU"), function_named("log_softmax"), function_named("foo")
    ('trace', 'relu', 'log_softmax', '')
    """
    low = word.lower()
    if word in FUNCTIONS or word in OPERATORS:
        return word
    if low in _WORDS:
        return _WORDS[low]
    low = ALIASES.get(low, low)
    return low if low in FUNCTIONS or low in OPERATORS else ""
