"""Formulas that are alike: the same up to the numbers in their names, as those of one layer and the next.

What is worked out of a formula by who looks at no number is worked out of all that are alike, once the numbers are put
in. A network of hundreds of layers has few formulas that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from functools import lru_cache
from weakref import WeakValueDictionary

from sympy import Basic, Integer, Tuple

from symprop.algebra.nodes import Node, Variable, Windowed

Number = tuple[int, ...]
"""The number in a name: `(5,)` of `W5`, `(2, 1)` of blocks in blocks."""

Numbers = Mapping[Number, Number]
"""What stands for each number of a name in a formula that is alike."""

MOST = 2_048
"""For so many patterns a function that lives long keeps what it made."""


class Common:
    """What formulas that are alike have in common: one object for all of them.

    That of arrays knows them by their numbers, as long as they are there.
    """

    def __init__(self) -> None:
        self.arrays: WeakValueDictionary[tuple[Number, ...], Variable] | None = None


Pattern = tuple[Common, tuple[Number, ...]]

_COMMON: WeakValueDictionary[tuple[object, ...], Common] = WeakValueDictionary()


def pattern(*nodes: Node) -> Pattern:
    """Return what formulas have in common with all that are alike, and their numbers in order of appearance.

    >>> from symprop.algebra import variable
    >>> this, that = (variable(f"W{l}", (3, 3)) @ variable(f"a{l - 1}", (3,)) for l in (5, 9))
    >>> pattern(this)[0] == pattern(that)[0], pattern(this)[1], pattern(that)[1]
    (True, ((5,), (4,)), ((9,), (8,)))
    """
    for node in nodes:
        stack = [node]
        while stack:  # operands first; a node keeps its pattern
            waiting = [operand for operand in stack[-1].operands if operand.pattern is None]
            if waiting:
                stack += waiting
            else:
                _enter(stack.pop())
    return nodes[0].pattern if len(nodes) == 1 else _joined((), None, nodes)


def _enter(node: Node) -> None:
    if node.pattern is None:
        number = number_of(node)
        node.pattern = _joined((type(node), *_others(node, number)), number, node.operands)


def _joined(own: tuple[object, ...], number: Number | None, parts: Iterable[Node]) -> Pattern:
    """Return the pattern of what has a number and parts, whose patterns are known."""
    places: dict[Number, int] = {} if number is None else {number: 0}
    key: list[object] = [own, number is None]
    for part in parts:
        common, numbers = part.pattern
        key += (common, *[places.setdefault(each, len(places)) for each in numbers])
    found = tuple(key)
    common = _COMMON.get(found)
    if common is None:
        common = _COMMON[found] = Common()
    return common, tuple(places)


def number_of(node: Node) -> Number | None:
    """Return the number in the name of an array, or of windows; a name without one, or with an index, has none."""
    if isinstance(node, Variable):
        number = node.args[1].args
    elif isinstance(node, Windowed) and node.args[-1].args:
        number = node.args[-1].args[1].args
    else:
        return None
    return tuple(map(int, number)) if number and all(index.is_Integer for index in number) else None


def _others(node: Node, number: Number | None) -> list[object]:
    """Return the arguments that are neither operands nor the number of the name."""
    if number is None:
        return [argument for argument in node.args if not isinstance(argument, Node)]
    if isinstance(node, Windowed):
        letter, _, *others = node.args[-1].args
        return [*node.args[1:-1], letter, *others]
    letter, _, *others = node.args
    return [letter, *others]


@lru_cache(maxsize=MOST)
def _as_index(number: Number) -> Tuple:
    return Tuple(*map(Integer, number), sympify=False)


def renumbered(node: Node, numbers: Numbers, known: MutableMapping[int, Node]) -> Node:
    """Return a formula that is alike, with other `numbers`; `known` keeps what became of each part, by its `id`.

    >>> from symprop.algebra import variable
    >>> formula = variable("W5", (3, 3)) @ variable("a4", (3,))
    >>> print(renumbered(formula, {(5,): (9,), (4,): (8,)}, {}).text())
    W9 @ a8

    Raises:
        KeyError: the formula has a number that is not among `numbers`.
    """
    found = known.get(id(node))
    if found is None:
        common, old = pattern(node)
        new = tuple([numbers[number] for number in old])
        if new == old:
            return node
        if isinstance(node, Variable):
            return _array(node, common, new)
        found = known[id(node)] = node.twin(_with_numbers(node, numbers, known))
        if len(set(new)) == len(new):
            found.pattern = common, new
    return found


def _array(array: Variable, common: Common, new: tuple[Number, ...]) -> Variable:
    """Return the array that is alike and has a new number."""
    if common.arrays is None:
        common.arrays = WeakValueDictionary()
    found = common.arrays.get(new)
    if found is None:
        letter, _, *others = array.args
        found = common.arrays[new] = array.twin((letter, _as_index(*new), *others))
        found.pattern = common, new
    return found


def _with_numbers(node: Node, numbers: Numbers, known: MutableMapping[int, Node]) -> list[Basic]:
    """Return the arguments of a node with other numbers."""
    args = [renumbered(each, numbers, known) if isinstance(each, Node) else each for each in node.args]
    number = number_of(node)
    if number is not None:
        letter, _, *others = args[-1].args
        args[-1] = Tuple(letter, _as_index(numbers[number]), *others)
    return args


def aligned(node: Node, other: Node, numbers: dict[Number, Number]) -> bool:
    """Whether two formulas are alike by `numbers`; those that are new are entered.

    >>> from symprop.algebra import variable
    >>> numbers = {(5,): (9,)}
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
        self.known: dict[Common, tuple[tuple[Number, ...], Node | None]] = {}

    def __call__(self, node: Node, other: Node | None = None, found: Pattern | None = None) -> Node:
        """Return what the function makes of a node, or of two; `found` is their pattern where that is known."""
        nodes = (node,) if other is None else (node, other)
        common, numbers = found or pattern(*nodes)
        if common not in self.known:
            result = self.function(*nodes)
            if len(self.known) >= self.most:
                self.known.clear()
            self.known[common] = numbers, None if result == node else result
            return result
        mine, known = self.known[common]
        if known is None:
            return node
        return known if mine == numbers else renumbered(known, dict(zip(mine, numbers, strict=True)), {})


MARK = 987_000_001
"""Numbers from this one on stand in a text for those of a name: no layer has so many before it."""


class AlikeText:
    """A function that writes formulas, looks at no number in a name, and so works once for all that are alike.

    `numeral` is how a number stands in its text.

    >>> from symprop.algebra import variable
    >>> written: list[Node] = []
    >>> text = AlikeText(lambda node: written.append(node) or node.text())
    >>> [text(variable("W", (2, 3)) @ variable(f"a{l}", (3,))) for l in (1, 2, 33)], len(written)
    (['W @ a1', 'W @ a2', 'W @ a33'], 2)
    """

    def __init__(self, write: Callable[..., str], numeral: Callable[[str], str] = str) -> None:
        self.write, self.numeral = write, numeral
        self.known: dict[Common, str] = {}

    def __call__(self, *nodes: Node) -> str:
        """Return what is written of some nodes."""
        common, numbers = pattern(*nodes)
        if not numbers:
            return self.write(*nodes)
        template = self.known.get(common)
        if template is None:
            written, marks = self.write(*nodes), iter(range(MARK, MARK + sum(map(len, numbers))))
            marked = {number: tuple(next(marks) for _ in number) for number in numbers}
            template = self.write(*(renumbered(node, marked, {}) for node in nodes))
            if self._filled(template, numbers) != written:  # a number stands in it in another way
                return written
            if len(self.known) >= MOST:
                self.known.clear()
            self.known[common] = template
        return self._filled(template, numbers)

    def _filled(self, template: str, numbers: tuple[Number, ...]) -> str:
        for mark, index in enumerate((index for number in numbers for index in number), start=MARK):
            template = template.replace(self.numeral(str(mark)), self.numeral(str(index)))
        return template
