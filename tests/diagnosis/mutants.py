"""Mutants of networks: their generated backward passes with one line changed, judged by `certify`.

What a mutant is called by a person is known from the line and from the row of `mutations.py` that changed it.
"""

from __future__ import annotations

import ast
import copy
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import symprop
from symprop.certify.certify import certified, subject_of
from symprop.diagnosis import Diagnosis
from tests.diagnosis.mutations import ADJOINTS, mutated, whole

Backward = Callable[..., dict[str, Any]]
CLOSE = 1e-9
"""Two gradients that differ by less, of their largest entry, are the same but for rounding."""


class Mutant(NamedTuple):
    """A backward pass with one line changed, that of `target`: what it was and is, and the kinds of that mistake."""

    backward: Backward
    target: str
    right: str
    wrong: str
    what: str
    kinds: str

    @property
    def form(self) -> str:
        """The right line without the numbers in it: that of one layer is like that of another."""
        return re.sub(r"\d+", "", self.right)

    @property
    def names(self) -> set[str]:
        """Of which names one is in a good sentence: the gradient's, or another one for the same."""
        value = self.right.partition(" = ")[2]
        return {self.target, value} if value.isidentifier() else {self.target}


class Program:
    """The generated module of a network, whose `backward` is run with one line changed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.module = ast.parse(str(symprop.generate(text)))
        functions = [each for each in self.module.body if isinstance(each, ast.FunctionDef)]
        self.function = next(each for each in functions if each.name == "backward")
        self.lines = {name: each for each in self.function.body if (name := _made(each))}
        self.known = {each.id for each in ast.walk(self.function) if isinstance(each, ast.Name)}
        scope = _executed(self.module)
        self.known |= {*scope, *scope["__builtins__"]}
        self.right = self.run({})

    def run(self, changed: dict[str, str], returned: str = "") -> Backward:
        """Return the backward pass, which takes all values of a point by name, with lines changed."""
        function = copy.copy(self.function)
        function.body = []
        for each in self.function.body:
            line = changed.get(_made(each))
            if line is not None:
                read = {part.id: None for part in ast.walk(ast.parse(line)) if isinstance(part, ast.Name)}
                function.body += ast.parse(
                    ";".join(f"{name} = values[{name!r}]" for name in read if name not in self.known)
                ).body
            function.body += [each] if line is None else ast.parse(line).body
        if returned:
            function.body[-1:] = ast.parse(returned).body
        body = [function if each is self.function else each for each in self.module.body]
        scope = _executed(ast.Module(body, []))

        def backward(**values: Any) -> Any:
            return scope["backward"](values["params"], values["x"], values["y"], values)

        return backward

    def mutants(self, values: dict[str, Any]) -> Iterator[Mutant]:
        """Yield the mutants of each line; `values` are those of a point, from which shapes are known."""
        scope = self.run({}, "return {**globals(), **locals()}")(**values)
        forward = {name: each for name, each in values.items() if name not in scope}
        before = list[str]()
        for target, line in self.lines.items():
            known = {
                name: each for name, each in {**scope, **forward}.items() if name in before or name not in self.lines
            }
            known[ADJOINTS] = frozenset(before)
            right, seen = ast.unparse(line), set[str]()
            for new, what, kinds in (*whole(line.value, known), *mutated(line.value, known)):
                wrong = f"{target} = {ast.unparse(new)}"
                if wrong != right and wrong not in seen:
                    seen.add(wrong)
                    yield Mutant(self.run({target: wrong}), target, right, wrong, what, kinds)
            before.append(target)


def _executed(module: ast.Module) -> dict[str, Any]:
    scope: dict[str, Any] = {"__name__": "mutant"}
    exec(compile(module, "mutant", "exec"), scope)
    return scope


def _made(statement: ast.stmt) -> str:
    """Return the name of the gradient that a line works out, "" for one that prepares or returns."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            of = (
                value.func if isinstance(value, ast.Call) else value.value if isinstance(value, ast.Subscript) else None
            )
            prepares = isinstance(of, ast.Name) and of.id in ("_given", "_targets", "len", "params", "values")
            return "" if prepares else name
    return ""


class Judged(NamedTuple):
    """What `certify` said of the mutants of a network; `equivalent` change no number, `failing` raise."""

    verdicts: list[tuple[Mutant, symprop.Certification]]
    seconds: list[float]
    equivalent: int
    failing: int


def judged(text: str, known: set[str], most: int | None = None) -> Judged:
    """Judge the mutants of the lines of a network whose form is not `known`, or `most` of them; enter their forms."""
    program, subject = Program(text), subject_of(text)
    places = [dict(each.values) for seed in (0, 1) for each in subject.places(seed)]
    rights = [program.right(**each) for each in places]
    fresh = [each for each in program.mutants(places[0]) if each.form not in known]
    known |= {each.form for each in fresh}
    alive, equivalent, failing = list[Mutant](), 0, 0
    for each in fresh:
        try:
            with np.errstate(all="ignore"):
                found = [each.backward(**values) for values in places]
        except (ValueError, IndexError, TypeError, AttributeError):
            failing += 1
            continue
        same = all(_same(here[name], right[name]) for here, right in zip(found, rights, strict=True) for name in right)
        equivalent += same
        alive += [] if same else [each]
    chosen = alive if most is None or len(alive) <= most else random.Random(0).sample(alive, most)
    verdicts, seconds = list[tuple[Mutant, symprop.Certification]](), list[float]()
    for each in chosen:
        started = time.thread_time()
        verdicts.append((each, certified(subject, each.backward)))
        seconds.append(time.thread_time() - started)
    return Judged(verdicts, seconds, equivalent, failing)


def _same(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(
        np.allclose(one, other, rtol=CLOSE, atol=CLOSE * np.max(np.abs(other)))
    )


def is_named(mutant: Mutant, found: Diagnosis | None) -> bool:
    """Whether one of the explanations that a sentence tells has the kind of a mutant, and its gradient's name."""
    for each in found.explanations[:2] if found else ():
        said = re.sub(r"; [^;]* follows? from it", "", each.message)
        if set(each.kind.split()) & set(mutant.kinds.split()) and set(re.findall(r"\w+", said)) & mutant.names:
            return True
    return False
