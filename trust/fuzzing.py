"""Mutated texts and files for the readers, led by the lines that they reach: what is not refused in words is a fault.

An input that reaches a line which none before it reached is kept, and changed again: bytes taken out, repeated, put in
from the reader's own words, or from another kept input. The same cases and seed make the same inputs.
"""

from __future__ import annotations

import io
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

import numpy as np

import symprop
from symprop.algebra.declarations import read_declarations
from symprop.data import read_features, read_table
from symprop.errors import SympropError
from symprop.weights import load_notes, load_weights, save_weights
from tests.example_networks import CONVOLUTIONS, EXAMPLES
from tests.hostile_cases import TABLE, check_message
from trust.measures import Measure, Outcome
from trust.time_limits import TimeUp, at_most

PACKAGE = Path(symprop.__file__).parent
SECONDS = 2.0
SLOWER = 10
"""How many times slower tracing makes a reader, at most; what takes longer is asked once more without."""
DECLARED = "x: n, y: n, A: n n, B: m n, t:"
SHAPES = {"W1": (2, 3), "b1": (2,)}
LONGEST = 4_000


@dataclass(frozen=True)
class Reader:
    """What reads, its modules, texts to begin with, and words to put in."""

    name: str
    ask: Callable[[bytes], object]
    modules: tuple[str, ...]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]


def _weights() -> bytes:
    file = io.BytesIO()
    save_weights(file, {"W1": np.arange(6.0).reshape(2, 3), "b1": np.zeros(2)}, {"network": "Input(3)"})
    return file.getvalue()


def _text(ask: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: ask(data.decode("utf-8", "replace"))


def _words(text: str) -> tuple[bytes, ...]:
    return (*(each.encode() for each in text.split(" ")), b" ")


def _table(data: bytes) -> None:
    read_table(io.BytesIO(data), "y", True)
    read_features(io.BytesIO(data), ("x",))


def _npz(data: bytes) -> None:
    load_notes(io.BytesIO(data))
    load_weights(io.BytesIO(data), SHAPES)


FORMULAS = (
    *("x @ A @ x", "norm(B @ x - ones(m))**2 / (2*t)", "sum(where(x > 0, x, exp(-x)))", "logdet(A + t*eye(n))"),
    *("mean(x[1:] * y[:-1])", "einsum('ij,j->i', B, x)", "np.sum(np.log(1 + np.exp(x)))", "X = A.T @ A; trace(X)"),
    *("sum(sum([matrix_power(A, k) for k in range(0, 4)], axis=0))", "x[:, None] - y[None, :]", "-log_softmax(x)[0]"),
    *("reshape(B, (n, m)) @ ones(m)", "max(maximum(x, 0.5), axis=0)", "concatenate([x, y])", "A.sum(axis=1).T @ x"),
)
LATEX = (
    *(r"\frac{1}{2} \|B x - y\|_2^2", r"x^\top A x + t \sum_{i=1}^{n} x_i^2", r"\log\det(A) + \mathrm{tr}(A)"),
    *(
        r"\sum_{i,j} A_{ij} x_i y_j",
        r"\sigma(x) \odot (1 - \sigma(x))",
        r"\begin{pmatrix} t & 1 \\ 0 & t \end{pmatrix}",
    ),
    *(r"\max(0, 1 - t)", r"\mathbf{1}^T x", r"\prod_{i=1}^n x_i", r"\sqrt{t} e^{-t^2}", r"A_{1,:} x", r"\hat{t}'"),
    *(r"\begin{cases} t & t > 0 \\ 0 & \text{otherwise} \end{cases}", r"\left\lVert x \right\rVert_1", r"y = A x"),
)
NETWORKS = (*(each.network for each in EXAMPLES if isinstance(each.network, str)), *CONVOLUTIONS)
READERS = (
    Reader(
        "NumPy notation",
        _text(lambda text: symprop.formula(text, DECLARED)),
        (
            "algebra/read",
            "algebra/tokens",
            "algebra/statement",
            "algebra/calls",
            "algebra/folding",
            "algebra/inference",
        ),
        tuple(each.encode() for each in FORMULAS),
        _words("x A t n ( ) [ ] : , @ * ** - + / // .T == <= and if else for in lambda 0 1 -1 0.5 1e9 10**9 None")
        + _words("axis=0 axis=-1 keepdims=True sum( reshape( einsum( range( where( eye( inv( 'ij->' np. == ; = := ø {"),
    ),
    Reader(
        "LaTeX",
        _text(lambda text: symprop.latex_formula(text, DECLARED)),
        ("algebra/latex",),
        tuple(each.encode() for each in LATEX),
        _words(
            r"\frac \sum _ ^ { } \left( \right) \| | \begin{pmatrix} \end{pmatrix} & \\ \top ' x A t i j , 0 1 = \in"
        )
        + _words(r"\mathrm{ \text{ \operatorname{ \log \exp \det \partial \cdot \odot \otimes \dots _{i=1} ^{n} ^{-1}"),
    ),
    Reader(
        "networks",
        _text(symprop.parse_network),
        ("networks/", "algebra/calls"),
        tuple(
            each.encode()
            for each in (*(each.network for each in EXAMPLES if isinstance(each.network, str)), *CONVOLUTIONS)
        ),
        _words(
            ">> ( ) , = Input( Dense( Residual( Repeat( Sum( Concatenate( Conv2D( LSTM( Attention( Loss( Activation("
        )
        + _words("SoftmaxCrossEntropy() L2( + 0 1 -1 2.5 10**9 n l None True 'same' \"a\" name= tied=True"),
    ),
    Reader(
        "declarations",
        _text(read_declarations),
        ("algebra/declarations", "algebra/size"),
        (
            b"x: n, A: n n symmetric, y: k sums-to-1, i: m index(5), t:, B: 2*n k+1 orthogonal",
            b"X: (n, 3), w: 5 positive",
        ),
        _words(": , n m 3 0 -1 2*n k+n symmetric positive-definite one-hot index index(5) rows-sum-to-1 ( ) ; = 10**9"),
    ),
    Reader(
        "CSV",
        _table,
        ("data", "columns"),
        (TABLE.encode(), b'x,y\n1e-3,"a,b"\n-2,"c""d"\n', b"\xef\xbb\xbfx,y\r\n1,no\r\n2,yes\r\n"),
        (b",", b"\n", b"\r", b'"', b"nan", b"inf", b"1e999", b"\0", b"\xff", b"0x1", b"1_0", b" ", b"x", b"y", b";"),
    ),
    Reader(
        "npz",
        _npz,
        ("weights",),
        (_weights(),),
        (b"PK\1\2", b"PK\5\6", b"PK\3\4", b"\0\0", b"\xff\xff\xff\xff", b"\x93NUMPY", b"(2, 3)", b"'<f8'", b"W1.npy"),
    ),
)


class Lines:
    """The lines of a reader's modules that have been reached; `new` tells how many one call added."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.modules = modules
        self.reached: set[tuple[CodeType, int]] = set()
        self.ours: dict[CodeType, bool] = {}

    @contextmanager
    def traced(self) -> Iterator[None]:
        """Note the lines that run in the block."""
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if (ours := self.ours.get(code)) is None:
            path = Path(code.co_filename)
            place = path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else ""
            ours = self.ours[code] = bool(place) and place.startswith(self.modules)
        return self._line if ours else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.reached.add((frame.f_code, frame.f_lineno))
        return self._line


def changed(random: Random, kept: list[bytes], words: tuple[bytes, ...]) -> bytes:
    """Return a kept input with a few changes."""
    data = random.choice(kept)
    for _ in range(random.choice((1, 1, 2, 4))):
        start, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
        end = min(end, start + 40)
        piece = data[start:end]
        match random.randrange(6):
            case 0:
                data = data[:start] + data[end:]
            case 1:
                data = data[:end] + piece * random.choice((1, 1, 3, 50)) + data[end:]
            case 2:
                other = random.choice(kept)
                data = data[:start] + other[random.randrange(len(other) + 1) :]
            case 3 if data:
                place = random.randrange(len(data))
                data = data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]
            case _:
                data = data[:start] + random.choice(words) + data[random.choice((start, end)) :]
    return data[:LONGEST]


def wrong_with(reader: Reader, data: bytes) -> str:
    """Return what a reader does wrong with some bytes, or an empty text."""
    try:
        reader.ask(data)
    except SympropError as problem:
        try:
            check_message(problem)
        except AssertionError:
            return f"message: {str(problem)[:200]!r}"
    except Exception as problem:  # what a reader may not raise
        place = traceback.extract_tb(problem.__traceback__)[-1]
        return f"{type(problem).__name__} in {Path(place.filename).name}:{place.lineno}: {str(problem)[:100]}"
    return ""


def fuzzed(reader: Reader, count: int, seed: int) -> tuple[list[str], int, int]:
    """Return the faults of a reader in so many inputs, each kind once, how many it kept, and the lines it reached."""
    random, kept, lines = Random(f"{reader.name} {seed}"), list(reader.seeds), Lines(reader.modules)
    found: dict[str, str] = {}
    for number in range(count):
        data = kept[number] if number < len(reader.seeds) else changed(random, kept, reader.words)
        before = len(lines.reached)
        try:
            with at_most(SECONDS * SLOWER), lines.traced():
                wrong = wrong_with(reader, data)
        except TimeUp:
            wrong = _too_slow(reader, data)
        if wrong:
            found.setdefault(wrong.split(": ")[0], f"{reader.name}: {data!r:.300}: {wrong}")
        if len(lines.reached) > before and number >= len(reader.seeds):
            kept.append(data)
    return list(found.values()), len(kept), len(lines.reached)


def _too_slow(reader: Reader, data: bytes) -> str:
    start = time.process_time()
    try:
        with at_most(SECONDS * SLOWER):
            wrong = wrong_with(reader, data)
    except TimeUp:
        return "no end"
    took = time.process_time() - start
    return f"{took:.1f} s" if took > SECONDS else wrong


def readers(cases: int, seed: int) -> Outcome:
    """Ask the readers, each its part of the cases."""
    failures: list[str] = []
    kept = reached = 0
    each = -(-cases // len(READERS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for reader in READERS:
            found, corpus, lines = fuzzed(reader, each, seed)
            failures += found
            kept, reached = kept + corpus, reached + lines
    return Outcome(each * len(READERS), tuple(failures), {"kept": kept, "lines reached": reached})


MEASURES = (
    Measure(
        "mutated texts and files",
        "Readers of formulas, LaTeX, networks, declarations, CSV and .npz files read what is mutated, or refuse it in"
        " words within 2 s (led by the lines that are reached).",
        readers,
        short=120,
        usual=24_000,
        long=600_000,
    ),
)
