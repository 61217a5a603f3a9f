"""What stands in random formulas: leaves, and calls of every function, option, fact and spelling of the tables.

A function, a fact or a spelling that a table gets is drawn without a change here; an option needs values in `OPTIONS`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import numpy as np
import scipy.special

from symprop.algebra.declarations import DECLARED, declared, read_declarations
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.operators import BY_NAME, OPERATORS
from symprop.algebra.reader import RELATIONS
from symprop.algebra.reading.spelling import ALIASES, SIGNS, WRITTEN
from symprop.formulas.checks.points import FormulaPoint, point
from symprop.verify.values import Style

_Item = TypeVar("_Item")
Array = Any
SIZES = {"m": 3, "n": 4, "k": 2}
AXES = ("m", "m", "n", "n", "k", "2", "3", "m+n", "2*k")
"""Lengths of axes: names, numbers, sums and products."""
LETTERS = {0: "abcst", 1: "xyzuvwq", 2: "ABCDGHWXY", 3: "PQT"}
IDS = "ij"


@dataclass(frozen=True)
class Part:
    """A part of a formula: its text, and what NumPy has for it at two points."""

    text: str
    values: tuple[Array, ...]

    @property
    def rank(self) -> int:
        return int(np.ndim(self.values[0]))


@cache
def numpy_words() -> dict[str, Any]:
    """Return the functions of the language as NumPy and SciPy have them."""
    from tests.algebra.test_numpy_truth import NUMPY

    truth = {name: getattr(scipy.special, name) for name in ("expit", "psi")}
    return {**{name: getattr(np, name) for name in (*SIGNS, *WRITTEN, *ALIASES) if hasattr(np, name)}, **truth, **NUMPY}


@dataclass
class Draw:
    """A formula in the making: its leaves, what was made of them, and the names that it gives to parts."""

    random: np.random.Generator
    leaves: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    ids: list[Part] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)

    def one(self, choices: Sequence[_Item]) -> _Item:
        """Return one of several."""
        return choices[int(self.random.integers(len(choices)))]

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def size(self) -> str:
        """Return the length of an axis of some leaf, or another."""
        known = [size for what in self.leaves.values() for size in re.split(" (?=[a-z0-9])", what) if size in AXES]
        return self.one(known) if known and self.chance(0.8) else self.one(AXES)

    def axis(self, rank: int) -> str:
        return str(int(self.random.integers(-rank, rank))) if rank else "0"


# ---------------------------------------------------------------- leaves


def leaf(draw: Draw, rank: int | None = None, fact: str | None = None) -> None:
    """Declare one more array, of a random shape and with a fact that fits."""
    if fact == "index" or (fact is None and rank is None and draw.chance(0.1)):
        name = next((each for each in IDS if each not in draw.leaves), "")
        if name:
            draw.leaves[name] = draw.one((f"{draw.size()} index {draw.size()}", f"index {draw.size()}"))
        return
    rank = int(draw.random.choice(4, p=(0.15, 0.3, 0.45, 0.1))) if rank is None else rank
    sizes = [draw.size() for _ in range(rank)]
    if rank == 2 and (draw.chance(0.4) or fact):
        sizes[1] = sizes[0]
    shape = declared("x", " ".join(sizes)).shape
    fitting = [word for word, row in DECLARED.items() if row.fits(shape)]
    word = fact if fact in fitting else draw.one(fitting) if draw.chance(0.35) and fact is None else ""
    name = next((each for each in draw.random.permutation(list(LETTERS[rank])) if each not in draw.leaves), "")
    if name:
        draw.leaves[str(name)] = " ".join([*sizes, word]).strip()


def values_of(where: str, random: np.random.Generator) -> tuple[FormulaPoint, ...]:
    """Return two points of declarations: sizes by `SIZES`, values that the facts allow."""
    arrays = tuple(read_declarations(where))
    symbols = {symbol for each in arrays for size in each.shape for symbol in size.free_symbols}
    symbols |= {symbol for each in arrays for fact in each.facts if fact.value for symbol in fact.value.free_symbols}
    sizes = {symbol: SIZES[str(symbol)] for symbol in sorted(symbols, key=str)}
    found = [point(arrays, sizes, random, Style()) for _ in range(2)]
    return tuple(each for each in found if each is not None)


# ---------------------------------------------------------------- words


def _axis(draw: Draw, part: Part) -> str:
    rank = max(part.rank, 1)
    pair = f"({draw.axis(rank)}, {draw.axis(rank)})"
    return draw.one((draw.axis(rank), draw.axis(rank), draw.axis(rank), pair, "None"))


def _shape(draw: Draw, part: Part) -> str:
    count = int(np.size(part.values[0]))
    sizes = [draw.size() for _ in range(int(draw.random.integers(1, 4)))]
    return draw.one(
        ("-1", "(-1,)", f"({', '.join(sizes)},)", f"(-1, {draw.size()})", f"({draw.size()}, -1)", f"{count}")
    )


def _whole(*choices: Any) -> Callable[[Draw, Part], str]:
    return lambda draw, part: draw.one([str(each) for each in choices])


def _of_axis(draw: Draw, part: Part) -> str:
    return draw.axis(max(part.rank, 1))


def _size(draw: Draw, part: Part) -> str:
    return draw.size()


def _order(draw: Draw, part: Part) -> str:
    if draw.chance(0.3):
        return draw.one(("1", "2", "((0,), (0,))", "((1, 0), (0, 1))"))
    return f"({', '.join(map(str, draw.random.permutation(part.rank)))},)"


def _subscripts(draw: Draw, part: Part) -> str:
    first = "".join(draw.random.choice(list("abc"), part.rank, replace=draw.chance(0.2) or part.rank > 3))
    second = "".join(draw.random.choice(list("abcd"), draw.one((0, 1, 2)), replace=False))
    given = f"{first},{second}" if second else first
    ends = sorted(set(given) - {","})
    kept = "".join(each for each in draw.random.permutation(ends) if draw.chance(0.6))
    return repr(given + draw.one(("", f"->{kept}", f"->{kept}")))


def _widths(draw: Draw, part: Part) -> str:
    pairs = ", ".join(f"({draw.one((0, 1, 2))}, {draw.one((0, 1, 'k'))})" for _ in range(part.rank))
    return draw.one(("1", "(1, 2)", f"({pairs},)"))


OPTIONS: dict[str, Callable[[Draw, Part], str]] = {
    "axis": _axis,
    "keepdims": _whole("True", "True", "False"),
    "ord": _whole("None", 1, -1, 2, -2, 3, "1/2", 0, "inf", "-inf", "'fro'", "'nuc'"),
    "n": _whole(0, 1, 2, 3, -1, -2, "k", "m"),
    "axes": _order,
    "shape": _shape,
    **dict.fromkeys(("size", "N", "m"), _size),
    "M": _whole("None"),
    "fill_value": _whole(2, "-1/3", "0"),
    "slope": _whole("1/5", "2"),
    "alpha": _whole("1/2", "3"),
    "pad_width": _widths,
    "constant_values": _whole(0, "1/2", 3),
    "window_shape": lambda draw, part: draw.one(
        ("2", "k", "(2,)", f"({', '.join('2' * max(part.rank, 1))},)", "(2, k)")
    ),
    "length": _whole(3, 5, 7, "m+n", "(5, 5)", "(3, 5)", "(4,)"),
    "stride": _whole(1, 2),
    "dilation": _whole(1, 2),
    "k": _whole(-1, 1, 2),
    "ddof": _whole(1),
    "a_min": _whole("None", "-1/2", "0"),
    "a_max": _whole("None", "1/2", "1"),
    "order": _whole("'C'", "'F'"),
    **dict.fromkeys(("axis1", "axis2", "source", "destination"), _of_axis),
    "subscripts": _subscripts,
    "compute_expm": _whole("False"),
    "full_matrices": _whole("False"),
    "compute_uv": _whole("True", "False"),
    "part": _whole(0, 1, 2),
}
"""What an option may be, beside the first operand."""

SIGNED = {
    **{f"{sign}": f"({{0}} {sign} {{1}})" for sign in ("+", "-", "*", "/", "@", "**")},
    **{f"where {sign}": f"where({{0}} {sign} {{1}}, {{2}}, {{3}})" for sign in RELATIONS.values()},
    **{f"number {sign}": f"(1 * ({{0}} {sign} {{1}}) - 1/3)" for sign in RELATIONS.values()},
    "minus": "(-{0})",
    ".T": "{0}.T",
    **{f"** {power}": f"({{0}})**{power}" for power in ("2", "3", "(-1)", "(1/2)", "(-3/2)", "k")},
    "scaled": "{0} * (3 / 2)",
    "times a size": "m * {0} / n",
    "series": "sum([{0} * t for t in range(1, 3)], axis=0)",
    "power series": "sum([{0}**t / 2**t for t in range(1, k + 2)], axis=0)",
    "series of matrices": "sum([matrix_power({0}, t) / t for t in range(1, 3)], axis=0)",
    "series of numbers": "sum([sum({0}**t) for t in range(3)])",
    "series from an empty one": "sum([zeros_like({0})] + [{0} / t for t in range(1, k)], axis=0)",
    "pi": "({0} + pi)",
    "shape": "{0} / {0}.shape[0]",
    "newaxis": "{0}[:, np.newaxis]",
}
"""Signs, powers, comparisons, series."""
PLACES = (":", ":", ":", "0", "-1", "1:", ":-1", "None", "1:3", "-2:", "...", "i", "j", "arange(m)", "0:k")
ARITIES = {**dict.fromkeys(SIGNS, 2), **dict.fromkeys(WRITTEN, 1)}
ARITIES |= {name: len(OPERATORS[of].arrays) for name, of in ALIASES.items() if of in OPERATORS}
ARITIES |= {name: len(FUNCTIONS[of].parameters) for name, of in ALIASES.items() if of in FUNCTIONS}
OF_IDS = tuple(name for name, operator in OPERATORS.items() if "ids" in operator.arrays)
"""Functions that read numbers of rows, which only leaves are."""
SPELLED = {name: count for name, count in ARITIES.items() if count and name in numpy_words()}
"""Other names that NumPy or SciPy has too, and how many arrays they take."""
SIGNS_FREE = ("eigh", "svd")
"""Functions that make vectors whose signs LAPACK chooses."""
MADE_FOR = {
    "[arange(m)]": {"A": "m n", "j": "m index n"},
    "one_hot": {"j": "m index n", "A": "m n"},
    "scatter_add": {"j": "m index n", "A": "m k"},
    "fold": {"A": "2 2", "B": "4 2"},
}
"""Leaves without which a word is hardly ever drawn."""
WORDS: tuple[str, ...] = (
    *FUNCTIONS,
    *OPERATORS,
    *SIGNED,
    *(f"[{place}]" for place in dict.fromkeys(PLACES)),
    *(f"spelled {name}" for name in SPELLED),
    "spelled np.",
    "spelled as a method",
    *(f"declared {fact}" for fact in (*DECLARED, "index")),
    "named",
)
"""All that is drawn, by the tables."""


def calls(draw: Draw, word: str) -> Iterator[tuple[str, list[Part]]]:
    """Yield a text with places for operands, and the operands."""
    parts = draw.parts
    if word == "[arange(m)]":
        yield "{0}[arange(m), j]", [draw.one(parts)]
    elif word.startswith("["):
        operand = draw.one(parts)
        places = [word[1:-1], *(draw.one(PLACES) for _ in range(int(draw.random.integers(3))))]
        yield f"{{0}}[{', '.join(draw.random.permutation(places))}]", [operand]
    elif word in SIGNED:
        text = SIGNED[word]
        yield text, [draw.one(parts) for _ in set(re.findall(r"\{(\d)\}", text))]
    elif word.startswith("spelled "):
        name = word.removeprefix("spelled ")
        if name not in SPELLED:
            yield from respelled(draw, name)
            return
        count = SPELLED[name]
        yield f"{name}({', '.join(f'{{{place}}}' for place in range(count))})", [draw.one(parts) for _ in range(count)]
    else:
        yield from called(draw, word)


def respelled(draw: Draw, how: str) -> Iterator[tuple[str, list[Part]]]:
    """Yield a call with NumPy's prefix, or as a method."""
    method = how == "as a method"
    names = [each for each in (*FUNCTIONS, *OPERATORS) if hasattr(np.ndarray if method else np, each)]
    for text, operands in called(draw, draw.one(names)):
        if not method:
            yield f"np.{text}", operands
        elif match := re.fullmatch(r"(\w+)\(\{0\}(?:, )?(.*)\)", text):
            array = "{0}" if operands[0].text.isidentifier() else "({0})"
            yield f"{array}.{match[1]}({match[2]})", operands


def called(draw: Draw, name: str) -> Iterator[tuple[str, list[Part]]]:
    """Yield a call of a function of the tables."""
    operator = OPERATORS.get(name)
    count = len(FUNCTIONS[name].parameters) if operator is None else len(operator.arrays)
    listed = operator is not None and (operator.lists or operator.rest)
    operands = [draw.one(draw.parts) for _ in range(draw.one((1, 2, 2, 3)) if listed else count)]
    if name in OF_IDS:
        operands = [draw.one(draw.ids) if each == "ids" else draw.one(draw.parts) for each in operator.arrays]
    if name == "polygamma":
        operands[0] = Part(*((text := draw.one("12")), (np.asarray(int(text)),) * 2))
    written = [f"{{{place}}}" for place in range(len(operands))]
    if operator is None:
        yield f"{name}({', '.join(written)})", operands
        return
    first = operands[0] if operands else Part("", (np.zeros(()),))
    given = [each for each in operator.options if each in OPTIONS]
    taken = [each for each in given if each in operator.required or draw.chance(0.45)]
    chosen = {each: OPTIONS[each](draw, first) for each in taken}
    if name in OF_IDS and draw.ids[0] not in draw.parts:  # all numbers of rows are below the size
        chosen["size"] = draw.leaves[operands[-1].text].rpartition(" ")[2]
    lead = [f"({', '.join(written)},)"] if operator.lists else written
    if operator.rest:
        lead, chosen = [chosen[operator.options[0]], *written], {}
    elif draw.chance(0.3) and list(chosen) == list(operator.options[: len(chosen)]) and not BY_NAME & {*chosen}:
        lead, chosen = [*lead, *chosen.values()], {}
    text = f"{name}({', '.join([*lead, *(f'{each}={value}' for each, value in chosen.items())])})"
    yield text + ("**2" if name in SIGNS_FREE else ""), operands
