"""`symprop diff`: what it prints, where it writes, its exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import symprop
from symprop.cli import main
from symprop.commands.differences import WRITERS, print_difference

A = "Input(4) >> Dense(4) >> Tanh() >> Dense(4) >> Tanh() >> MeanSquaredError()"
SMALL = "Input(4) >> Dense(4) >> MeanSquaredError()"
B = "Input(4) >> Dense(4) >> Tanh() >> Residual(Dense(4) >> Tanh()) >> MeanSquaredError()"
HOSTILE = Path(__file__).parents[1] / "hostile" / "specs.json"


def run(*arguments: str) -> int:
    return main(["diff", *arguments])


def test_the_difference_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(A, B) == 0
    out = capsys.readouterr().out
    assert out == symprop.diff(A, B).pretty() + "\n" and "\x1b" not in out and "^^^" in out


def test_networks_that_are_the_same_end_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(A, A) == 0
    assert "the networks are the same: no equation changes" in capsys.readouterr().out


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
def test_each_format_is_written(format: str, layout: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "difference"
    assert run(A, B, "--format", format, "--layout", layout, "-o", str(path)) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == f"wrote {path}\n"
    difference = symprop.diff(A, B, layout=layout)
    expected = {
        "pretty": difference.pretty,
        "text": difference.text,
        "latex": difference.latex,
        "html": difference.html,
    }[format]()
    *lines, mark = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert "\n".join(lines) == expected.rstrip("\n") and "written by symprop" in mark


def test_networks_come_from_files_and_sizes_go_where_they_belong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Input(n) >> Dense(n) >> MeanSquaredError()\n", encoding="utf-8")
    other = "Input(n) >> Dense(k) >> Dense(n) >> MeanSquaredError()"
    assert run(str(path), other, "--sizes", "n=3,k=5") == 0
    out = capsys.readouterr().out
    assert "- Input(3) >> Dense(3)" in out and "+ Input(3) >> Dense(5) >> Dense(3)" in out
    assert run(str(path), other, "--sizes", "q=3") == 2
    assert "neither network has a size 'q'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((A, "Input(4) >> Dens(3)"), 2),
        (("Input(4) >> Dens(3)", A), 2),
        ((A, ""), 2),
        ((A,), 2),
        ((A, B, "--format", "pdf"), 2),
        ((A, B, "--layout", "diagonal"), 2),
        ((A, "/no/such/file"), 4),
        ((A, B, "-o", "/no/such/folder/file"), 4),
        ((A, "Input(4) >> Repeat(Dense(4), 1000000)"), 3),
    ],
)
def test_wrong_input_ends_with_its_code(
    arguments: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found = run(*arguments)
    except SystemExit as ended:
        found = int(ended.code or 0)
    captured = capsys.readouterr()
    assert found == code and captured.out == ""
    assert 0 < captured.err.count("\n") <= 3 and "Traceback" not in captured.err


def test_hostile_networks_are_refused_on_either_side(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in json.loads(HOSTILE.read_text(encoding="ascii")) if row["expected"] == "SpecError"]
    tried = [row["input"] for row in rows if isinstance(row["input"], str) and "network" in row["entry_points"]]
    assert len(tried) > 20
    for number, text in enumerate(tried):
        try:
            code = run(*((text, SMALL), (SMALL, text))[number % 2])
        except SystemExit as ended:
            code = int(ended.code or 0)
        assert code in (2, 4), text
        assert capsys.readouterr().err.count("\n") <= 3


def coloured(no_color: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=True, color_system="truecolor", width=120, highlight=False, no_color=no_color
    )
    print_difference(symprop.diff(A, B), "pretty", console)
    return file.getvalue()


def test_a_terminal_has_colours_in_place_of_marks_below() -> None:
    page = coloured()
    assert "\x1b[1;32m + I\x1b[0m" in page and "^" not in page
    assert "\x1b[32m+ (5)  a₂ = \x1b[0m" in page


def test_no_colour_where_it_is_not_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert coloured(no_color=True) == "" and "^^^" in capsys.readouterr().out


def test_help_says_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    assert "exit code is 0" in " ".join(capsys.readouterr().out.split())
