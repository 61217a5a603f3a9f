"""Questions that read rows of tables, each with what finds a wrong answer; those of people have a certificate."""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from question_cases import ALL
from rule_examples import BY_ALGORITHM, EXAMPLES
from simplification_table import RULE_EXAMPLES, TOUCH_EXAMPLES, Shown

import symprop
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import variables
from symprop.formulas.checks.checks import chosen_points
from tests.drawn_calls import numpy_words
from trust.sum_values import value

Array = Any


@dataclass(frozen=True)
class Question:
    """What is asked; whether an answer is seen to be wrong; whether it is another form of the right one."""

    text: str
    ask: Callable[[], Any]
    seen: Callable[[Any], bool]
    same: Callable[[Any, Any], bool] = operator.eq
    equal: Callable[[Any, Any], bool] = lambda told, right: False

    def __str__(self) -> str:
        return self.text


def evaluated(told: Any, right: Any) -> bool:
    """Whether an answer that is not seen to be wrong has the right value: it has, where it was evaluated itself."""
    return True


# ---------------------------------------------------------------- answers to people's questions, by their certificate


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two arrays have one shape and the same numbers."""
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and np.allclose(one, other, 1e-9, 1e-12, equal_nan=True)


@dataclass(frozen=True)
class Told:
    """An answer as it is shown: its text, its code without comments, its steps."""

    answer: Any
    shown: tuple[Any, ...]


def without_comments(source: str) -> str:
    """Return what runs in a module."""
    tree = ast.parse(source)
    for part in ast.walk(tree):
        if isinstance(part, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(part, clean=False):
            part.body[:1] = [ast.Pass()]
    return ast.unparse(tree)


def run(source: str, name: str, values: dict[str, Any]) -> Array:
    """Return what a function of a module makes of its arguments."""
    module: dict[str, Any] = {}
    exec(source, module)  # what symprop generated
    parameters = inspect.signature(module[name]).parameters.values()
    positional = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    named = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty]
    return module[name](*(values[each] for each in positional), **{each: values[each] for each in named})


def answered(kind: str, text: str, where: Any, by: tuple[str, ...]) -> Question:
    """Return a question for a derivative; its certificate tells what is wrong."""

    def ask() -> Told:
        answer = getattr(symprop, kind)(symprop.formula(text, where), *by)
        steps = tuple((step.rule, step.before, step.after) for step in answer.result.steps)
        return Told(answer, (answer.text(), without_comments(answer.numpy()), steps))

    def equal(told: Told, right: Told) -> bool:
        """Whether the formula, its text and its code have the values of the right one: `(-A)**2` is `A**2`."""
        (at,) = chosen_points(right.answer.result, 1, wanted=1)
        sizes, values = at.sizes, at.values
        true = value(right.answer.node, values, sizes)
        given = {**{str(size): number for size, number in sizes.items()}, **values}
        found = [value(told.answer.node, values, sizes)]
        found += [eval(told.shown[0], {**numpy_words(), **given})] if told.shown[0] != right.shown[0] else []
        found += [run(told.shown[1], kind, given)] if told.shown[1] != right.shown[1] else []
        return all(same_numbers(each, true) for each in found)

    return Question(
        f"{kind} of {text} by {', '.join(by)}",
        ask,
        lambda told: not told.answer.check().ok,
        lambda told, right: told.shown == right.shown,
        equal,
    )


def of_one_node() -> Iterator[Question]:
    """Yield the gradient and the Jacobian of each example of the page of rules."""
    for examples in (*EXAMPLES.values(), *BY_ALGORITHM.values()):
        for example in (each for each in examples if each.made is None):
            flowing = [each for each in example.node.operands if isinstance(each, Variable)]
            by = [each.name for each in flowing if "index" not in each.facts_by_kind]
            if by:
                text, where = example.formula, example.where
                yield answered("gradient", f"sum(({text})**2 + ({text})**3)", where, (by[0],))
                yield answered("jacobian", text, where, (by[0],))


def of_people() -> Iterator[Question]:
    """Yield the questions of which the tests know the answers."""
    for kind, text, declared, by, _ in ALL:
        yield answered(kind, text, ", ".join(f"{name}: {what}" for name, what in declared.items()), by)


def of_examples(examples: Mapping[str, Shown]) -> Callable[[], Iterator[Question]]:
    """Return what yields gradients of the formulas on which the page of rules shows named rules or touches."""

    def questions() -> Iterator[Question]:
        for shown in examples.values():
            floating = [each for each in variables(shown.read(shown.formula).node) if "index" not in each.facts_by_kind]
            if not shown.known and floating:
                yield answered("gradient", f"sum(({shown.formula})**2)", shown.where, (floating[0].name,))
                yield answered("gradient", f"sum({shown.formula})", shown.where, (floating[-1].name,))

    return questions


of_rules, of_touches = of_examples(RULE_EXAMPLES), of_examples(TOUCH_EXAMPLES)


def of_directions() -> Iterator[Question]:
    """Yield changes of numbers along a direction, which gradients do not need the pushforward for."""
    for text in (
        "det(A)",
        "logdet(A)",
        "prod(A)",
        "max(A)",
        "norm(A, 2)",
        "norm(A, 'nuc')",
        "logsumexp(A)",
        "sum(A * A)",
    ):
        yield answered("jvp", text, "A: n n, V: n n", ("A", "V"))
