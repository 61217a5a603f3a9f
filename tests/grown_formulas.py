"""Random formulas grown from leaves, with every word of the language's own tables.

`random_losses` fills written ways, from a shape down. Here NumPy says what fits: a call of a function of the tables
with random operands and options is taken where NumPy has a finite value of it and the language does not refuse it in
words. So a function, a fact or a spelling that a table gets is drawn without a change here; an option needs values in
`OPTIONS`.

    >>> "kron(" in grown(np.random.default_rng(3), "kron").text
    True
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symprop.algebra.formula import Formula, formula
from symprop.algebra.trees import variables
from symprop.errors import SympropError
from tests.drawn_calls import MADE_FOR, SIGNS_FREE, SIZES, WORDS, Array, Draw, Part, calls, leaf, numpy_words, values_of
from tests.needed import needed_of

LARGEST = 30.0
"""Larger values are bent, so that what an exponential makes of them stays a number."""
MOST_ELEMENTS = 120
TRIES = 12
MOST = 100
"""How often a formula is begun, and how often operands are drawn for a word."""
BENT = (
    *("{0}", "tanh({0})", "(1 + {0}**2)", "(tanh({0}) / 2)", "({0} @ {0}.T + eye(len({0})))", "({0} + {0}.T)"),
    *("({0} > 0)", "expm({0} / 4)"),
)
"""What is made of an operand, where a function has no finite value of itself, or takes no such array."""
NEAR, STEADY = 1e-12, 1e-8
"""How far numbers are moved, of themselves, and how far vectors may move then."""


@dataclass(frozen=True)
class Grown:
    """A formula that has grown: its text, its declarations, and the words that were drawn."""

    text: str
    where: str
    words: tuple[str, ...]

    def read(self) -> Formula:
        """Return the formula as symprop reads it."""
        return formula(self.text, needed_of(self.where, self.text))


def by_numpy(text: str, values: Sequence[Array], given: dict[str, Array]) -> Array:
    """Return what NumPy has for a text of this module at operands; None where it refuses."""
    try:
        with np.errstate(all="ignore"):
            places = {f"_{place}": value for place, value in enumerate(values)}
            written = text.format(*places)
            found = np.asarray(eval(written, {**numpy_words(), **given, **places}))
    except Exception:  # whatever NumPy raises, it does not fit
        return None
    if found.dtype.kind not in "fiub" or found.size > MOST_ELEMENTS or not found.size:
        return None
    return found if np.all(np.isfinite(found)) and np.max(np.abs(found), initial=0) <= LARGEST else None


def is_steady(text: str, operands: Sequence[Part], values: Sequence[Array], given: Sequence[dict[str, Array]]) -> bool:
    """Whether vectors hardly move where operands do: those of equal eigenvalues or singular values are any."""
    if not any(name in text for name in SIGNS_FREE):
        return True
    random = np.random.default_rng(0)
    for at, value in enumerate(values):
        near = [each.values[at] for each in operands]
        near = [each * (1 + NEAR * random.uniform(-1, 1, each.shape)) if each.dtype == float else each for each in near]
        moved = by_numpy(text, near, given[at])
        if moved is None or not np.max(np.abs(moved - value)) <= STEADY:
            return False
    return True


def grow(draw: Draw, word: str, given: Sequence[dict[str, Array]], where: str) -> bool:
    """Add a part in which a word stands; false where no operands were found for it."""
    for _ in range(TRIES):
        for text, operands in calls(draw, word):
            for bent in BENT if operands and draw.chance(0.7) else ("{0}",):
                if "eye" in bent and operands[0].values[0].ndim != 2:
                    continue  # of a vector it has equal eigenvalues at some sizes
                if added(draw, text.replace("{0}", bent), operands, given, where):
                    return True
    return False


def added(draw: Draw, text: str, operands: Sequence[Part], given: Sequence[dict[str, Array]], where: str) -> bool:
    """Add a part that NumPy has a value of and symprop takes; one without variables stands beside another part."""
    values = [by_numpy(text, [each.values[at] for each in operands], given[at]) for at in range(len(given))]
    if any(value is None for value in values) or not is_steady(text, operands, values, given):
        return False
    whole = text.format(*(each.text for each in operands))
    if (taken := accepted(draw, whole, where)) is False:
        leaves = [each for each in draw.parts if each.text in draw.leaves]
        beside = Part(whole, tuple(values))
        return any(added(draw, f"({{0}} {sign} {{1}})", [beside, draw.one(leaves)], given, where) for sign in "@*+")
    if taken:
        draw.parts.append(Part(whole, tuple(values)))
    return bool(taken)


def accepted(draw: Draw, text: str, where: str) -> bool | None:
    """Whether there is something to differentiate by in a formula; None where symprop refuses it, in words."""
    whole = with_names(draw, text)
    try:
        read = formula(whole, needed_of(where, whole)).whole
    except SympropError:
        return None
    return any("index" not in each.facts_by_kind for each in variables(read.node))


def with_names(draw: Draw, text: str) -> str:
    """Return a formula with the statements that it needs."""
    lines = [text]
    for name, what in reversed(draw.named.items()):
        if any(re.search(rf"\b{name}\b", line) for line in lines):
            lines.insert(0, what)
            lines[0] = f"{name} = {what}"
    return "; ".join(lines)


ENDS = ("sum({0})", "sum(tanh({0}))", "sum({0}**2) / 2", "mean({0})", "norm({0})", "sum({0} * cos({0}))", "sum({0}**3)")


def grown(random: np.random.Generator, word: str | None = None, scalar: bool = True, steps: int = 3) -> Grown:
    """Return a formula in which a word stands, after up to so many steps; with any word where none is given.

    Raises:
        ValueError: no formula was found that has the word.
    """
    draw = Draw(random)
    for _ in range(MOST):
        found = _grown(Draw(random), word or draw.one(WORDS), scalar, steps)
        if found is not None:
            return found
    raise ValueError(f"no formula was found that has {word!r}")


def _grown(draw: Draw, word: str, scalar: bool, steps: int) -> Grown | None:
    fact = word.removeprefix("declared ") if word.startswith("declared ") else None
    if fact:
        leaf(draw, 1 if fact == "sums-to-1" else None if fact == "index" else 2, fact)
    draw.leaves |= MADE_FOR.get(word, {})
    for _ in range(int(draw.random.integers(2, 5))):
        leaf(draw)
    if "i" in word or "j" in word:
        leaf(draw, fact="index")
    where = ", ".join(f"{name}: {what}" for name, what in draw.leaves.items())
    points = values_of(where, draw.random)
    if len(points) < 2:
        return None
    given = [{str(size): number for size, number in each.sizes.items()} | dict(each.values) for each in points]
    given = [{**SIZES, **each} for each in given]
    ids = {name for name, what in draw.leaves.items() if "index" in what}
    leaves = [Part(name, tuple(each[name] for each in given)) for name in draw.leaves]
    draw.parts = [each for each in leaves if each.text not in ids]
    draw.ids = [each for each in leaves if each.text in ids] or draw.parts
    if not draw.parts:
        return None
    words = [draw.one(WORDS) for _ in range(int(draw.random.integers(steps)))]
    words.insert(draw.one((0, len(words))), word)
    taken, held = [], next(iter(draw.leaves)) if fact else ""
    for each in words:
        if each.startswith("declared "):
            taken.append(each)
        elif each == "named" and len(draw.parts) > len(draw.leaves) - len(ids):
            last = draw.parts.pop()
            name = f"h{len(draw.named) + 1}"
            draw.named[name] = last.text
            draw.parts.append(Part(name, last.values))
            taken.append(each)
        elif each != "named" and grow(draw, each, given, where):
            taken.append(each)
        if each == word and not fact:
            held = draw.parts[-1].text
    if word not in taken:
        return None
    return _ended(draw, held, where, scalar, tuple(taken))


def _ended(draw: Draw, held: str, where: str, scalar: bool, words: tuple[str, ...]) -> Grown | None:
    """Return the formula that ends in the part made last of those that hold a part."""
    holding = re.compile(rf"(?<!\w){re.escape(held)}(?!\w)")
    last = next((each for each in reversed(draw.parts) if holding.search(with_names(draw, each.text))), None)
    if last is None:
        return None
    whole = with_names(draw, last.text)
    if scalar and last.rank:
        end = draw.one(ENDS).format(last.text)
        if not accepted(draw, end, where):
            return None
        whole = with_names(draw, end)
    if not scalar and not last.rank:
        return None
    return Grown(whole, where, words)
