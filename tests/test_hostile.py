"""The corpus of hostile inputs: each is refused with the right error, in at most three lines, quickly, harming nothing.

`tests/hostile/*.json` hold rows of id, input, entry points and what is expected: the name of an error class, "any"
(an error of the family, or an answer), "ok" or "finite" (an answer), or an exit code. A text may be given as
`{"text": "(", "times": 100000}`, or as a list of such pieces.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symprop
from symprop import errors
from symprop.algebra.declarations import read_declarations
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.reader import read_formula
from symprop.cli import main
from symprop.codegen import compile_network
from tests.patience import AT_ONCE, PATIENCE, at_once

FOLDER = Path(__file__).parent / "hostile"
MEGABYTES = 500
SHAPES = {"x": (3,), "y": (3,), "a": (3,)}
TABLE = "x,y\n" + "".join(f"{number / 20},{'no' if number < 10 else 'yes'}\n" for number in range(20))
CLASSIFIER = "Input(1) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"

ENTRY_POINTS: dict[str, Callable[[Any], object]] = {
    "variable": lambda text: variable(text, (3,)),
    "size": size_symbol,
    "activation_name": lambda text: symprop.Activation("x * x", name=text),
    "loss_name": lambda text: variable("y", (text,)),
    "formula": lambda text: read_formula(text, SHAPES),
    "activation": lambda text: symprop.Input(3) >> symprop.Activation(text, name="f") >> symprop.MeanSquaredError(),
    "loss": lambda text: symprop.Input(3) >> symprop.Loss(text),
    "network": symprop.parse_network,
    "declarations": read_declarations,
    "where": lambda text: symprop.formula("sum(x)", text),
}


def corpus(*entry_points: str) -> list[Any]:
    """The rows of all files that are meant for some entry points, as parameters of a test."""
    parameters = []
    for path in sorted(FOLDER.glob("*.json")):
        for row in json.loads(path.read_text(encoding="ascii")):
            for entry in row["entry_points"]:
                if entry in entry_points:
                    name = f"{path.stem}-{row['id']}-{entry}"
                    parameters.append(pytest.param(row["input"], entry, row["expected"], id=name))
    return parameters


def text_of(given: Any) -> Any:
    """Put a text together from its pieces."""
    if isinstance(given, dict) and "times" in given:
        return given["text"] * given["times"]
    if isinstance(given, list) and any(isinstance(piece, dict) for piece in given):
        return "".join(text_of(piece) for piece in given)
    return given


def check_message(problem: BaseException) -> None:
    message = str(problem)
    assert message and message.count("\n") <= 2
    assert all(len(line) <= 700 for line in message.split("\n"))
    assert all(letter.isprintable() or letter == "\n" for letter in message), ascii(message)


def check_chain(problem: BaseException) -> None:
    """Say that a traceback shows this error alone: what it was made of inside symprop is nobody's to read."""
    assert problem.__cause__ is None
    assert problem.__context__ is None or problem.__suppress_context__, repr(problem.__context__)


@pytest.mark.parametrize(("given", "entry", "expected"), corpus("formula"))
@pytest.mark.parametrize("question", ["gradient", "hessian"])
def test_a_question_about_a_hostile_formula_is_answered_or_refused(
    given: Any, entry: str, expected: str, question: str
) -> None:
    with at_once():
        try:
            answer = getattr(symprop, question)(text_of(given), "x", x="3", y="3", a="3")
        except errors.SympropError as problem:
            check_message(problem)
            check_chain(problem)
        else:
            assert answer.text() and answer.pretty() and answer.latex()


@pytest.mark.parametrize(("given", "entry", "expected"), corpus(*ENTRY_POINTS))
def test_text(given: Any, entry: str, expected: str) -> None:
    text = text_of(given)
    with at_once():
        try:
            ENTRY_POINTS[entry](text)
        except errors.SympropError as problem:
            assert expected not in {"ok"}
            check_message(problem)
            check_chain(problem)
            if expected not in {"any", "SympropError"}:
                names = {expected} | ({"FormulaError", "SpecError"} if entry in {"activation", "loss"} else set())
                assert type(problem).__name__ in names or (entry == "loss_name" and expected == "SymbolNameError")
        else:
            assert expected in {"any", "ok"}, f"{ascii(text)[:60]} was taken"


@cache
def module() -> ModuleType:
    return compile_network("Input(2) >> Dense(4) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()")


def array_of(given: dict[str, Any]) -> Any:
    """Build the array that a row describes."""
    dtype = np.dtype(given["dtype"])
    values: Any = np.array(given["values"], dtype=dtype)
    if "shape" in given:
        values = values.reshape(given["shape"])
    if given.get("mask"):
        values = np.ma.masked_array(values, mask=np.zeros(values.shape, dtype=bool))
    if given.get("strided"):
        values = np.repeat(values, 2, axis=0)[::2]
    if given.get("fortran"):
        values = np.asfortranarray(values)
    if given.get("readonly"):
        values.flags.writeable = False
    return values


@pytest.mark.parametrize(("given", "entry", "expected"), corpus("module"))
def test_data(given: Any, entry: str, expected: str) -> None:
    x, y = array_of(given["x"]), array_of(given["y"])
    before = (x.copy(), y.copy())
    params = module().init_params(seed=0)
    with at_once():
        try:
            loss, grads = module().loss_and_grads(params, x, y)
        except ValueError as problem:
            assert expected in {"ValueError", "any"}, problem
            check_message(problem)
            check_chain(problem)
        else:
            assert expected in {"finite", "any"}
            if expected == "finite":
                assert np.isfinite(loss) and all(np.isfinite(grad).all() for grad in grads.values())
    for array, copy in zip((x, y), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run the command line in this process; return the exit code and what stands on stderr."""
    with at_once():
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
    return code, capsys.readouterr().err


def check_complaint(complaint: str) -> None:
    lines = complaint.rstrip("\n").split("\n")
    assert 1 <= len(lines) <= 3 and complaint.startswith("symprop: "), complaint
    assert all(len(line) <= 300 for line in lines)
    assert all(letter.isprintable() or letter == "\n" for letter in complaint), ascii(complaint)
    assert "Traceback" not in complaint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one file that must not change."""
    (tmp_path / "kept.txt").write_text("kept")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("given", "entry", "expected"), corpus("cli"))
def test_command_line(given: Any, entry: str, expected: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, complaint = run([text_of(argument) for argument in given], capsys)
    assert code == expected, complaint
    if expected:
        check_complaint(complaint)
    assert os.listdir(folder) == ["kept.txt"] and (folder / "kept.txt").read_text() == "kept"


@pytest.mark.parametrize(("given", "entry", "expected"), corpus("train"))
def test_training_tables(
    given: Any, entry: str, expected: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = text_of(given["csv"])
    if isinstance(table, dict):
        (folder / "t.csv").write_bytes(bytes.fromhex(table["bytes"]))
    else:
        (folder / "t.csv").write_text(TABLE if table is None else "".join(table), encoding="utf-8", newline="")
    arguments = [text_of(argument) for argument in given["args"]]
    code, complaint = run(["train", CLASSIFIER, "--data", "t.csv", "--target", "y", *arguments], capsys)
    assert code == expected, complaint
    if expected:
        check_complaint(complaint)
    assert sorted(os.listdir(folder)) == ["kept.txt", "t.csv"]


LARGE = {
    "parentheses": ("formula", "(" * 10**5 + "x" + ")" * 10**5),
    "terms": ("formula", "x" + "+x" * 10**5),
    "tower": ("formula", "((9**9)**9999)**9999"),
    "ten megabytes": ("formula", "x" * 10**7),
    "a million layers": ("network", "Input(4)" + " >> Tanh()" * 10**6),
    "name": ("variable", "a" * 10**7),
}
PROBE = """
import pathlib, re, sys, time
sys.path.insert(0, sys.argv[1])
import symprop, test_hostile
entry, text = test_hostile.LARGE[sys.argv[2]]
started = time.process_time()
try:
    test_hostile.ENTRY_POINTS[entry](text)
except symprop.SympropError:
    pass
else:
    sys.exit("was taken")
# the peak of this process alone: what getrusage says has the peak of the process that started it in it
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(time.process_time() - started, int(peak[1]) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc, on Linux")
@pytest.mark.parametrize("kind", LARGE)
def test_large_inputs_take_little_memory(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(FOLDER.parent), kind], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < AT_ONCE and megabytes < MEGABYTES


@pytest.mark.parametrize(
    "arguments", [["derive", "x.__class__()"], ["derive", "("], ["derive", "Input(4) >> Dence(2)"]]
)
def test_the_real_command_line_ends_with_2_and_no_traceback(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "symprop", *arguments], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 2 and not done.stdout
    check_complaint(done.stderr)


def test_the_corpus_is_ascii_and_has_no_row_twice() -> None:
    for path in FOLDER.glob("*.json"):
        rows = json.load(io.StringIO(path.read_text(encoding="ascii")))
        assert len({row["id"] for row in rows}) == len(rows) >= 20
