"""Formulas that are alike: the same up to the numbers in their names, as those of one layer and the next.

What is worked out of a formula by who looks at no number is worked out of all that are alike, once the numbers are put
in. A network of hundreds of layers has few formulas that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, MutableMapping
from typing import Any
from weakref import WeakValueDictionary

from sympy import Basic, Tuple

from symprop.algebra.nodes import Node, Variable, Windowed

Numbers = Mapping[Tuple, Tuple]
"""What stands for each number of a name in a formula that is alike."""

MOST = 2_048
"""For so many patterns a function that lives long keeps what it made."""


class Common:
    """What formulas that are alike have in common: one object for all of them."""


Pattern = tuple[Common, tuple[Tuple, ...]]

_COMMON: WeakValueDictionary[tuple[Hashable, ...], Common] = WeakValueDictionary()


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
    key = tuple(found)
    common = _COMMON.get(key)
    if common is None:
        common = _COMMON[key] = Common()
    return common, tuple(numbers)


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
    if mine is not others or any(
        numbers.setdefault(number, new) != new for number, new in zip(here, there, strict=True)
    ):
        return False
    return len(set(numbers.values())) == len(numbers)


class ForAlike:
    """A function of formulas that looks at no number in a name, which works once for all formulas that are alike.

    >>> from symprop.algebra import variable
    >>> worked: list[Node] = []
    >>> turned = ForAlike(lambda node: worked.append(node) or node.T)
    >>> print(turned(variable("W1", (2, 3))).text(), turned(variable("W2", (2, 3))).text(), worked)
    W1.T W2.T [W1]
    """

    def __init__(self, function: Callable[..., Node], most: int = MOST) -> None:
        self.function, self.most = function, most
        self.known: dict[Common, tuple[tuple[Tuple, ...], Node | None]] = {}

    def __call__(self, node: Node, other: Node | None = None, found: Pattern | None = None) -> Node:
        """Return what the function makes of a node, or of two; `found` is their pattern where that is known."""
        nodes = (node,) if other is None else (node, other)
        common, numbers = found or pattern(*nodes)
        if common not in self.known:
            result = self.function(*nodes)
            if len(self.known) >= self.most:
                self.known.clear()
            self.known[common] = numbers, None if result is node else result
            return result
        mine, known = self.known[common]
        if known is None:
            return node
        return known if mine == numbers else renumbered(known, dict(zip(mine, numbers, strict=True)), {})
