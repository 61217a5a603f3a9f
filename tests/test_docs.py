"""What README.md shows is what happens: its Python is run as doctests, its commands are run and compared."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

import symprop
from symprop.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def blocks(language: str, page: str = README) -> list[str]:
    """Return the fenced blocks of a page, of README.md if none is given, in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def run_blocks(found: list[str], page: str) -> int:
    """Run blocks of Python that share their names, and return how many examples of doctest were tried.

    A block without a `>>>` line is a program: it defines what the blocks after it use.
    """
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    parser = doctest.DocTestParser()
    names: dict[str, object] = {}
    said: list[str] = []
    for number, block in enumerate(found, start=1):
        test = parser.get_doctest(block, names, f"{page}, Python block {number}", page, 0)
        if not test.examples:
            exec(compile(block, f"{page}, Python block {number}", "exec"), names)
            continue
        runner.run(test, clear_globs=False, out=said.append)
        names = test.globs
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
    return runner.tries


def commands() -> list[tuple[str, str]]:
    """Return each `$ symprop ...` of the console blocks, and the output shown below it."""
    shown = "\n".join(blocks("console"))
    parts = re.split(r"^\$ ", shown, flags=re.MULTILINE)[1:]
    pairs = [part.split("\n", 1) for part in re.sub(r"\\\n\s*", "", "\0".join(parts)).split("\0")]
    return [(command, output) for command, output in pairs if command.startswith("symprop ")]


def test_the_commands_of_the_page_of_matrix_calculus_run() -> None:
    page = (ROOT / "docs" / "matrix-calculus.md").read_text(encoding="utf-8")
    shown = [line.strip() for line in page.splitlines() if line.startswith("    symprop ")]
    assert len(shown) == 7
    for command in shown:
        assert main(shlex.split(command)[1:]) == 0


def test_the_python_of_the_readme_runs_and_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_blocks(blocks("python"), "README.md") > 0


@pytest.mark.parametrize(("command", "shown"), commands(), ids=[command.split()[1] for command, _ in commands()])
def test_the_commands_of_the_readme_print_what_it_shows(
    command: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed, _ = run_command(command.replace("examples/", f"{ROOT}/examples/"))
    check_printed(printed, shown)


def run_command(command: str) -> tuple[str, str]:
    """Run a `symprop` command in this process; return what it prints, and that with what it complains of in between."""
    both = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)

    class Printed(io.TextIOWrapper):
        def write(self, text: str, /) -> int:
            both.write(text)
            return super().write(text)

    out = Printed(io.BytesIO(), encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(both):
        patch.setenv("COLUMNS", "120")
        code = main(shlex.split(command)[1:])
    printed, said = (each.buffer.getvalue().decode() for each in (out, both))  # type: ignore[attr-defined]
    assert code == 0, said
    return printed, said


def check_printed(printed: str, shown: str) -> None:
    """Say that a command printed what a page shows, where `...` is anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(without_errors(shown), without_errors(printed), flags), printed


def without_errors(text: str) -> str:
    """Return a certificate without its measured errors, the last bits of which are the machine's."""
    return re.sub(r"\b[\d.]+e-\d+\b", "#", text)


def test_the_readme_fits_on_two_screens() -> None:
    assert len(README.splitlines()) <= 140


def test_the_make_targets_of_the_texts_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    texts = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", texts))
    assert named
    assert named <= targets


def test_the_files_that_the_texts_name_exist() -> None:
    """A path in a text is the end of that of a file here: `walk.py`, `calculus/walk.py`."""
    folders = ("symprop", "templates", "tests", "docs", "examples", "benchmarks", "trust")
    there = [f"/{path.relative_to(ROOT)}" for name in folders for path in (ROOT / name).rglob("*.*")]
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for named in re.findall(r"`([\w./]+\.(?:py|j2))`", page.read_text(encoding="utf-8")):
            assert any(path.endswith(f"/{named}") for path in there), (page.name, named)


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = symprop.__version__
    assert PROJECT["dynamic"] == ["version"]  # read from symprop/version.py
    assert f"\nversion: {version}\n" in citation
    assert f"\n## [{version}] - " in changelog


def test_the_citation_has_what_the_format_asks_for() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    keys = re.findall(r"^([a-z-]+):", citation, flags=re.MULTILINE)
    assert {"cff-version", "message", "title", "authors"} <= set(keys)
    assert len(keys) == len(set(keys))


def test_every_dependency_is_imported_and_every_import_is_a_dependency() -> None:
    """The list of dependencies is neither too long nor too short."""
    imported: set[str] = set()
    for path in (ROOT / "symprop").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    outside = {name for name in imported if name not in sys.stdlib_module_names} - {"symprop"}
    declared = {re.split(r"[<>=]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert outside == declared


def test_each_text_is_ascii_where_it_is_code_that_others_paste() -> None:
    """Commands and Python to copy hold no quotes or dashes that a keyboard does not have."""
    typed = "\n".join(re.findall(r"^(?:\$|>>>|\.\.\.) (.*)$", README, flags=re.MULTILINE))
    assert typed.isascii()


def test_the_oldest_versions_are_those_that_are_promised() -> None:
    """`make test-oldest` tests each lower bound of pyproject.toml; tools whose output changes have an upper one too."""
    optional = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(each for name in ("numba", "docs", "test") for each in optional[name])]
    promised = dict(each.split(">=") for each in wanted if ">=" in each and "," not in each)
    pinned = dict(line.split("==") for line in (ROOT / "tests" / "oldest.txt").read_text().splitlines())
    assert sorted(pinned) == sorted(promised)
    for name, version in promised.items():
        assert f"{pinned[name]}.".startswith(f"{version}."), name


def test_derivatives_are_taken_with_respect_to_something() -> None:
    """In English a derivative is not *by* a variable."""
    by = re.compile(
        r"derivatives?(?: of (?:the|a) (?:\w+ )?(?:loss|formula|value))?\s+by\s+"
        r"(?:[`$]|the (?!complex|central)|an? |each |one |\{|[A-Za-z]\d?\b)"
    )
    folders = {"symprop": "*.py", "templates": "*.j2", "docs": "*.md", "examples": "*.py"}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for folder, pattern in folders.items():
        pages += sorted((ROOT / folder).rglob(pattern))
    found = [f"{page.name}: {said[0]}" for page in pages for said in by.finditer(page.read_text(encoding="utf-8"))]
    assert found == []
