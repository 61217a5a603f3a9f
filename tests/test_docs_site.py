"""The site: its examples run, its rules are proved, it builds without a warning, and asks nothing of a network."""

from __future__ import annotations

import doctest
import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest
import sympy

import symprop
from symprop.algebra.nodes import NODE_KINDS
from symprop.calculus.rules import RULES
from symprop.commands.completion import subparsers
from symprop.commands.parser import parser_of
from symprop.commands.table import COMMANDS
from symprop.finishing.touches import TOUCHES
from tests.samples import SAMPLES
from tests.test_docs import blocks, check_printed, run_blocks, run_command

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NAMES = [str(page.relative_to(DOCS)) for page in PAGES]

OF_EVERY_COMMAND = ("--help", "--help-all", "--json", "--quiet")

sphinx_is_there = pytest.mark.skipif(find_spec("sphinx") is None, reason="no Sphinx: pip install -e '.[docs]'")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write into that has the data of the examples, as a copy of the repository has."""
    (tmp_path / "examples").mkdir()
    shutil.copytree(ROOT / "examples" / "data", tmp_path / "examples" / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules of docs/ can be imported."""
    pytest.importorskip("sphinx", reason="the extension is one of Sphinx")
    monkeypatch.syspath_prepend(str(DOCS))


# ---------------------------------------------------------------- examples


@pytest.mark.parametrize("page", [page for page in PAGES if blocks("python", text(page))], ids=str)
def test_the_python_of_every_page_runs(page: Path, workplace: Path) -> None:
    if "torch" in page.name:
        pytest.importorskip("torch", reason="the page runs PyTorch, which is not installed")
    found = [block for block in blocks("python", text(page)) if ".pdf(" not in block]
    assert run_blocks(found, page.name) > 0


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="a PDF needs latexmk, which is not installed")
@pytest.mark.parametrize("page", [page for page in PAGES if ".pdf(" in text(page)], ids=str)
def test_the_python_that_writes_a_pdf_runs(page: Path, workplace: Path) -> None:
    assert run_blocks(blocks("python", text(page)), page.name) > 0
    assert list(workplace.glob("*.pdf"))


def console(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each `$ symprop ...` of a page and the output shown below it."""
    shown = re.sub(r"\\\n\s*", "", "\n".join(blocks("console", text(page))))
    for part in re.split(r"^\$ ", shown, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        if command.startswith("symprop "):
            yield command, output


SHOWN_COMMANDS = [
    pytest.param(command, output, id=f"{page.stem}-{command.split()[1]}-{number}")
    for page in PAGES
    for number, (command, output) in enumerate(console(page))
]


@pytest.mark.parametrize(("command", "shown"), SHOWN_COMMANDS)
def test_the_commands_of_every_page_print_what_it_shows(command: str, shown: str, workplace: Path) -> None:
    if ".pdf" in command and shutil.which("latexmk") is None:
        pytest.skip("a PDF needs latexmk, which is not installed")
    _, said = run_command(command)  # a terminal shows both: where a file went is said on stderr
    check_printed(said, shown)


def test_the_reference_has_every_public_name_once() -> None:
    listed = [
        name
        for page in sorted((DOCS / "reference").glob("*.md"))
        for name in re.findall(r"^\.\. auto\w+:: (?:[\w.]+\.)?(\w+)$", text(page), flags=re.MULTILINE)
    ]
    assert sorted(set(listed)) == sorted(listed)
    assert set(symprop.__all__) <= set(listed)


def test_no_page_holds_a_link_to_a_file_that_is_not_there() -> None:
    for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+\.(?:md|svg|png))", text(page)):
            assert (page.parent / target).exists(), (page.name, target)


@pytest.mark.usefixtures("modules")
def test_the_page_of_commands_has_every_command_and_option() -> None:
    assert "\n[[commands]]\n" in text(DOCS / "commands.md")
    page = importlib.import_module("command_page").markdown()
    for name, sub in subparsers(parser_of()).items():
        section = page.split(f"### {name}\n")[1].split("\n### ")[0]
        assert all(f"symprop {example}" in section for example in COMMANDS[name].examples)
        options = [each for action in sub._actions for each in action.option_strings[-1:]]
        assert all(f"`{option}`" in section for option in options if option not in OF_EVERY_COMMAND)


# ---------------------------------------------------------------- rules and proofs


@pytest.mark.usefixtures("modules")
def test_every_kind_of_node_has_an_example_of_its_own() -> None:
    shown = importlib.import_module("rule_examples")
    assert {*shown.EXAMPLES, *shown.BY_ALGORITHM, *shown.LEAVES} == set(NODE_KINDS) == set(SAMPLES)
    for kind, examples in {
        **shown.EXAMPLES,
        **shown.BY_ALGORITHM,
        **{kind: (leaf,) for kind, leaf in shown.LEAVES.items()},
    }.items():
        assert all(type(example.node) is kind for example in examples), kind


@pytest.mark.usefixtures("modules")
def test_every_rule_of_differentiation_is_proved_exactly() -> None:
    proofs = importlib.import_module("rule_proofs")
    rules = [rule for _, _, found in proofs.proved() for rule in found]
    assert all(how in (proofs.EXACT, proofs.SIMPLIFIED) for rule in rules for how in rule.proofs)
    flowing = [rule for rule in rules if not rule.constant]
    assert all(rule.general or rule.small for rule in flowing)
    assert sum(bool(rule.general) for rule in flowing) > len(flowing) / 2  # by indices, for every size


@pytest.mark.usefixtures("modules")
def test_rows_without_elements_are_compared_with_differences() -> None:
    shown, proofs = importlib.import_module("rule_examples"), importlib.import_module("rule_proofs")
    for examples in shown.BY_ALGORITHM.values():
        assert all(list(proofs.compared(example)) for example in examples)


@pytest.mark.usefixtures("modules")
def test_every_named_rule_rewrites_its_example_and_is_proved_exactly() -> None:
    table = importlib.import_module("simplification_table")
    proofs = importlib.import_module("rule_proofs")
    assert set(table.RULE_EXAMPLES) == {rule.identity for rule in RULES}
    assert set(table.TOUCH_EXAMPLES) == {touch.name for touch in TOUCHES}
    found = [*table.simplifications(), *table.touches()]
    assert len(found) == len(RULES) + len(TOUCHES)
    assert all(each.how in (proofs.EXACT, proofs.SIMPLIFIED) for each in found)


@pytest.mark.usefixtures("modules")
def test_a_wrong_rule_has_no_proof() -> None:
    proofs = importlib.import_module("rule_proofs")
    example = importlib.import_module("rule_examples").Example("x**3", "x: n", {"n": 2})
    [x] = example.node.operands
    g = symprop.variable("g", example.node.shape)
    right, wrong = 3 * g * x * x, 2 * g * x * x
    assert proofs.general_proof(example.node, x, right, g)
    assert proofs.general_proof(example.node, x, wrong, g) == ()
    t = sympy.Symbol("t", real=True)
    with pytest.raises(AssertionError):
        proofs.proof([(t**2, t**2 + t / 10**40)])


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize(
    "name", ["index_proofs", "rule_proofs", "extension.derived", "extension.markup", "extension.mathematics"]
)
def test_the_examples_in_the_modules_of_the_site_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


# ---------------------------------------------------------------- the site


class Sources(HTMLParser):
    """What a page loads: scripts, styles, pictures, frames; and what it shows of formulas."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.formulas = 0
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.formulas += tag == "math"
        if tag != "a":
            self.loaded += [value or "" for name, value in attributes if name in ("src", "href", "srcset", "data")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-q", "-b", "html", "-d", folder / "doctrees"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, DOCS, folder / "html"],
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


@sphinx_is_there
def test_the_site_builds_and_every_page_is_in_it(site: Path) -> None:
    for name in NAMES:
        assert (site / name).with_suffix(".html").exists(), name


@sphinx_is_there
def test_pages_ask_nothing_of_a_network(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        found = Sources()
        found.feed(text(page))
        outside = [source for source in found.loaded if re.match(r"(?:\w+:)?//", source)]
        assert not outside, (page.name, outside)
        assert "iframe" not in found.tags
    for style in sorted(site.rglob("*.css")):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text(style)), style.name


@sphinx_is_there
def test_formulas_are_mathml_that_a_browser_can_read(site: Path) -> None:
    counted = {}
    for page in sorted(site.rglob("*.html")):
        found = Sources()
        found.feed(text(page))
        counted[page.stem] = found.formulas
        assert "merror" not in found.tags, page.name
        assert "\\frac" not in re.sub(r"<pre>.*?</pre>|<code.*?</code>|<script.*?</script>", "", text(page), flags=re.S)
    assert counted["rules"] > 400
    assert counted["tutorial"] > 50
    assert min(counted[Path(name).stem] for name in NAMES if name.startswith("gallery/") and "index" not in name) > 2
