"""How many bits are wrong: each function, activation and loss, at numbers of all magnitudes, against 50 digits.

A row says what is asked and what is true: value and slope by mpmath, each written by hand in a form that loses nothing,
so that no rule and no evaluation of symprop's is in it. Points are bit-uniform: every float is as probable as any
other, so that all magnitudes are met, the subnormal ones too. What fails is a NaN or an infinity where the truth is a
number that the type has, and an error of more than `BITS` bits of the larger of the truth and the scale that the row
states. The figures say how many bits of the truth itself are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from mpmath import mp, mpf

import symprop
from symprop.codegen.loading import loaded
from trust.measures import Measure, Outcome
from trust.truths import ACTIVATIONS, FUNCTIONS, GAMMAS, LOSSES, Row

DIGITS = 60
"""Ten more than are asked for: a truth is a few operations."""
BITS = 7
"""So many bits may be wrong, of what a row states: 128 units in the last place, those of a few dozen functions."""
BELOW = 10
"""What is below so many powers of two times the smallest normal number is judged as that: digits end there."""
DTYPES = ("float64", "float32")
SPECIAL = (
    *(0.0, 0.25, 0.5, 1.0, 1.4616321449683623, 1.5, 1.5707963267948966, 2.0, 3.0, 3.141592653589793, 5.0, 9.99, 20.0),
    *(50.0, 87.0, 88.75, 100.0, 709.5, 745.0, 1000.0),
)
"""Where functions turn, have zeros, saturate and overflow."""
FEWEST = 60
"""So many points of a row, at least: with fewer, only some rows are asked."""


def points(count: int, dtype: str, random: np.random.Generator) -> np.ndarray:
    """Return special numbers of both signs, others beside them, and some whose bits are drawn: so many, all finite."""
    info, kind = np.finfo(dtype), {"float64": np.uint64, "float32": np.uint32}[dtype]
    ends = [info.tiny, info.smallest_subnormal, info.max, info.eps, 1 - info.epsneg, 1 + info.eps, info.max / 4]
    special = np.asarray([*SPECIAL, *ends], dtype)
    beside = np.asarray(SPECIAL, dtype) * (1 + np.exp2(random.uniform(-info.nmant, 0, len(SPECIAL)))).astype(dtype)
    drawn = random.integers(0, np.iinfo(kind).max, 2 * count, dtype=kind, endpoint=True).view(dtype)
    given = np.concatenate([special, -special, beside, -beside, 1 / beside[1:]])
    return np.concatenate([given, drawn[np.isfinite(drawn)][: max(count - len(given), len(given))]])


Found = tuple[str, np.ndarray, np.ndarray]
"""A form of code, and the values and slopes that it has at points."""
Ask = Callable[[Row, str, np.ndarray, np.ndarray], Iterator[Found]]


def of_formula(row: Row, dtype: str, t: np.ndarray, y: np.ndarray) -> Iterator[Found]:
    """Yield values and slopes of a function, by the source of answers."""
    value = symprop.gradient(f"sum(g * {row.text})", "g", x="n", g="n")
    slope = symprop.gradient(f"sum({row.text})", "x", x="n")
    sized = {"sizes": {"n": len(t)}}
    found, steep = (vars(loaded(each.numpy(dtype, **sized)))["gradient"](x=t) for each in (value, slope))
    yield "answer", found, np.broadcast_to(steep, t.shape)


def of_activation(row: Row, dtype: str, t: np.ndarray, y: np.ndarray) -> Iterator[Found]:
    """Yield values and slopes of an activation: those of a bias behind a weight of 0."""
    for form, module, params in modules(f'Input(1) >> Dense({len(t)}) >> {row.text} >> Loss("sum(a * y)")', dtype):
        params["b1"][...] = t
        at = np.zeros((1, 1), dtype), np.ones((1, len(t)), dtype)
        values = np.array(module.forward(params, at[0]))
        yield form, values.ravel(), module.loss_and_grads(params, *at)[1]["b1"]


def of_loss(row: Row, dtype: str, t: np.ndarray, y: np.ndarray) -> Iterator[Found]:
    """Yield values and slopes of a loss of one example; one of classes has two, and 0 for the other's logit."""
    pair = row.text in ("SoftmaxCrossEntropy()", "KLDivergence()")
    for form, module, params in modules(f"Input(1) >> Dense({1 + pair}) >> {row.text}", dtype):
        x, values, slopes = np.zeros((1, 1), dtype), np.zeros_like(t), np.zeros_like(t)
        for place, (number, target) in enumerate(zip(t, y, strict=True)):
            params["b1"][0] = number
            given = np.asarray([[target, 1 - target] if pair else [target]], dtype)
            values[place], grads = module.loss_and_grads(params, x, given)
            slopes[place] = grads["b1"][0]
        yield form, values, slopes


def modules(text: str, dtype: str) -> Iterator[tuple[str, ModuleType, dict[str, np.ndarray]]]:
    """Yield the fast module of a network and the one to read, with parameters that are 0."""
    derivation = symprop.derive(text, layout="rows")
    for form, fast in (("fast", True), ("read", False)):
        module = symprop.compile(derivation, dtype=dtype, fast=fast)
        yield form, module, {name: np.zeros(shape, dtype) for name, shape in module.PARAMETERS.items()}


def bits(found: float, true: Any, size: Any, info: np.finfo) -> float:
    """Return how many of the last bits of a number are wrong: its error in units in the last place of the truth.

    Where `size` is larger, it is in units in the last place of that. All bits are wrong of what is no number, unless
    the truth is not far from the largest that there is. A truth below the smallest normal number may be 0.
    """
    if not np.isfinite(found):
        near_the_end = abs(true) > float(info.max) / 8 and (found > 0) == (true > 0)
        return 0.0 if near_the_end and not np.isnan(found) else np.inf
    if found == 0 and abs(true) < float(info.tiny):
        return 0.0
    exponent = max(int(mp.frexp(max(abs(true), size))[1]) - 1, int(info.minexp) + BELOW)
    off = abs(mpf(found) - true) / mp.ldexp(1, exponent - info.nmant)
    return min(float(mp.log1p(off) / mp.log(2)), info.nmant + 1)


def wrong_bits(row: Row, dtype: str, t: np.ndarray, y: np.ndarray, ask: Ask) -> dict[str, np.ndarray]:
    """Return how many bits are wrong at each point, of values and slopes, of the truth and of what the row states."""
    info, pairs = np.finfo(dtype), [(mpf(float(a)), mpf(float(b))) for a, b in zip(t, y, strict=True)]
    given = pairs if row.others else [pair[:1] for pair in pairs]
    truths = [(row.value(*at), row.slope(*at), row.size(*at), row.steepness(*at)) for at in given]
    found: dict[str, list[float]] = {"value": [], "slope": [], "stated value": [], "stated slope": []}
    for _, values, slopes in ask(row, dtype, t, y):
        assert slopes.dtype == values.dtype == dtype, f"{row.text} is of {values.dtype}, its slope of {slopes.dtype}"
        for (value, slope, size, steepness), a, b in zip(truths, map(float, values), map(float, slopes), strict=True):
            found["value"].append(bits(a, value, 0, info))
            found["slope"].append(bits(b, slope, 0, info))
            found["stated value"].append(bits(a, value, size, info))
            found["stated slope"].append(bits(b, slope, steepness, info))
    return {what: np.asarray(each) for what, each in found.items()}


def asked(rows: Sequence[Row], ask: Ask) -> Callable[[int, int], Outcome]:
    """Return what asks rows in both types, so many points in all."""

    def run(cases: int, seed: int) -> Outcome:
        random = np.random.default_rng(seed)
        questions = [(row, dtype) for row in rows for dtype in DTYPES]
        if len(questions) * FEWEST > cases:
            chosen = random.choice(len(questions), max(1, cases // FEWEST), replace=False)
            questions = [questions[place] for place in sorted(chosen)]
        failures: list[str] = []
        table, total = [HEAD], 0
        for row, dtype in questions:
            t = points(cases // len(questions), dtype, random)
            t = t[[abs(each) <= np.finfo(dtype).max * row.reach and row.where(mpf(float(each))) for each in t]]
            y = random.choice(row.others or (0.0,), len(t)).astype(dtype)
            with mp.workdps(DIGITS), np.errstate(all="ignore"):
                off = wrong_bits(row, dtype, t, y, ask)
            total += len(off["value"])
            for what in ("value", "slope"):
                stated = off[f"stated {what}"]
                worst = int(stated.argmax())
                if not stated[worst] <= BITS:
                    at = f"{t[worst % len(t)]!r}" + f", y = {y[worst % len(t)]}" * bool(row.others)
                    failures.append(f"{row.text}, {dtype}: the {what} at {at}: {stated[worst]:.0f} bits are wrong")
            numbers = (each for what in ("value", "slope") for each in (off[what].max(), off[what].mean()))
            table.append((row.text, dtype, *(f"{each:.1f}" for each in numbers)))
        return Outcome(total, tuple(failures), table=tuple(table))

    return run


HEAD = ("function", "type", "value, worst", "mean", "slope, worst", "mean")
MEASURES = tuple(
    Measure(
        f"numerics of {name}",
        f"No {each} is a false NaN or infinity, or off by more than {BITS} bits of what is stated, "
        "in value or slope, at any magnitude.",
        asked(rows, ask),
        short=short,
        usual=2 * len(rows) * 2_000,
        long=2 * len(rows) * 8_000,
        needs=needs,
    )
    for name, each, rows, ask, short, needs in (
        ("functions", "function of the language", FUNCTIONS, of_formula, 480, ()),
        ("gamma functions", "gamma function", GAMMAS, of_formula, 60, ("scipy",)),
        ("activations", "activation", ACTIVATIONS, of_activation, 240, ()),
        ("losses", "loss", LOSSES, of_loss, 180, ()),
    )
)
