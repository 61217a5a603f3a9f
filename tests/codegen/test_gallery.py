"""The committed gallery is what the generator makes today, byte for byte; its own tests pass; ruff has no wish."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from example_networks import EXAMPLES

from symprop import derive
from symprop.algebra.shapes import shape_text
from symprop.codegen import gallery, generate
from symprop.codegen.program import HELPERS
from symprop.errors import OutputError


def test_generated_is_fresh() -> None:
    assert gallery.check() == []


def test_an_installed_package_has_no_gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "FOLDER", tmp_path / "generated")
    for function in (gallery.check, gallery.write):
        with pytest.raises(OutputError, match="belongs to a checkout of the repository; this is an installed package"):
            function(gallery.FOLDER)


@pytest.mark.parametrize("name", [example.name for example in gallery.GALLERY])
def test_the_tests_of_an_example_pass(name: str) -> None:
    path = gallery.FOLDER / name / f"test_{name}.py"
    spec = importlib.util.spec_from_file_location(f"generated_test_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for key, value in vars(module).items() if key.startswith("test_")]
    assert len(tests) >= 4
    for test in tests:
        test()


WRITES = re.compile(r"(?:np\.copyto\(|np\..*out=)?(\w+)(?:\[\.\.\.\])?(?: [-+*/]?= |, |\)$)")
"""A line that writes: an assignment, an update in place, or a call into memory that has the name."""


def numbered(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number and the text of each numbered comment, and the last name assigned below it."""
    lines = [line.strip() for line in source.replace("\n    #     ", " ").splitlines()]
    starts = [place for place, line in enumerate(lines) if re.match(r"# \(\d+\) ", line)]
    ends = {*starts, *(place for place, line in enumerate(lines) if re.match(r"# \S+ = .*   \(.*\)$", line))}
    for start in starts:  # what stands in evaluation for an equation of training has no number
        below = next(
            place for place in range(start, len(lines)) if not lines[place] or (place in ends and place > start)
        )
        names = [found[1] for line in lines[start:below] if (found := WRITES.match(line)) and not line.startswith("#")]
        number, text = lines[start][3:].split(") ", 1)
        yield int(number), text, names[-1]


@pytest.mark.parametrize("fast", [False, True], ids=["to read", "fast"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_comment_is_the_equation_with_its_number(example: gallery.Example, fast: bool) -> None:
    derivation = derive(example.network, layout="rows")
    equations = {derivation.numbers[equation.name]: equation for equation in derivation.equations}
    source = generate(derivation, example.dtype, example.optimizer, fast=fast)
    seen = set()
    for number, text, name in numbered(source):
        equation = equations[number]
        assert (text.split(), name) == (
            [*equation.pretty().split(), *shape_text(equation.target.shape).split()],
            equation.name,
        )
        seen.add(number)
    assert seen == set(equations)


def test_ruff_would_change_nothing() -> None:
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", str(gallery.FOLDER)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "GALLERY", gallery.GALLERY[:2])
    gallery.write(tmp_path)
    assert gallery.check(tmp_path) == []
    module = tmp_path / "two_two_one" / "two_two_one.py"
    module.write_text(module.read_text(encoding="utf-8").replace("a1 = ", "a1 =  "), encoding="utf-8")
    (tmp_path / "digits" / "derivation.txt").unlink()
    (tmp_path / "digits" / "notes.txt").write_text("mine")
    (tmp_path / "stranger").mkdir()
    wrong = "\n".join(gallery.check(tmp_path))
    assert "two_two_one.py differs from line" in wrong
    assert "derivation.txt is missing" in wrong
    assert "notes.txt is not of the gallery" in wrong
    assert "stranger is not of the gallery" in wrong
    gallery.write(tmp_path)
    assert gallery.check(tmp_path)[0].endswith("notes.txt is not of the gallery")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert gallery.check(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'} is missing"]


@pytest.mark.parametrize("fast", [False, True], ids=["to read", "fast"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_module_defines_no_helper_that_it_does_not_call(example: gallery.Example, fast: bool) -> None:
    source = generate(example.network, example.dtype, example.optimizer, fast=fast)
    code = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith("#"))
    for helper in HELPERS:
        if f"def {helper}(" in code:
            assert len(re.findall(rf"(?<![\w.]){helper}\(", code)) > 1, helper
