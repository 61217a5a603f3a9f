"""The corpus of hostile inputs: each is refused with the right error, in at most three lines, harming nothing.

`hostile_cases.py` says what a row is; `trust/hostile.py` asks each in a process that may use little.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symprop
from symprop import errors
from symprop.cli import main
from symprop.codegen import compile_network
from tests.hostile_cases import (
    CLASSIFIER,
    ENTRY_POINTS,
    FOLDER,
    TABLE,
    array_of,
    check_complaint,
    check_message,
    text_of,
)
from tests.patience import PATIENCE, at_once
from trust import calls


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


SMALL = "Input(3) >> Dense(2) >> MeanSquaredError()"


def test_an_argument_of_another_type_is_told_with_what_is_allowed() -> None:
    api: Any = symprop  # a checker would refuse these calls
    for call, told in (
        (lambda: api.report(SMALL, title=3), "report takes a text or None as title, not 3"),
        (lambda: api.compare("x", "x", None), "compare takes a text as declarations, not None"),
        (lambda: api.check(SMALL, seed="zz"), "check takes a whole number as seed, not 'zz'"),
        (
            lambda: api.check(SMALL, sizes=3),
            "check takes a mapping from texts to whole numbers or None as sizes, not 3",
        ),
        (lambda: api.derive(SMALL).gradient(None), "gradient takes a text as parameter, not None"),
        (lambda: api.diagram(3), "diagram takes a Derivation as derivation, not 3"),
    ):
        with pytest.raises(errors.SpecError) as caught:
            call()
        assert str(caught.value) == told


def test_public_calls_refuse_wrong_types_in_words() -> None:
    """Here one value in the place of each argument; `python -m trust "hostile inputs" --long` gives all."""
    some = [each for each in calls.asked() if each["value"] == "an object"]
    assert len({each["call"] for each in some}) > 100
    for each in some:
        calls.put(each)


def test_labels_of_a_file_are_printed_so_that_no_terminal_obeys_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label = "\x1b[31mred\u202e"
    (folder / "t.csv").write_text(TABLE.replace("no", label), encoding="utf-8")
    assert main(["train", CLASSIFIER, "--data", "t.csv", "--target", "y", "--lr", "0.1", "-o", "w.npz"]) == 0
    capsys.readouterr()
    assert main(["predict", "w.npz", "--data", "t.csv"]) == 0
    printed = capsys.readouterr().out
    assert set(printed.split()) == {"y", "yes", r"\x1b[31mred\u202e"}
    assert main(["predict", "w.npz", "--data", "t.csv", "-o", "out.csv"]) == 0  # what programs read is as it was
    assert set((folder / "out.csv").read_text(encoding="utf-8").split()) == {"y", "yes", label}
    assert main(["predict", "w.npz", "--data", "t.csv", "--json"]) == 0
    printed = capsys.readouterr().out
    assert printed.strip().isprintable()
    assert set(json.loads(printed)["result"]["predictions"]) == {"yes", label}


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


CANARY = """
import json, os, pathlib, socket, sys, time
from trust import confined
outside = pathlib.Path(sys.argv[1]) / "outside"
bad = {
    "a process": lambda given: os.system("true"),
    "a file": lambda given: outside.write_text("x"),
    "a socket": lambda given: socket.socket().connect(("127.0.0.1", 9)),
    "code": lambda given: eval("1"),
    "memory": lambda given: bytearray(600 * 2**20),
    "the secret": lambda given: print(os.environ[confined.SECRET]),
    "the file": lambda given: pathlib.Path(confined.KEPT).write_text("other"),
    "a mistake": lambda given: 1 / 0,
    "nothing": lambda given: None,
}
confined.DOORS.update(bad)
canary = confined.Canary()
print(json.dumps({door: confined.confined({"door": door, "input": None}, canary)["wrong"] for door in bad}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process takes is read from /proc, on Linux")
def test_the_canary_notices_what_is_done(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CANARY, str(tmp_path)],
        cwd=FOLDER.parents[1],
        env={**os.environ, "SYMPROP_CANARY": "secret-of-the-test"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert not told.pop("nothing")
    assert all(told.values()), told
