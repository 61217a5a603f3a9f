"""Manners of the command line: examples in every help, standard input and output, JSON, quiet, completion."""

from __future__ import annotations

import argparse
import io
import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from symprop.cli import main
from symprop.commands.completion import subparsers
from symprop.commands.parser import parser_of
from symprop.commands.schemas import ENVELOPE, ERROR, GIVES
from symprop.commands.table import COMMANDS, SHORT, TOUR
from tests.patience import PATIENCE

NETWORK = shlex.split(SHORT)[0]
NOT_RUN = {"serve": "it runs until it is interrupted", "import": "it reads what PyTorch wrote"}
DATA = "a,b,y\n" + "".join(f"{k % 5},{k % 3},{k % 2}\n" for k in range(40))
BACKWARD = "def backward(A, x):\n    return A @ x + A.T @ x\n"


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that examples name."""
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(DATA)
    Path("mine.py").write_text(BACKWARD)
    return tmp_path


def given(monkeypatch: pytest.MonkeyPatch, text: str | bytes) -> None:
    """Let something stand at standard input."""
    data = text.encode() if isinstance(text, str) else text
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command with --json; nothing else is printed than one document."""
    code = main([*arguments, "--json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, json.loads(printed.out)


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field of a document by its path, with the kind of its value."""
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", type(None): "null"}
    if isinstance(value, dict):
        for name, each in value.items():
            yield from flattened(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from flattened(each, f"{path}[]")
    else:
        yield path, kinds[type(value)]


def check_fields(document: dict[str, Any], fields: dict[str, tuple[str, str]]) -> None:
    """Say that a document has the fields that are told of it, and no other."""
    for path, kind in flattened(document):
        allowed = fields[path][0].split(" or ")
        assert kind in allowed or (kind == "integer" and "number" in allowed), (path, kind)
    names = {path.split("[")[0].split(".")[1] for path in fields if path.startswith("result.")}
    assert set(document.get("result", names)) == names


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in NOT_RUN])
def test_the_examples_in_the_help_run_and_their_json_is_as_told(
    name: str, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "predict":
        assert main(shlex.split(COMMANDS["train"].examples[0])) == 0
        capsys.readouterr()
    for number, example in enumerate(COMMANDS[name].examples):
        given(monkeypatch, DATA)
        arguments = [each for each in shlex.split(example) if each != "--json"]
        if number < 2:
            assert main(arguments) == 0, example
            assert capsys.readouterr().out.strip() or "-o" in arguments or "--data" in arguments
        else:
            code, document = answered(capsys, *arguments)
            assert code == 0
            check_fields(document, {**ENVELOPE, **{f"result.{path}": what for path, what in GIVES[name].items()}})


def test_every_command_has_three_examples_that_its_parser_takes_and_tells_its_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of those too that the test above does not run."""
    parser = parser_of()
    assert list(COMMANDS) == list(GIVES) == list(subparsers(parser))
    for name, row in COMMANDS.items():
        sub = subparsers(parser)[name]
        for example in row.examples if name in NOT_RUN else ():
            assert parser.parse_args(shlex.split(example)).name == name
        assert all(f"symprop {example}" in sub.format_help() for example in row.examples)
        assert callable(sub.get_default("run"))
    assert "--show-passes" not in subparsers(parser)["generate"].format_help()
    with pytest.raises(SystemExit):
        main(["generate", "--help-all"])
    everything = capsys.readouterr().out
    assert "--show-passes" in everything and "result.parameters[].name" in everything


def test_symprop_alone_shows_a_tour_of_ten_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == TOUR + "\n"
    assert len(TOUR.splitlines()) == 10


def test_an_equation_with_a_derivative_is_compared_whole(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = r"""\begin{align}
\nabla_w \tfrac12 \|X w - y\|^2 &= X^\top (X w - y). \label{right} \\
\frac{\partial\, x^\top A x}{\partial x} &= 2 A x \label{wrong} \\
f(x) &= x^\top A x \label{formula}
\end{align}
"""
    given(monkeypatch, paper)
    assert main(["compare", "-", "--equation", "right"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1:] == ["X: m n, w: n, y: m", "equal: identical after simplification"]
    assert main(["compare", r"\frac{\partial\, x^\top A x}{\partial x} = 2 A x"]) == 1
    assert "they are equal if A is symmetric" in capsys.readouterr().out
    given(monkeypatch, paper)
    assert main(["compare", "-", "--equation", "formula"]) == 2
    assert "compare takes two formulas" in capsys.readouterr().err


def test_standard_input_and_output_stand_where_files_do(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def out(text: str | bytes, *arguments: str) -> str:
        given(monkeypatch, text)
        assert main(arguments) == 0, arguments
        return capsys.readouterr().out

    assert out(NETWORK, "derive", "-") == out("", "derive", NETWORK)
    assert out(NETWORK, "derive", "-", "-o", "-") == out("", "derive", NETWORK)
    assert out("x @ A @ x", "gradient", "-") == out("", "gradient", "x @ A @ x")
    assert out("A @ x", "compare", "-", "x @ A.T") == out("", "compare", "A @ x", "x @ A.T")
    Path("paper.tex").write_text("\\begin{equation}\nf = x^\\top A x\n\\end{equation}\n")
    of_file = out("", "compare", "paper.tex", "--equation", "1", "--with", "x @ A @ x")
    piped = out(Path("paper.tex").read_text(), "compare", "-", "--equation", "1", "--with", "x @ A @ x")
    assert piped == of_file.replace("paper.tex", "-", 1)
    backward = ("certify", "-", "--formula", "x @ A @ x", "--wrt", "x")
    assert "right: dx agrees" in out(BACKWARD, *backward)
    fit = ("train", "Input(2) >> Dense(2) >> SoftmaxCrossEntropy()", "--target", "y", "--epochs", "1")
    given(monkeypatch, DATA)
    binary = io.TextIOWrapper(io.BytesIO())
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", binary)
        assert main([*fit, "--data", "-", "-o", "-"]) == 0
    weights = binary.buffer.getvalue()  # type: ignore[attr-defined]
    assert weights.startswith(b"PK") and "rows to train on" in capsys.readouterr().err
    predicted = out(weights, "predict", "-", "--data", "data.csv")
    assert predicted.splitlines()[0] == "y" and len(predicted.splitlines()) == 41
    given(monkeypatch, "")
    assert main(["derive", "-"]) == 2
    assert "standard input is empty" in capsys.readouterr().err
    assert sorted(path.name for path in workplace.iterdir()) == ["data.csv", "mine.py", "paper.tex"]


def test_commands_take_what_they_get(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network, a formula, LaTeX or a file of one of them: `gradient` and `derive` do what is meant."""

    def out(*arguments: str) -> str:
        assert main(arguments) == 0, arguments
        return capsys.readouterr().out

    net = "Input(3) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()"
    assert out("gradient", net) == out("derive", net)
    one = out("gradient", net, "--wrt", "W1")
    assert "∂L/∂W₁ = δ₁ xᵀ" in one and "∂L/∂b₁" not in one and "∂L/∂W₂" not in one and "δ₂ = z₂ − y" in one
    assert out("gradient", net, "--format", "numpy") == out("generate", net)
    assert "1. sum" in out("gradient", net, "--wrt", "W1", "--format", "steps")
    for name, text in (("f.txt", "x @ A @ x"), ("f.tex", r"x^\top A x"), ("net.txt", net)):
        Path(name).write_text(text + "\n")
        assert out("gradient", name) == out("gradient", text)
        assert out("derive", name) == out("derive", text)
    assert main(["hessian", net]) == 2
    assert "is a network, not a formula" in capsys.readouterr().err


def test_errors_and_warnings_are_json_with_the_same_exit_code(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases: list[tuple[int, str, list[str]]] = [
        (2, "SpecError", ["derive", "Input(3) >> Dens(2) >> MeanSquaredError()"]),
        (2, "SpecError", ["derive", NETWORK, "--format", "word"]),
        (2, "FormulaError", ["gradient", "x @ (A"]),
        (4, "OutputError", ["derive", "./none.txt"]),
        (4, "OutputError", ["generate", NETWORK, "-o", "none/net.py"]),
        (3, "LimitError", ["gradient", "x + " * 200_000 + "x"]),
    ]
    for code, kind, arguments in cases:
        found, document = answered(capsys, *arguments)
        assert (found, document["exit_code"], document["error"]["kind"]) == (code, code, kind), arguments[:2]
        check_fields(document, {**ENVELOPE, **ERROR})
        assert main(arguments) == code
        told = capsys.readouterr()
        assert told.out == "" and told.err.startswith(f"symprop: {document['error']['message'].splitlines()[0][:100]}")
    _, document = answered(capsys, "gradient", "x @ (A")
    assert document["error"]["column"] is not None
    doubtful = "Input(3) >> Dense(2) >> Softmax() >> SoftmaxCrossEntropy()"
    code, document = answered(capsys, "derive", doubtful)
    assert code == 0 and len(document["warnings"]) == 1
    assert main(["derive", doubtful]) == 0
    assert document["warnings"][0] in capsys.readouterr().err
    assert main(["derive", doubtful, "-q", "-o", "page.txt"]) == 0
    assert capsys.readouterr() == ("", "")
    code, document = answered(capsys, "derive", NETWORK, "-o", "page.txt")
    assert document["written"] == ["page.txt"] and Path("page.txt").read_text().startswith(
        document["result"]["text"] + "\n# "
    )


# ---------------------------------------------------------------- completion


COMPLETED: dict[str, set[str]] = {
    "gra": {"gradient"},
    "derive --form": {"--format"},
    "derive --format ": {"pretty", "text", "latex", "html"},
    "derive --format la": {"latex"},
    "train net.txt --scale l": {"largest"},
    "completion ": {"bash", "zsh", "fish"},
    "certify mi": {"mine.py"},
    "check --target nu": {"numpy", "numba"},
    "train --data da": {"data.csv"},
    "derive --steps ": set(),
    "generate --wr": set(),  # for those who work on symprop
}
"""What stands behind `symprop`, and what a shell makes of the last word."""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def run(shell: str, text: str) -> str:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-c", text], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stderr == ""
    return done.stdout


def test_bash_completes(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [script("bash", capsys)]
    for typed in COMPLETED:
        words = ["symprop", *typed.split(" ")]
        quoted = " ".join(map(shlex.quote, words))
        lines.append(f'COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _symprop; echo "${{COMPREPLY[*]}}"')
    found = run("bash", "\n".join(lines)).split("\n")
    assert [set(line.split()) for line in found[: len(COMPLETED)]] == list(COMPLETED.values())


def test_fish_completes(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "\n".join(f"complete -C {shlex.quote('symprop ' + typed)}; echo ." for typed in COMPLETED)
    found = run("fish", f"{script('fish', capsys)}{asked}").split(".\n")
    told = [{line.split("\t")[0] for line in part.splitlines()} for part in found[: len(COMPLETED)]]
    assert told == list(COMPLETED.values())


def test_zsh_reads_its_script_and_it_has_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    text = script("zsh", capsys)
    run("zsh", f"autoload -U compinit; compinit -D -u\n{text}")
    options = [name for sub in subparsers(parser_of()).values() for name in told_options(sub)]
    assert options and all(f"'{name}[" in text for name in options)


def told_options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The options in the help of a command."""
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            yield from action.option_strings


SLIPS = {
    ("hessian", "x @ A @ x", "--symmetric", "pairs"): "--vec vech",
    ("gradient", "x @ A @ x", "--vec", "columns"): "jacobian and hessian have it",
    ("gradient", "x @ A @ x", "-wrt", "x"): "did you mean '--wrt'?",
    ("derive", "x @ x", "--layuot=rows"): "did you mean '--layout'?",
    ("derive", "x @ x", "--target", "jax"): "--target is an option of generate, check, train",
    ("gradient", "x", "@", "A"): "quotes around what has spaces",
    ("hessian", "x @ A @ x", "x"): "--wrt x for the variable",
    ("derve", "x @ x"): "did you mean 'derive'?",
    ("jacobian", "A @ x", "--vec", "colums"): "did you mean 'columns'?",
    ("gradient", "x @ A @ x", "--where", "A: n n, x: n, Q: n"): "the formula has no 'Q' to declare",
    ("gradient", r"x^\top A x", "--where", "A: n n, x: n, Q: n"): "the formula has no 'Q' to declare",
    ("derive", "x @ A @ x", "--where", "A: n n, x: n, Q: n"): "the formula has no 'Q' to declare",
    ("compare", "A @ x", "x @ A.T", "--where", "A: n n, x: n, Q: n"): "the formula has no 'Q' to declare",
}


def test_a_slip_is_told_with_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    for typed, told in SLIPS.items():
        assert main(list(typed)) == 2, typed
        assert told in capsys.readouterr().err, typed


def test_a_terminal_is_told_nothing_beside_an_outcome_that_was_asked_for_alone(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("symprop.verify.gathering.PATIENCE", -1.0)
    network = "Input(1) >> Dense(1) >> MeanSquaredError()"
    for options, is_told in ((["--json"], False), (["-q"], False), ([], True)):
        assert main(["check", network, *options]) == 0
        assert ("checking" in capsys.readouterr().err) is is_told
