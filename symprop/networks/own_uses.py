"""What equations of one's own make of their arrays: how parameters start, and which sums are pre-activations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import ACTIVATION, PRE_ACTIVATION
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import numbers_apart, replace, walk
from symprop.networks.parts import DEFAULT_INITIALISER, LEARNED

TERM, ARGUMENT, FACTOR, PRODUCT = "term", "argument", "factor", "product"
_USES: tuple[tuple[type, str], ...] = ((n.Add, TERM), (n.Map, ARGUMENT), (n.Softmax, ARGUMENT), (n.Elementwise, FACTOR))
_LETTERS = ("a", "z", "s", "q", "v")
"""What a pre-activation is called, the first that is free."""


def uses_in(read: Iterable[Node]) -> dict[Node, set[str]]:
    """Return how formulas use each variable: as a term, an argument of a function, a factor, or in a product of arrays.

    >>> from symprop.algebra.reader import read_formula
    >>> found = uses_in([read_formula("g * x + W @ x + tanh(b)", {"g": (2,), "x": (2,), "W": (2, 2), "b": (2,)})])
    >>> {variable.name: sorted(uses) for variable, uses in found.items()}
    {'g': ['factor'], 'x': ['factor', 'product'], 'W': ['product'], 'b': ['argument']}
    """
    found: dict[Node, set[str]] = defaultdict(set)
    waiting = [(node, TERM) for node in reversed(tuple(read))]
    while waiting:
        node, use = waiting.pop()
        if isinstance(node, Variable):
            found[node].add(use)
        if isinstance(node, n.Structural) or (
            isinstance(node, n.Multiply) and len(numbers_apart(node.operands)[1]) == 1
        ):
            below = use
        else:
            below = next((below for kind, below in _USES if isinstance(node, kind)), PRODUCT)
        waiting += [(each, below) for each in reversed(node.operands)]
    return found


def start_of(uses: Collection[str], shape: Shape) -> tuple[str, str]:
    """Return what a parameter is that formulas use so, and how it starts.

    >>> start_of({"term"}, (2,)), start_of({"term", "factor"}, (2,)), start_of({"product"}, (2, 3))
    (('bias', 'zeros'), ('learned', 'ones'), ('weight', 'xavier_uniform'))
    """
    if PRODUCT in uses or len(shape) > 1:
        return "weight", DEFAULT_INITIALISER
    return (LEARNED, "ones") if FACTOR in uses else ("bias", "zeros")


def with_pre_activations(
    read: Mapping[str, Node], taken: Collection[str], states: Collection[str] = ()
) -> dict[str, tuple[Node, str]]:
    """Return equations by their names, each with its role, in which the arguments of functions have names.

    An argument that holds a product of matrices becomes an equation of its own: `a` where it is alone, else `a_i` for
    that of `i`. What is such an argument under a name of the author's keeps it, but for states, whose derivatives reach
    the moment before.

    >>> from symprop.algebra.reader import read_formula
    >>> h = read_formula("1 - tanh(W @ x)", {"W": (2, 2), "x": (2,)})
    >>> {name: (node.text(), role) for name, (node, role) in with_pre_activations({"h": h}, ["W", "x"]).items()}
    {'a': ('W @ x', 'pre-activation'), 'h': ('1 - tanh(a)', 'activation')}
    """
    parts = {name: _arguments(node) for name, node in read.items()}
    alone = len({part for each in parts.values() for part in each}) == 1
    uses = uses_in(read.values())
    made: dict[Node, Node] = {}
    found: dict[str, tuple[Node, str]] = {}
    deltas: set[str] = set()

    def role(name: str, is_argument: bool) -> str:
        """One delta of each kind: that of `a_i` is called `delta_i`."""
        below = name.partition("_")[2]
        if not is_argument or below in deltas:
            return ACTIVATION
        deltas.add(below)
        return PRE_ACTIVATION

    for name, node in read.items():
        for part in parts[name]:
            if part not in made:
                names = [*(_LETTERS if alone else ()), *(f"{letter}_{name}" for letter in _LETTERS)]
                letter = next(each for each in names if each not in taken and each not in found)
                found[letter] = replace(part, made), role(letter, True)
                made[part] = Variable(letter, (), part.shape)
        own = uses[Variable(name, (), node.shape)]
        is_argument = own == {ARGUMENT} and name not in states and _has_product(node)
        found[name] = replace(node, made), role(name, is_argument)
    return found


def _arguments(node: Node) -> list[Node]:
    """Return the arguments of functions that hold a product of matrices, innermost first."""
    called = [part.operands[0] for part in walk(node) if isinstance(part, (n.Map, n.Softmax))]
    return [part for part in dict.fromkeys(reversed(called)) if _has_product(part)]


def _has_product(node: Node) -> bool:
    return any(isinstance(part, n.MatMul) for part in walk(node))
