"""Formulas that are alike: the same up to the numbers in their names, as those of one layer and the next.

What is worked out of a formula by who looks at no number is worked out of all that are alike, once the numbers are put
in. A network of hundreds of layers has few formulas that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, MutableMapping
from functools import lru_cache, wraps
from typing import Any

from sympy import Basic, Tuple

from symprop.algebra.nodes import Node, Variable, Windowed

Numbers = Mapping[Tuple, Tuple]
"""What stands for each number of a name in a formula that is alike."""

Pattern = tuple[tuple[Hashable, ...], tuple[Tuple, ...]]


def pattern(*nodes: Node) -> Pattern:
    """Return what formulas have in common with all that are alike, and their numbers in order of appearance.

    >>> from symprop.algebra import variable
    >>> this, that = (variable(f"W{l}", (3, 3)) @ variable(f"a{l - 1}", (3,)) for l in (5, 9))
    >>> pattern(this)[0] == pattern(that)[0], pattern(this)[1], pattern(that)[1]
    (True, ((5,), (4,)), ((9,), (8,)))
    """
    numbers: dict[Tuple, int] = {}
    found: list[Any] = []
    stack = [*nodes[::-1]]
    while stack:
        node = stack.pop()
        number = number_of(node)
        place = -1 if number is None else numbers.setdefault(number, len(numbers))
        found += (type(node), place, *_others(node, number))
        stack += node.operands[::-1]
    return tuple(found), tuple(numbers)


def number_of(node: Node) -> Tuple | None:
    """Return the number in the name of an array, or of windows; a name without one, or with an index, has none."""
    if isinstance(node, Variable):
        number = node.args[1]
    elif isinstance(node, Windowed) and node.args[-1].args:
        number = node.args[-1].args[1]
    else:
        return None
    return number if number.args and all(index.is_Integer for index in number.args) else None


def _others(node: Node, number: Tuple | None) -> list[Hashable]:
    """Return the arguments that are neither operands nor the number of the name."""
    if isinstance(node, Windowed) and number is not None:
        return [*node.args[1:-1], *(part for part in node.args[-1].args if part is not number)]
    return [argument for argument in node.args if argument is not number and not isinstance(argument, Node)]


def renumbered(node: Node, numbers: Numbers, known: MutableMapping[Node, Node]) -> Node:
    """Return a formula that is alike, with other `numbers`; `known` keeps what became of each part.

    >>> from symprop.algebra import variable
    >>> formula = variable("W5", (3, 3)) @ variable("a4", (3,))
    >>> print(renumbered(formula, {Tuple(5): Tuple(9), Tuple(4): Tuple(8)}, {}).text())
    W9 @ a8

    Raises:
        KeyError: the formula has a number that is not among `numbers`.
    """
    found = known.get(node)
    if found is None:
        number = number_of(node)
        args: list[Basic] = []
        for argument in node.args:
            if isinstance(argument, Node):
                args.append(renumbered(argument, numbers, known))
            elif argument is number:
                args.append(numbers[number])
            elif number is not None and argument is node.args[-1] and isinstance(node, Windowed):
                args.append(Tuple(*(numbers[number] if part is number else part for part in argument.args)))
            else:
                args.append(argument)
        found = known[node] = node.over(args)
    return found


def aligned(node: Node, other: Node, numbers: dict[Tuple, Tuple]) -> bool:
    """Whether two formulas are alike by `numbers`; those that are new are entered.

    >>> from symprop.algebra import variable
    >>> numbers = {Tuple(5): Tuple(9)}
    >>> aligned(variable("W5", (3,)), variable("W8", (3,)), numbers), aligned(
    ...     variable("W5", (3,)) * variable("a4", (3,)), variable("W9", (3,)) * variable("a8", (3,)), numbers), numbers
    (False, True, {(5,): (9,), (4,): (8,)})
    """
    (mine, here), (others, there) = pattern(node), pattern(other)
    if mine != others or any(numbers.setdefault(number, new) != new for number, new in zip(here, there, strict=True)):
        return False
    return len(set(numbers.values())) == len(numbers)


class _Question:
    """Formulas that are equal to all that are alike."""

    def __init__(self, nodes: tuple[Node | None, ...]) -> None:
        self.nodes = nodes
        self.pattern, self.numbers = pattern(*(node for node in nodes if node is not None))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Question) and self.pattern == other.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)


def once_for_alike(function: Callable[..., Node]) -> Callable[..., Node]:
    """Make of a function of formulas that looks at no number one that works once for all that are alike."""

    @lru_cache(maxsize=2_048)
    def answer(question: _Question) -> tuple[tuple[Tuple, ...], Node]:
        return question.numbers, function(*question.nodes)

    @wraps(function)
    def of(*nodes: Node | None) -> Node:
        question = _Question(nodes)
        numbers, found = answer(question)
        new = question.numbers
        return found if new == numbers else renumbered(found, dict(zip(numbers, new, strict=True)), {})

    return of
