"""Formulas that are alike are worked out once: the second time the numbers in names are put into what came out.

What comes out depends on the start and on what the rules know. So every question that they ask of the context is noted
with its answer, and before a result is used again the same questions, with the numbers put in, must have answers that
are alike. Nothing else is looked at, so nothing can go stale; the notes live as long as the context, one derivation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from symprop.algebra.alike import Numbers, aligned, pattern, renumbered
from symprop.algebra.equations import Equation, Step
from symprop.algebra.kinds.patterns import Number
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.calculus.context import WORKED_OUT_ON_DEMAND, Context, KnownFact, Quotient

TRIED = 4
"""So many results for formulas that are alike are tried, the newest: layers differ in few ways."""


class Watched(Mapping[Any, Any]):
    """What a context knows, with a note of each question that is asked of it, and of the answer."""

    def __init__(self, table: str, known: Mapping[Any, Any], notes: dict[tuple[str, Any], Any]) -> None:
        self.table, self.known, self.notes = table, known, notes

    def __getitem__(self, key: Any) -> Any:
        answer = self.notes[self.table, key] = self.known.get(key)
        if answer is None:
            raise KeyError(key)
        return answer

    def __len__(self) -> int:
        return len(self.known)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("what a rule knows is asked for by name: a step that reads all of it is no one's twin")


class Later(Sequence[Step]):
    """Steps with other numbers than those that were worked out, made when somebody looks at them."""

    def __init__(self, steps: Sequence[Step], numbers: Numbers, equations: Mapping[Equation, Equation]) -> None:
        self.steps, self.numbers, self.equations = steps, numbers, equations

    @cached_property
    def made(self) -> tuple[Step, ...]:
        """The steps with their numbers, also in what is said in words."""
        read = [each for step in self.steps for each in (step.before, step.after)]
        read += [equation.expression for equation in self.equations]
        names = _names(read, self.numbers)

        def fact(known: KnownFact) -> KnownFact:
            return self.equations[known] if isinstance(known, Equation) else _said(known, names)

        return tuple(
            Step(
                step.rule,
                renumbered(step.before, self.numbers),
                renumbered(step.after, self.numbers),
                tuple(map(fact, step.facts)),
                True,
            )
            for step in self.steps
        )

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: Any) -> Any:
        return self.made[place]


def as_first_worked_out(steps: Sequence[Step]) -> Sequence[Step]:
    """Return steps in the numbers in which they were worked out: the same rules, and facts of the same kinds."""
    return steps.steps if isinstance(steps, Later) else steps


@dataclass(frozen=True)
class Derived:
    """What was worked out of a formula, and the steps."""

    expression: Node
    steps: Sequence[Step]

    @cached_property
    def read(self) -> frozenset[Number]:
        """All numbers in the steps and in what they lead to."""
        formulas = (each for step in self.steps for each in (step.before, step.after))
        return frozenset(number for each in (self.expression, *formulas) for number in pattern(each)[1])

    @cached_property
    def facts(self) -> frozenset[Equation]:
        """The equations that a step names as a fact."""
        return frozenset(fact for step in self.steps for fact in step.equations)

    def twin(self, twin: Twin) -> Derived | None:
        if any(number not in twin.numbers for number in self.read) or not self.facts <= twin.equations.keys():
            return None
        return Derived(twin.of(self.expression), Later(self.steps, twin.numbers, twin.equations))


@dataclass(frozen=True)
class Why:
    """Why something holds of an equation, or nothing where that is not known."""

    facts: tuple[KnownFact, ...]

    def twin(self, twin: Twin) -> Why | None:
        if not all(isinstance(fact, str) or fact in twin.equations for fact in self.facts):
            return None
        names = _names((equation.expression for equation in twin.equations), twin.numbers) if self.facts else {}
        return Why(tuple(_said(fact, names) if isinstance(fact, str) else twin.equations[fact] for fact in self.facts))


Made = TypeVar("Made", Derived, Why)


@dataclass(frozen=True)
class Result(Generic[Made]):
    """What was made of something with these numbers, of an equation where it is `about` one, and what was asked."""

    numbers: tuple[Number, ...]
    about: Equation | None
    notes: Mapping[tuple[str, Any], Any]
    made: Made

    def for_numbers(self, numbers: tuple[Number, ...], about: Equation | None, context: Context) -> Made | None:
        """Return the same with other numbers, if what is known of these is alike."""
        twin = Twin(dict(zip(self.numbers, numbers, strict=True)), context)
        if self.about is not None and about is not None:
            twin.equations[self.about] = about
        try:
            for (table, key), answer in self.notes.items():
                if not twin.answers(table, key, answer):
                    return None
        except KeyError:  # a rule made a name that nothing has
            return None
        return self.made.twin(twin)


class Twin:
    """What stands for formulas, numbers and equations where others are put in."""

    def __init__(self, numbers: dict[Number, Number], context: Context) -> None:
        self.numbers, self.context, self.tables = numbers, context, context.tables
        self.equations: dict[Equation, Equation] = {}

    def of(self, node: Node) -> Node:
        return renumbered(node, self.numbers)

    def answers(self, table: str, key: Any, answer: Any) -> bool:
        """Whether the context answers a question as it was answered, in numbers that are put in."""
        if table in WORKED_OUT_ON_DEMAND:
            subject, axes = key
            twin = self.equations[subject] if isinstance(subject, Equation) else self.of(subject)
            return self.agree(answer, WORKED_OUT_ON_DEMAND[table](twin, axes, self.context))
        other = self.tables[table].get(renumbered(key, self.numbers))
        return other is answer if other is None or answer is None else self.agree(answer, other)

    def agree(self, answer: Any, other: Any) -> bool:
        if isinstance(answer, Equation) and isinstance(other, Equation):
            self.equations[answer] = other
            return aligned(answer.target, other.target, self.numbers) and aligned(
                answer.expression, other.expression, self.numbers
            )
        if isinstance(answer, Quotient) and isinstance(other, Quotient):
            return self.agree(answer.equation, other.equation)
        if isinstance(answer, str) and isinstance(other, str):
            names = _names((equation.expression for equation in self.equations), self.numbers)
            return _said(answer, names) == other
        if isinstance(answer, tuple) and isinstance(other, tuple):
            return len(answer) == len(other) and all(map(self.agree, answer, other))
        return bool(answer == other)


def _names(formulas: Iterable[Node], numbers: Numbers) -> dict[str, str]:
    """Return what each array in some formulas is called in other numbers."""
    arrays = dict.fromkeys(array for each in formulas for array in variables(each))
    return {array.name: renumbered(array, numbers).name for array in arrays}


def _said(words: str, names: Mapping[str, str]) -> str:
    """Return what is said of arrays, said of those with other names."""
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), words)


def worked_once(
    start: Node, context: Context, work_out: Callable[[Node, Context], tuple[Node, tuple[Step, ...]]]
) -> tuple[Node, Sequence[Step]]:
    """Return what `work_out` makes of a formula and the steps, those of a formula that is alike where one was seen."""
    if not context.by_name:
        return work_out(start, context)  # alone
    key, numbers = start.pattern
    found = _once(key, numbers, None, context, lambda watched: Derived(*work_out(start, watched)))
    return found.expression, found.steps


def why_once(
    equation: Equation, axes: tuple[int, ...], context: Context, work_out: Callable[..., tuple[KnownFact, ...]]
) -> tuple[KnownFact, ...]:
    """Return why something holds of an equation along some axes, as it does of one that is alike where one was seen."""
    key, numbers = equation.pattern
    return _once((key, axes), numbers, equation, context, lambda watched: Why(work_out(equation, axes, watched))).facts


def _once(
    key: Hashable,
    numbers: tuple[Number, ...],
    about: Equation | None,
    context: Context,
    work_out: Callable[[Context], Made],
) -> Made:
    seen: list[Result[Made]] = context.worked.setdefault(key, [])
    for result in seen[-TRIED:][::-1]:
        found = result.for_numbers(numbers, about, context)
        if found is not None:
            return found
    notes: dict[tuple[str, Any], Any] = {}
    made = work_out(_watched(context, notes))
    telling = {question: answer for question, answer in notes.items() if not _is_never(*question, context)}
    seen.append(Result(numbers, about, telling, made))
    return made


def _is_never(table: str, key: Any, context: Context) -> bool:
    """Whether no formula that is alike is in a table which does not grow: whatever the numbers, the answer is none."""
    patterns = context.patterns.get(table)
    return patterns is not None and pattern(key)[0] not in patterns


def _watched(context: Context, notes: dict[tuple[str, Any], Any]) -> Context:
    tables: dict[str, Any] = {table: Watched(table, known, notes) for table, known in context.tables.items()}
    derived = {table: tables.pop(table) for table in ("powers", "quotients")}
    found = replace(context, watches=context, **tables)
    vars(found).update(derived)  # as if it had worked them out itself
    return found
