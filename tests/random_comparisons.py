"""Random pairs for `compare`: equal by construction, or differing by one seeded change.

Formulas are trees of tuples here and become text; nothing of symprop is used. Identities rewrite a tree somewhere
(`IDENTITIES`), changes spoil it at one (`CHANGES`), and NumPy says by `values` whether a change is to be seen at all.

    python tests/random_comparisons.py --count 2000 [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

WHERE = "A: m n, B: n m, C: n n, x: n, w: n, y: m, s:"
SIZES = {"m": 3, "n": 4}
VARIABLES = {("m", "n"): "A", ("n", "m"): "B", ("n", "n"): "C", ("n",): "xw", ("m",): "y", (): "s"}


class Part(NamedTuple):
    """A formula: an operation, its shape, and its operands or what it is called."""

    kind: str
    shape: tuple[str, ...]
    parts: tuple[Any, ...] = ()

    @property
    def text(self) -> str:
        given = [f"({each.text})" if isinstance(each, Part) else each for each in self.parts]
        return WRITTEN.get(self.kind, f"{self.kind}({{}})").format(*given)


WRITTEN = {
    "variable": "{}",
    "number": "{}",
    "add": "{} + {}",
    "take": "{} - {}",
    "times": "{} * {}",
    "over": "{} / {}",
    "product": "{} @ {}",
    "turned": "{}.T",
    "minus": "-{}",
    "square": "{}**2",
    "power": "{}**{}",
    "column": "{}[:, None]",
    "total": "sum({})",
    "rows": "sum({}, axis=1)",
    "columns": "sum({}, axis=0)",
    "outer": "outer({}, {})",
    "softmax": "softmax({})",
    "mean": "mean({})",
    "above": "{} > 0",
    "chosen": "where({}, {}, {})",
    "larger": "maximum({}, {})",
    "root": "sqrt({})",
    "first": "{}[0]",
}
FUNCTIONS = ("tanh", "sigmoid", "relu", "softplus", "exp", "sin", "abs")


def one(value: Any) -> Part:
    return Part("number", (), (str(value),))


def drawn(shape: tuple[str, ...], depth: int, draw: random.Random) -> Part:
    """Return a random formula of a shape."""
    if depth == 0:
        return Part("variable", shape, (draw.choice(VARIABLES[shape]),))

    def of(*inner: str) -> Part:
        return drawn(inner, depth - 1, draw)

    kinds: list[Callable[[], Part]] = [
        lambda: Part("add", shape, (of(*shape), of(*shape))),
        lambda: Part("take", shape, (of(*shape), of(*shape))),
        lambda: Part("times", shape, (of(*shape), of(*shape))),
        lambda: Part("times", shape, (one(draw.choice((2, 3, "1/2", -1))), of(*shape))),
        lambda: Part(draw.choice(FUNCTIONS), shape, (of(*shape),)),
        lambda: Part("over", shape, (of(*shape), Part("add", shape, (one(2), Part("square", shape, (of(*shape),)))))),
    ]
    size = draw.choice("mn")
    if len(shape) == 2:
        kinds += [lambda: Part("product", shape, (of(shape[0], "n"), of("n", shape[1])))] * 2
        kinds += [lambda: Part("outer", shape, (of(shape[0]), of(shape[1])))]
        kinds += [lambda: Part("turned", shape, (of(*shape[::-1]),))]
    elif len(shape) == 1:
        other = draw.choice("mn") if shape == ("n",) else "n"
        kinds += [lambda: Part("product", shape, (of(shape[0], other), of(other)))] * 2
        kinds += [lambda: Part("softmax", shape, (of(*shape),))]
        kinds += [lambda: Part("rows", shape, (of(shape[0], other),))]
    else:
        kinds += [lambda: Part("product", (), (of(size), of(size))), lambda: Part("total", (), (of("m", "n"),))]
        kinds += [lambda: Part("mean", (), (of(size),)), lambda: Part("logsumexp", (), (of(size),))]
        kinds += [lambda: Part("trace", (), (Part("product", ("n", "n"), (of("n", "m"), of("m", "n"))),))]
    return draw.choice(kinds)()


# ---------------------------------------------------------------- identities


def same(part: Part, draw: random.Random) -> Iterator[Part]:
    """Yield formulas that are equal to one, by the identities of its kind."""
    shape, made = part.shape, Part
    z = part.parts[0] if part.parts else None
    yield made("minus", shape, (made("minus", shape, (part,)),))
    yield made("take", shape, (made("times", shape, (one(2), part)), part))
    yield made(
        "over",
        shape,
        (
            made("times", shape, (part, made("exp", (), (made("variable", (), ("s",)),)))),
            made("exp", (), (made("variable", (), ("s",)),)),
        ),
    )
    match part:
        case Part("add" | "times", _, (a, b)):
            yield made(part.kind, shape, (b, a))
            if part.kind == "times" and b.kind in ("add", "take"):
                yield made(b.kind, shape, tuple(made("times", shape, (a, each)) for each in b.parts))
        case Part("take", _, (a, b)):
            yield made("minus", shape, (made("take", shape, (b, a)),))
            yield made("add", shape, (made("minus", shape, (b,)), a))
        case Part("over", _, (a, b)):
            yield made("times", shape, (a, made("power", b.shape, (b, "-1"))))
        case Part("product", _, (a, b)):
            if a.kind == "product" and len(a.shape) == 2 and len(a.parts[0].shape) == 2:
                p, q = a.parts
                yield made("product", shape, (p, made("product", (q.shape[0], *b.shape[1:]), (q, b))))
            if b.kind in ("add", "take"):
                yield made(b.kind, shape, tuple(made("product", shape, (a, each)) for each in b.parts))
            if len(shape) == 2:
                turned = [made("turned", each.shape[::-1], (each,)) for each in (b, a)]
                yield made("turned", shape, (made("product", shape[::-1], tuple(turned)),))
            elif len(shape) == 1:
                yield made("product", shape, (b, made("turned", a.shape[::-1], (a,))))
                yield made("rows", shape, (made("times", a.shape, (a, b)),))
            else:
                yield made("total", (), (made("times", a.shape, (a, b)),))
                yield made("product", (), (b, a))
        case Part("outer", _, (a, b)):
            yield made("times", shape, (made("column", (a.shape[0], "1"), (a,)), b))
            yield made("turned", shape, (made("outer", shape[::-1], (b, a)),))
        case Part("trace", _, (Part("product", _, (a, b)),)):
            yield made("trace", (), (made("product", (b.shape[0], b.shape[0]), (b, a)),))
            yield made("total", (), (made("times", a.shape, (a, made("turned", a.shape, (b,)))),))
        case Part("total", _, (a,)) if len(a.shape) == 2:
            yield made("total", (), (made("rows", a.shape[:1], (a,)),))
            yield made("total", (), (made("turned", a.shape[::-1], (a,)),))
        case Part("mean", _, (a,)):
            yield made("over", (), (made("total", (), (a,)), made("variable", (), (a.shape[0],))))
        case Part("logsumexp", _, (a,)):
            shifted = made("take", a.shape, (a, made("variable", (), ("s",))))
            yield made("add", (), (made("logsumexp", (), (shifted,)), made("variable", (), ("s",))))
            yield made("log", (), (made("total", (), (made("exp", a.shape, (a,)),)),))
        case Part("softmax", _, (a,)):
            e = made("exp", shape, (a,))
            yield made("over", shape, (e, made("total", (), (e,))))
            yield made("softmax", shape, (made("add", shape, (a, made("variable", (), ("s",)))),))
        case Part("square", _, (a,)):
            yield made("times", shape, (a, a))
    if part.kind in FUNCTIONS:
        yield from _function(part.kind, shape, z, made("minus", shape, (z,)))


def _function(kind: str, shape: tuple[str, ...], z: Any, opposite: Part) -> Iterator[Part]:
    def of(kind: str, *parts: Any) -> Part:
        return Part(kind, shape, parts)

    e, inverse, zero = of("exp", z), of("exp", opposite), one(0)
    rows = {
        "tanh": (
            of("over", of("take", e, inverse), of("add", e, inverse)),
            of("take", of("times", one(2), of("sigmoid", of("times", one(2), z))), one(1)),
        ),
        "sigmoid": (of("over", one(1), of("add", one(1), inverse)), of("take", one(1), of("sigmoid", opposite))),
        "relu": (of("larger", z, zero), of("chosen", of("above", z), z, zero), of("times", z, of("above", z))),
        "softplus": (of("log", of("add", one(1), e)), of("add", z, of("softplus", opposite))),
        "exp": (of("over", one(1), inverse), of("square", of("exp", of("over", z, one(2))))),
        "sin": (
            of("minus", of("sin", opposite)),
            of("times", one(2), of("times", of("sin", of("over", z, one(2))), of("cos", of("over", z, one(2))))),
        ),
        "abs": (of("add", of("relu", z), of("relu", opposite)), of("root", of("square", z)), of("larger", z, opposite)),
    }
    yield from rows[kind]


# ---------------------------------------------------------------- changes


def spoiled(part: Part, draw: random.Random) -> Iterator[Part]:
    """Yield formulas that differ from one."""
    shape, made = part.shape, Part
    far = one(draw.choice((3, 10, 1000, 100000, "1/7")))
    at = made("first", (), (made("variable", ("n",), ("x",)),))
    yield made("times", shape, (part, one("(1 + 1e-9)")))
    yield made("add", shape, (part, made("relu", (), (made("take", (), (at, far)),))))
    yield made("times", shape, (part, one(f"(x[0] != {far.text})")))
    yield made("add", shape, (part, one(f"where(sum(x) > {far.text}, 1, 0)")))
    yield made("add", shape, (part, one("1e-9")))
    match part:
        case Part("add" | "times" | "take", _, (a, b)):
            yield a if a.shape == shape else b
            yield made({"add": "take", "take": "add", "times": "add"}[part.kind], shape, (a, b))
        case Part("product", ("n", "n") | ("n",) | (), (a, b)) if a.shape == ("n", "n"):
            yield made("product", shape, (made("turned", a.shape, (a,)), b))
        case Part("relu", _, (z,)):
            yield made("chosen", shape, (made("above", shape, (z,)), z, one("1e-6")))
        case Part("tanh" | "sigmoid" | "sin" | "softplus", _, (z,)):
            yield made(draw.choice([each for each in FUNCTIONS if each != part.kind]), shape, (z,))
        case Part("variable", ("n",), (name,)):
            yield made("variable", shape, ("x" if name == "w" else "w",))
        case Part("square", _, (z,)):
            yield made("power", shape, (z, "3"))


def changed(part: Part, change: Callable[[Part, random.Random], Iterator[Part]], draw: random.Random) -> Part:
    """Return a formula with a change at a random place."""
    places = list(_places(part))
    if not places:  # a number alone
        return part
    path, inner = draw.choice(places)
    return _put(part, path, draw.choice(list(change(inner, draw))))


def _places(part: Part, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Part]]:
    if part.kind not in ("number", "above"):
        yield path, part
        for place, each in enumerate(part.parts):
            if isinstance(each, Part):
                yield from _places(each, (*path, place))


def _put(part: Part, path: tuple[int, ...], new: Part) -> Part:
    if not path:
        return new
    parts = list(part.parts)
    parts[path[0]] = _put(parts[path[0]], path[1:], new)
    return part._replace(parts=tuple(parts))


def equal_pair(seed: int) -> tuple[str, str]:
    """Return two texts that are equal by construction."""
    draw = random.Random(seed)
    first = second = drawn(draw.choice(list(VARIABLES)), draw.randint(1, 3), draw)
    for _ in range(draw.randint(1, 4)):
        second = changed(second, same, draw)
    return first.text, second.text


def differing_pair(seed: int) -> tuple[str, str]:
    """Return two texts that differ by one change, and NumPy sees it at some point."""
    draw = random.Random(10_000_019 + seed)
    while True:
        first = drawn(draw.choice(list(VARIABLES)), draw.randint(1, 3), draw)
        second = changed(first, spoiled, draw)
        for _ in range(draw.randint(0, 2)):
            second = changed(second, same, draw)
        if _differ(first.text, second.text, draw.randrange(2**32)):
            return first.text, second.text


def _differ(first: str, second: str, seed: int) -> bool:
    values = np.random.default_rng(seed)
    for scale in (1.0, 1.0, 0.1, 3.0, 30.0, 2000.0, 200000.0):
        for fixed in (None, 0.0, 3.0, 10.0, 1000.0, 100000.0, 1 / 7):
            point = {
                name: scale * values.standard_normal([SIZES[size] for size in shape])
                for shape, names in VARIABLES.items()
                for name in names
            }
            if fixed is not None:
                point["x"][0] = fixed
            point["A"], point["B"], point["C"] = (np.clip(point[name], -3, 3) for name in "ABC")
            try:
                with np.errstate(all="ignore"):
                    one, other = (eval(text, {**NUMPY, **SIZES, **point}) for text in (first, second))  # our own text
            except ValueError:
                return False  # what was changed is no formula any more
            if np.all(np.isfinite(one)) and np.all(np.isfinite(other)):
                off = np.max(np.abs(one - other))
                if (
                    off > 1e-11 * max(1e-3, np.max(np.abs(one)))
                    and off > 1e-10 * max(1.0, *(np.max(np.abs(each)) for each in point.values())) * 1e-3
                ):
                    return True
    return False


NUMPY: dict[str, Any] = {
    **{
        name: getattr(np, name)
        for name in (
            "tanh",
            "exp",
            "sin",
            "cos",
            "abs",
            "log",
            "sum",
            "mean",
            "trace",
            "outer",
            "where",
            "maximum",
            "sqrt",
        )
    },
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.where(z > 0, z, 0),
    "softplus": lambda z: np.logaddexp(0, z),
    "softmax": lambda z: np.exp(z - np.max(z)) / np.sum(np.exp(z - np.max(z))),
    "logsumexp": lambda z: np.log(np.sum(np.exp(z - np.max(z)))) + np.max(z),
}


def main() -> None:
    from needed import needed_of

    from symprop import compare

    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    for name, pair in (("equal", equal_pair), ("differing", differing_pair)):
        told: Counter[str] = Counter()
        slowest, start = (0.0, ("", "")), time.time()
        for seed in range(options.seed, options.seed + options.count):
            texts, begun = pair(seed), time.time()
            found = compare(*texts, needed_of(WHERE, *texts))
            slowest = max(slowest, (time.time() - begun, texts))
            told["equal" if found.equal else "undecided" if found.equal is None else "different"] += 1
            told[f"kind: {found.kind}"] += found.equal is not False
            wrong = found.equal is False if name == "equal" else found.equal is True
            if wrong or (options.verbose and found.equal is None):
                print("WRONG" if wrong else "undecided", seed, *texts, found, sep="\n  ")
        print(name, dict(told), f"{time.time() - start:.0f} s, slowest {slowest[0]:.1f} s: {slowest[1]}")


if __name__ == "__main__":
    main()
