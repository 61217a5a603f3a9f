"""`symprop certify`: what it prints, the code it ends with; a user's file is run, and no trace of it is left."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from symprop.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_backward.py"
FORMULA = "softmax(Q @ K.T / sqrt(d)) @ V"
RIGHT = """
from dataclasses import dataclass
import beside


@dataclass
class Saved:
    x: object


def backward(W, x, b, g):
    import beside_later
    return {"W": beside.outer(g, x), "x": Saved(W).x.T @ g, "b": g}


def layer(params, x, y):
    d = (x @ params["W1"].T + params["b1"] - y) / len(x)
    return {"dW1": d.T @ x, "db1": d.sum(0)}


lines = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(RIGHT)
    (tmp_path / "beside.py").write_text("import numpy as np\n\ndef outer(g, x):\n    return np.outer(g, x)\n")
    (tmp_path / "beside_later.py").write_text("")
    (tmp_path / "broken.py").write_text("import numpy\nraise RuntimeError('no GPU\\nhere')\n")
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "wrong.py").write_text("def backward(x, g):\n    return x[:\n")
    (tmp_path / "net.txt").write_text("Input(3) >> Dense(2) >> MeanSquaredError()\n")
    return tmp_path


def test_a_wrong_backward_pass_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", f"{EXAMPLE}:attention_backward", "--formula", FORMULA, "--wrt", "Q,K,V"]) == 1
    said = capsys.readouterr().out
    assert (
        "dQ        WRONG    7.3e-01" in said
        and "dS has the factor sqrt(d) too many" in said
        and "; dV is right" in said
        and "1.732" in said
    )


def test_a_right_one_ends_with_0_and_leaves_nothing_behind(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before, known = list(sys.path), set(sys.modules)
    assert main(["certify", "mine.py", "--formula", "W @ x + b", "--where", "W: m n, x: n, b: m"]) == 0
    assert "right: dW, dx and db agree" in capsys.readouterr().out
    assert main(["certify", f"{folder}/mine.py:layer", "--network", "net.txt"]) == 0
    assert main(["certify", "mine.py:layer", "--network", "Input(n) >> Dense(k) >> MeanSquaredError()"]) == 0
    assert main(["certify", "mine.py", "--formula", "W @ x - b", "--where", "W: m n, x: n, b: m"]) == 1
    assert sys.path == before and not {"mine", "beside", "beside_later"} & (set(sys.modules) - known)
    assert sorted(path.name for path in folder.iterdir() if not path.suffix) == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["none.py:f", "--formula", "x @ x"], 4, "cannot read 'none.py': there is no such file"),
        ([".", "--formula", "x @ x"], 2, "names no function"),
        (["mine.py:bakward", "--formula", "x @ x"], 2, "mine.py has no function 'bakward' (did you mean 'backward'?)"),
        (["mine.py:lines", "--formula", "x @ x"], 2, "mine.py has no function 'lines'"),
        (["broken.py", "--formula", "x @ x"], 2, "broken.py raises RuntimeError: no GPU"),
        (["leaving.py", "--formula", "x @ x"], 2, "leaving.py raises SystemExit: 0 (leaving.py, line 2)"),
        (["wrong.py", "--formula", "x @ x"], 2, "wrong.py raises SyntaxError"),
        (["mine.py", "--formula", "x @ x", "--network", "Input(2)"], 2, "--formula or --network, not both"),
        (["mine.py", "--formula", "x @ x"], 2, "asks for 'W'"),
        (["mine.py"], 2, "there is no backward pass"),
        (["mine.py", "--formula", "x @"], 2, "x @"),
        (["mine.py:layer", "--network", "net.txt", "--sizes", "n=3"], 2, "has no size 'n'"),
    ],
)
def test_bad_input_is_told_in_three_lines(
    folder: Path,
    arguments: list[str],
    code: int,
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    assert main(["certify", *arguments]) == code
    said = capsys.readouterr().err
    assert told in said and len(said.splitlines()) <= 3
    assert not os.path.exists("__pycache__")


def test_the_page_of_certify_shows_this_command() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "certify.md").read_text(encoding="utf-8")
    assert f'symprop certify examples/my_backward.py:attention_backward --formula "{FORMULA}" --wrt Q,K,V' in page


def test_only_the_command_runs_a_file_of_the_users() -> None:
    package = EXAMPLE.parents[1] / "symprop"
    sources = {path.relative_to(package).as_posix(): path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    assert [name for name, source in sources.items() if "certify.loading" in source] == ["commands/certify.py"]
    assert [name for name, source in sources.items() if "exec_module" in source] == ["certify/loading.py"]
