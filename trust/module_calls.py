"""Calls of generated modules with wrong arguments: each function that a module offers, each argument, each value.

Functions and arguments are read off the modules. The good arguments of a call are those of a step of the module; one
of them is then replaced. Where the argument may not be so, the module itself raises a `ValueError`, which names the
argument or the part of it that is wrong.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from random import Random
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

import symprop
from symprop.codegen.case import GRADIENTS, QUESTIONS
from symprop.codegen.targets import target_of
from symprop.codegen.targets.definitions import HELPERS
from tests.hostile_cases import check_message
from trust import calls
from trust.measures import Measure, Outcome, each_of

CLASSES = "Input(3) >> Dense(3) >> ReLU() >> Dense(3) >> SoftmaxCrossEntropy()"
NETWORKS: dict[str, tuple[str, str | None]] = {
    "training": (CLASSES, "AdamW(schedule=Warmup(3) >> Cosine(9))"),
    "statistics": ("Input(3) >> Dense(3) >> BatchNorm() >> Dropout(0.2) >> Dense(1) >> MeanSquaredError()", "momentum"),
    "lengths": ('Input(4, 3) >> Dense(2) >> SoftmaxCrossEntropy(mask=Input(4, name="lengths"))', "momentum"),
    "ids": ("Input(4) >> Embedding(5, 3, flatten=False) >> LSTM(3) >> Dense(5) >> SoftmaxCrossEntropy()", None),
    **dict.fromkeys(("hvp", "kfac", "tangent_kernel"), (CLASSES, None)),
}
"""Networks whose modules have all functions that there are, and an optimiser; or questions, which are functions."""
FORMS: dict[str, tuple[str, bool]] = {
    "fast": ("numpy", True),
    "to read": ("numpy", False),
    "numba": ("numba", False),
    "jax": ("jax", False),
    "torch": ("torch", False),
}
"""Targets, and whether the module is the fast one."""
ROWS = 4
DICTS = ("params", "v", "grads", "masks", "state", "values", "cache", "out")
WHOLE = ("seed", "batch", "m", "rows", "length", "t")
ARRAYS = ("x", "y", "x1", "x2", "start")
FLAGS = ("training",)
OWN = ("work", "mesh")
"""Arguments by what they are; any other is a number."""


def _each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a change of arrays that changes those in a dict too, and leaves what is no array."""

    def changed(good: Any) -> Any:
        if isinstance(good, dict):
            return {name: changed(one) for name, one in good.items()}
        return change(good) if hasattr(good, "shape") else good

    return changed


CHANGES: dict[str, Callable[[Any], Any]] = {
    "complex numbers": _each(lambda one: np.asarray(one) + 0j),
    "objects": _each(lambda one: np.asarray(one).astype(object)),
    "texts": _each(lambda one: np.asarray(one).astype(str)),
    "masked numbers": _each(lambda one: np.ma.masked_array(one)),
    "one axis more": _each(lambda one: np.asarray(one)[..., None, None]),
    "nothing": _each(lambda one: np.ravel(one)[:0]),
    "rows of two lengths": _each(lambda one: [[1.0], [1.0, 2.0]]),
    "NaN": _each(lambda one: np.full(np.shape(one), np.nan)),
    "lists": _each(lambda one: np.asarray(one).tolist()),
    "one fewer": lambda good: dict(list(good.items())[:-1]),
    "one more": lambda good: {**good, "zz": np.ones(3)},
}
"""What is made of good arrays, or of each array of a dict; the last two of dicts alone."""
TAKEN = {"whole": ("3",), "flag": ("True",), "number": ("3", "3.5", "True")}
"""What an argument that is no array may be; what is None by default may be None."""


@dataclass(frozen=True)
class Subject:
    """A module whose functions are called, by the names of its network and its form."""

    network: str
    form: str

    @cached_property
    def module(self) -> ModuleType:
        """The module."""
        (text, optimizer), (target, fast) = NETWORKS[self.network], FORMS[self.form]
        question = self.network if self.network in QUESTIONS else GRADIENTS
        optimizer = optimizer if target_of(target).optimizers else None
        return symprop.Case(text, optimizer=optimizer, target="fast" if fast else target, question=question).module

    @cached_property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """What a user calls, by its name."""
        module = self.module
        found = {
            name: each
            for name, each in vars(module).items()
            if isinstance(each, FunctionType) and each.__module__ == module.__name__
            if name[0] != "_" and name not in (*HELPERS, "one_hot")
        }
        if "make_step" in found:
            found["step"] = module.make_step(self.good("params"), ROWS)
        if "Network" in vars(module):
            found |= {"Network": module.Network, "Network.forward": module.Network().forward}
        return found

    def asked(self) -> Iterator[tuple[str, str, str]]:
        """Yield each function, each argument, each value."""
        for name, function in self.functions.items():
            for argument in inspect.signature(function).parameters:
                good = self.good(argument, name)
                is_open = isinstance(good, dict) and argument != "values"  # what `forward` kept is asked for as a whole
                changes = [*CHANGES] if is_open else [*CHANGES][:-2] if argument in ARRAYS else []
                yield from ((name, argument, value) for value in (*calls.VALUES, *changes))

    def good(self, argument: str, function: str = "") -> Any:
        """Return an argument of a function as it should be, made anew."""
        if argument == "state" and function in ("train_step", "update"):
            state = self.module.init_state(self._params())
            return {name: each for name, each in state.items() if function != "update" or name not in ("R1", "V1")}
        if (argument, function) == ("x", "next_logits"):
            return self._x()[:, 0]
        found = getattr(self, f"_{argument}", None)
        return found() if found else 2 if argument in WHOLE else argument in FLAGS or 0.5

    def _params(self) -> dict[str, Any]:
        params: dict[str, Any] = self.module.init_params(seed=0)
        return params

    _v = _grads = _params

    def _x(self) -> Any:
        random = np.random.default_rng(0)
        match self.network:
            case "ids":
                return random.integers(0, 5, (ROWS, 4))
            case "lengths":
                return {"x": random.normal(size=(ROWS, 4, 3)), "lengths": np.array([1, 4, 2, 3])}
            case _:
                return random.normal(size=(ROWS, 3))

    _x1 = _x2 = _x

    def _y(self) -> Any:
        shape = {"ids": (ROWS, 4), "lengths": (ROWS, 4), "statistics": (ROWS, 1)}.get(self.network, (ROWS,))
        return np.random.default_rng(1).integers(0, 2, shape)

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.module.init_running()
        return state

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self.module.loss(self._params(), self._x(), self._y(), values=values)
        return values

    def _masks(self) -> dict[str, Any]:
        rows = importlib.import_module("torch").ones(ROWS, 3) if self.form == "torch" else ROWS
        return {name: np.asarray(mask) for name, mask in self.module.draw_masks(rows, seed=1).items()}

    def _m(self) -> int:
        return ROWS

    def _out(self) -> dict[str, Any]:
        return {name: np.empty_like(each) for name, each in self._masks().items()}

    def _work(self) -> Any:
        module = self.module
        work = module.make_workspace(ROWS)
        step = next(each for name, each in vars(module).items() if name in QUESTIONS)
        given = [self.good(name) for name in [*inspect.signature(step).parameters][:4] if name != "work"]
        step(*given, work=work)
        return work

    def _cache(self) -> dict[str, Any]:
        cache: dict[str, Any] = self.module.init_cache(ROWS)
        return cache

    def _t(self) -> int:
        return 0

    def _start(self) -> Any:
        return self._x()[:, :2]

    def _length(self) -> int:
        return 5

    def _mesh(self) -> Any:
        jax = importlib.import_module("jax")
        return jax.sharding.Mesh(np.array(jax.devices()[:1]), ("batch",))

    def _split(self) -> tuple[str, ...]:
        return ()


@cache
def subject(network: str, form: str) -> Subject:
    """Return the module of a network in a form, made once."""
    return Subject(network, form)


def wrong(network: str, form: str, function: str, argument: str, value: str) -> str:
    """Call with one value in the place of an argument; return what is wrong with the answer, or nothing."""
    about = subject(network, form)
    call = about.functions[function]
    parameters = inspect.signature(call).parameters
    needed = [each for each in parameters if parameters[each].default is inspect.Parameter.empty]
    given = {each: about.good(each, function) for each in needed}
    given |= {"training": False} if argument == "state" and "training" in parameters else {}
    good = about.good(argument, function)
    given[argument] = CHANGES[value](good) if value in CHANGES else calls.VALUES[value]()
    where = f"{network}, {form}: {function}, {argument}={value}"
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            call(**given)
    except ValueError as problem:
        check_message(problem)
        last = traceback.extract_tb(problem.__traceback__)[-1]
        parts = [*good, *about.module.PARAMETERS] if isinstance(good, dict) else []
        if not str(last.line).startswith("raise "):
            return f"{where}: ValueError by {last.line}: {problem}"
        return "" if any(name in str(problem) for name in (argument.rstrip("12"), *parts)) else f"{where}: {problem}"
    except Exception as problem:
        return f"{where}: {type(problem).__name__}: {problem}"
    if argument == "grads" and function == "clip_gradients":
        return ""  # of any arrays
    return "" if _is_taken(argument, value, parameters[argument].default, form, function) else f"{where}: taken"


def _is_taken(argument: str, value: str, default: Any, form: str, function: str) -> bool:
    """Whether an argument may be so."""
    if value in CHANGES:
        if function == "draw_masks" and argument == "x":
            return True  # of which the rows are counted
        if argument in ("state", "out", "cache") and value == "one more":
            return True  # such as running statistics beside those of an optimiser
        has_nan = form in ("jax", "torch") or argument not in ARRAYS or function == "step"  # and so has its result
        return value == "lists" or (value == "NaN" and has_nan)
    if value == "None" and default is None:
        return True
    if form == "torch" and (function, argument) == ("draw_masks", "x"):
        return value == "an array"
    if form == "torch" and argument == "seed" and value == "None":
        return True  # PyTorch's own generator draws
    if argument == "split":
        return value == "[]"
    if argument == "values" and value == "{}":
        return function in ("forward", "loss", "loss_and_grads")  # which fill it
    kind = "whole" if argument in WHOLE else "flag" if argument in FLAGS else "number"
    return value in TAKEN[kind] and argument not in (*DICTS, *ARRAYS, *OWN)


def subjects() -> list[tuple[str, str]]:
    """Return the networks and forms of modules whose libraries are installed."""
    forms = [form for form, (target, _) in FORMS.items() if importlib.util.find_spec(target)]
    return [(network, form) for network in NETWORKS for form in forms]


def modules(count: int, seed: int) -> Outcome:
    """Ask so many calls, drawn from all; a few of one module or two."""
    random, chosen = Random(seed), subjects()
    random.shuffle(chosen)
    every = [(*about, *each) for about in chosen[: 1 + count // 10] for each in subject(*about).asked()]
    random.shuffle(every)
    return each_of(every[:count], lambda each: wrong(*each))


MEASURES = (
    Measure(
        "wrong types at modules",
        "A function of a generated module that is given what it does not take says so, in words of its own.",
        modules,
        short=12,
        usual=5_000,
        long=50_000,
    ),
)
