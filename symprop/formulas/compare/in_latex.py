r"""A line in LaTeX against a derivation: which names, numbers, functions and windows it may read.

`\sigma` is the network's own activation, where it has one alone; `\lambda` the coefficient of its one penalty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS, exact
from symprop.algebra.latex.formulas import read_as
from symprop.algebra.latex.names import Key, Names
from symprop.algebra.latex.reading import names_of, node_of
from symprop.algebra.latex.selections import selections_of
from symprop.algebra.latex.statements import statements
from symprop.algebra.latex.tokens import tokens
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import walk
from symprop.analysis.derivation import Derivation
from symprop.networks.losses import Penalised
from symprop.networks.network import Network

EVERYWHERE = frozenset({"exp", "log", "sign", "abs", "square", "maximum", "minimum", "power"})
"""Functions that no network has as its activation."""


def line_in_latex(
    latex: str, derivation: Derivation, known: Iterable[Node | Expr], target: Variable | Shape | None
) -> Node:
    r"""Return the formula of a line in LaTeX, of which `target` says the shape; what stands on its left counts.

    Raises:
        FormulaError, ShapeError, LimitError: as `read_latex`.
    """
    found, _ = statements(tokens(latex), latex)
    known = tuple(known)
    if len(found) > 1:
        return read_as(latex, found, tuple(each for each in known if isinstance(each, Variable))).whole.node
    names = names_in(derivation, known)
    return node_of(latex, found[0].right, names, target, found[0].below[1], found[0].target)


def names_in(derivation: Derivation, known: Iterable[Node | Expr], symbols: Mapping[str, str] | None = None) -> Names:
    """Return the names that a line may read: those of `known`, and what the derivation has besides."""
    formulas = [equation.expression for equation in derivation.equations]
    parts = list(dict.fromkeys(part for each in formulas for part in walk(each)))
    data = [part for part in parts if isinstance(part, n.Known)]
    names = names_of((*known, *data, *selections_of(formulas)), symbols)
    for symbol in [*names.counters.values(), *_counts(parts)]:
        names.enter(symbol)
    names.by_people, names.of_network = False, True
    applied = {part.function_name: part.function for part in parts if isinstance(part, n.Map)}
    names.functions = {name: function for name, function in applied.items() if name not in FUNCTIONS}
    activations = [name for name in applied if name not in EVERYWHERE]
    names.sigma = activations[0] if len(activations) == 1 else "sigmoid" if "sigmoid" in applied else ""
    coefficients = dict.fromkeys(_coefficients(derivation))
    if len(coefficients) == 1:
        names.known.setdefault(Key("lambda"), next(iter(coefficients)))
    return names


def _counts(parts: Iterable[Node]) -> list[Expr]:
    """The symbols in the numbers of layers, which no shape need have."""
    found = {
        symbol for part in parts if isinstance(part, Variable) for each in part.index for symbol in each.free_symbols
    }
    found |= {symbol for part in parts if isinstance(part, n.BlockSum) for symbol in part.count.free_symbols}
    return sorted(found, key=str)


def _coefficients(derivation: Derivation) -> Iterator[Expr]:
    layers = derivation.network.layers if isinstance(derivation.network, Network) else ()
    for layer in layers:
        for penalty in layer.penalties if isinstance(layer, Penalised) else ():
            yield exact(penalty.coefficient)
