"""Formulas that are alike: the same up to the numbers in their names, as those of one layer and the next.

What is worked out of a formula by who looks at no number is worked out of all that are alike, once the numbers are put
in. A network of hundreds of layers has few formulas that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any, TypeVar

from symprop.algebra.kinds.patterns import Common, Number, Part, Pattern, made, pattern_of
from symprop.algebra.nodes import Node

Numbers = Mapping[Number, Number]
"""What stands for each number of a name in a formula that is alike."""

MOST = 2_048
"""For so many patterns a function that lives long keeps what it made."""


def pattern(*nodes: Any) -> Pattern:
    """Return what formulas have in common with all that are alike, and their numbers in order of appearance.

    >>> from symprop.algebra import variable
    >>> this, that = (variable(f"W{l}", (3, 3)) @ variable(f"a{l - 1}", (3,)) for l in (5, 9))
    >>> pattern(this)[0] == pattern(that)[0], pattern(this)[1], pattern(that)[1]
    (True, ((5,), (4,)), ((9,), (8,)))
    """
    if len(nodes) > 1:
        return pattern_of(None, nodes)
    found: Pattern = nodes[0].pattern
    return found


def renumbered(node: Node, numbers: Numbers) -> Node:
    """Return a formula that is alike, with other `numbers`.

    >>> from symprop.algebra import variable
    >>> formula = variable("W5", (3, 3)) @ variable("a4", (3,))
    >>> print(renumbered(formula, {(5,): (9,), (4,): (8,)}).text())
    W9 @ a8

    Raises:
        KeyError: the formula has a number that is not among `numbers`.
    """
    common, old = node.pattern
    new = tuple([numbers[number] for number in old])
    if new == old:
        return node
    found: Node = made(common, new) if len(set(new)) == len(new) else _falling_together(node, numbers)
    return found


def _falling_together(node: Node, numbers: Numbers) -> Node:
    """Return a formula in which numbers become the same, so that it has another pattern."""
    number, args = node.number_apart(node.args)
    found = [renumbered(each, numbers) if isinstance(each, Node) else each for each in args]
    return node.over(found if number is None else node.with_number(found, numbers[number]))


def aligned(node: Node, other: Node, numbers: dict[Number, Number]) -> bool:
    """Whether two formulas are alike by `numbers`; those that are new are entered.

    >>> from symprop.algebra import variable
    >>> numbers = {(5,): (9,)}
    >>> aligned(variable("W5", (3,)), variable("W8", (3,)), numbers), aligned(
    ...     variable("W5", (3,)) * variable("a4", (3,)), variable("W9", (3,)) * variable("a8", (3,)), numbers), numbers
    (False, True, {(5,): (9,), (4,): (8,)})
    """
    (mine, here), (others, there), before = node.pattern, other.pattern, len(numbers)
    if mine is not others:
        return False
    for number, new in zip(here, there, strict=True):
        if numbers.setdefault(number, new) != new:
            return False
    return len(numbers) == before or len(set(numbers.values())) == len(numbers)


class ForAlike:
    """A function of formulas that looks at no number in a name, which works once for all formulas that are alike.

    What else it is given than formulas is a part of what they have in common.

    >>> from symprop.algebra import variable
    >>> worked: list[Node] = []
    >>> turned = ForAlike(lambda node: worked.append(node) or node.T)
    >>> print(turned(variable("W1", (2, 3))).text(), turned(variable("W2", (2, 3))).text(), worked)
    W1.T W2.T [W1]
    """

    def __init__(self, function: Callable[..., Node], most: int = MOST) -> None:
        self.function, self.most = function, most
        self.known: dict[Common, Part | None] = {}

    def __call__(self, *given: Any, found: Pattern | None = None) -> Any:
        """Return what the function makes of one or more; `found` is their pattern where that is known."""
        common, numbers = found or pattern(*given)
        if common not in self.known:
            result = self.function(*given)
            if len(self.known) >= self.most:
                self.known.clear()
            self.known[common] = None if result == given[0] else _blank(result, numbers)
            return result
        known = self.known[common]
        return given[0] if known is None else made(known[0], tuple([numbers[place] for place in known[1]]))


def _blank(node: Node, numbers: tuple[Number, ...]) -> Part:
    """Return a formula with blanks for its numbers, which are among these."""
    common, own = node.pattern
    return common, tuple(map(numbers.index, own))


Answer = TypeVar("Answer")


def asked_once(question: Callable[[Node], Answer]) -> Callable[[Node], Answer]:
    """Ask a question of a formula, whose answer looks at no number in a name, once for all formulas that are alike.

    >>> from symprop.algebra import variable
    >>> asked: list[Node] = []
    >>> size = asked_once(lambda node: asked.append(node) or node.weight)
    >>> size(variable("W1", (2, 3)).T), size(variable("W2", (2, 3)).T), asked
    (2, 2, [W1.T])
    """

    @wraps(question)
    def ask(node: Node) -> Answer:
        answers = node.pattern[0].answers
        if question not in answers:
            answers[question] = question(node)
        answer: Answer = answers[question]
        return answer

    return ask


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
        self.write = write
        self.numeral = lru_cache(maxsize=MOST)(lambda number: numeral(str(number)))
        self.known: dict[Common, str] = {}

    def __call__(self, *nodes: Node, found: Pattern | None = None) -> str:
        """Return what is written of some nodes; `found` is their pattern where that is known."""
        common, numbers = found or pattern(*nodes)
        if not numbers:
            return self.write(*nodes)
        numerals = [self.numeral(index) for number in numbers for index in number]
        if common not in self.known:
            template, written = self._template(nodes, numbers), self.write(*nodes)
            if template.format(*numerals) != written:  # a number stands in it in another way
                return written
            if len(self.known) >= MOST:
                self.known.clear()
            self.known[common] = template
        return self.known[common].format(*numerals)

    def _template(self, nodes: tuple[Node, ...], numbers: tuple[Number, ...]) -> str:
        """Return what is written with a blank for each numeral."""
        marks = iter(range(MARK, MARK + sum(map(len, numbers))))
        marked = {number: tuple(next(marks) for _ in number) for number in numbers}
        text = self.write(*(renumbered(node, marked) for node in nodes)).replace("{", "{{").replace("}", "}}")
        for place, mark in enumerate(mark for number in marked.values() for mark in number):
            text = text.replace(self.numeral(mark), f"{{{place}}}")
        return text
