"""The examples run as people run them, and reach what they promise."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symprop
from symprop.training import train

ROOT = Path(__file__).parents[1]


def run(example: str, *options: str | Path) -> str:
    """Run an example in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / example, *options],
        env={**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What `make run` prints, and the folder that it writes."""
    folder = tmp_path_factory.mktemp("digits")
    return run("digits.py", "--output", folder), folder


def test_digits_reaches_97_percent_on_digits_that_training_has_not_seen(digits: tuple[str, Path]) -> None:
    printed, _ = digits
    found = re.search(r"(\d+) of (\d+) held-out digits right: accuracy ([\d.]+)%", printed)
    assert found, printed[-500:]
    right, count = int(found[1]), int(found[2])
    assert count == 359
    assert right / count >= 0.97


def test_the_readme_shows_what_make_run_prints(digits: tuple[str, Path]) -> None:
    """Line by line and in order; digits after the decimal point of loss and accuracy may be another machine's."""
    printed, _ = digits
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```\n\$ make run\n(.*?)^```$", readme, flags=re.MULTILINE | re.DOTALL)
    rest = iter(printed.splitlines())
    measured = ("...", "training ", "in build/digits", "353 of 359")
    for line in shown.splitlines():
        assert line.startswith(measured) or line in rest, line


def test_digits_writes_report_formulas_module_and_certificate(digits: tuple[str, Path]) -> None:
    _, folder = digits
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}
    assert set(written) == {"report.txt", "report.html", "report.tex", "digits.py", "certificate.txt"}
    assert "δ" in written["report.txt"]
    assert "<math" in written["report.html"]
    assert "\\delta" in written["report.tex"]
    assert imports(written["digits.py"]) == {"numpy"}
    assert "W1" in written["certificate.txt"]


def test_the_convolutional_network_reads_digits_that_training_has_not_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the precision of the example; 355 and not 357 of 359, since rounding on another machine moves some."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    example = importlib.import_module("digits_cnn")
    found = example.learned(symprop.parse_network(example.NETWORK), epochs=10, seed=0)
    assert found.rows == 359
    assert found.right >= 355


@pytest.mark.slow
def test_digits_cnn_writes_certificate_module_and_report(tmp_path: Path) -> None:
    printed = run("digits_cnn.py", "--output", tmp_path, "--epochs", "1")
    assert re.search(r"certificate: \d+ checks, all agree", printed)
    assert {path.name for path in tmp_path.iterdir()} == {"certificate.txt", "digits_cnn.py", "report.html"}
    assert imports((tmp_path / "digits_cnn.py").read_text(encoding="utf-8")) == {"numpy"}


def test_names_learns_and_makes_up_twenty_new_names() -> None:
    printed = run("names.py", "--epochs", "3")
    training, held_out = (float(number) for number in re.findall(r"names: ([\d.]+)$", printed, flags=re.MULTILINE))
    assert training < 2.4  # a model that knows only how often each character stands anywhere has 2.81
    assert held_out < 2.4
    made_up = printed.rsplit("new names:", 1)[1].replace(",", " ").split()
    known = set((ROOT / "examples" / "data" / "names.txt").read_text(encoding="ascii").split())
    assert len(set(made_up)) == 20
    assert not known & set(made_up)


def imports(source: str) -> set[str]:
    """Return the modules that a source imports, `from __future__` aside."""
    found: set[str] = set()
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            found.add(statement.module or "")
    return found - {"__future__"}


def test_a_gpt_makes_up_names_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three epochs: enough to be better than a model that knows only how often each character stands anywhere."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    example = importlib.import_module("gpt")
    names = [name for part in example.split(0) for name in part]
    module = symprop.compile(symprop.parse_network(example.NETWORK), dtype="float32", optimizer=example.OPTIMISER)
    x, y = example.sequences(names[::5])
    params = train(module, x, y, epochs=3, batch=example.BATCH, seed=0).params
    assert module.loss(params, *example.sequences(names[1::5]), training=False) < 2.7
    new = example.new_names(module, params, 20, set(names), seed=0)
    assert len(set(new)) == 20
    assert not set(new) & set(names)


def test_an_lstm_makes_up_names_with_fewer_parameters() -> None:
    """Two epochs instead of 30: the loss that all reach stands in docs/names-lstm.md."""
    printed = run("names_lstm.py", "--epochs", "2")
    found = dict(re.findall(r"(loss on the held-out names|make names, held-out names): [\d.]+ with ([\d,]+)", printed))
    ours, theirs = (int(found[what].replace(",", "")) for what in sorted(found))
    assert (ours, theirs) == (11_564, 11_897)
    assert len(printed.partition("new names: ")[2].split(", ")) == 20


def test_gpt2_has_a_name_for_every_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself wants PyTorch and transformers: `python examples/gpt2.py`."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    example = importlib.import_module("gpt2")
    sizes = example.Sizes(layers=3, width=8, heads=2, ids=11, positions=16, tokens=4)
    ours = [name for names in example.names_there(sizes.layers).values() for name in names]
    assert sorted(ours) == sorted(each.name for each in symprop.parse_network(sizes.network).parameters)
    assert len(example.names_there(12)) == 148
