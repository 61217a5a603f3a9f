"""The example notebook is what its cells give today: it is run again, and compared with what is committed."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "derivation.ipynb"

Outputs = dict[str, dict[str, str]]


def without_errors(text: str) -> str:
    """Return text without measured errors (`1.8e-16`, or 0 where there is none): their last bits are the machine's."""
    return re.sub(r"(?<![\w.])(?:0|\d\.\d+e[-+]\d+)(?![\w.])\s*", "# ", text)


def of_any_version(page: str) -> str:
    """Return a page as every version of latex2mathml writes it: for older ones a times sign is a name."""
    return page.replace("<mi>×</mi>", "<mo>×</mo>")


def outputs(cells: list[Any]) -> Outputs:
    """Return what each cell shows, by the name of the cell and the kind of output."""
    found: Outputs = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            shown = output.get("data") or {output["name"]: output["text"]}
            texts = {kind: text if isinstance(text, str) else "".join(text) for kind, text in shown.items()}
            found.setdefault(cell["id"], {}).update(texts)
    return found


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("execute_notebook", ROOT / "examples" / "execute_notebook.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_outputs_of_the_notebook_are_those_of_today(committed: dict[str, Any], script: ModuleType) -> None:
    today, before = outputs(script.executed(NOTEBOOK).cells), outputs(committed["cells"])
    assert today.keys() == before.keys()
    for name, shown in before.items():
        assert today[name].keys() == shown.keys(), name
        for kind, text in shown.items():
            found, expected = (of_any_version(without_errors(each)) for each in (today[name][kind], text))
            assert found == expected, (name, kind)


def test_every_kind_of_thing_is_shown(committed: dict[str, Any]) -> None:
    shown = outputs(committed["cells"])
    assert sum("text/html" in each for each in shown.values()) >= 6
    assert sum("text/latex" in each and "text/html" not in each for each in shown.values()) >= 5
    pages = "".join(each.get("text/html", "") for each in shown.values())
    assert "all agree" in pages and "sums to one" in pages and "not equal" in pages


def test_nothing_in_the_file_changes_with_the_day_or_the_machine(committed: dict[str, Any]) -> None:
    assert [cell["id"] for cell in committed["cells"]] == [f"cell-{n}" for n in range(1, len(committed["cells"]) + 1)]
    assert all(cell["metadata"] == {} for cell in committed["cells"])
    counts = [cell["execution_count"] for cell in committed["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert committed["metadata"]["language_info"] == {"name": "python"}  # without a version
    texts = json.dumps(outputs(committed["cells"]))
    assert not re.search(r"\bat 0x[0-9a-f]+|\b\d\d:\d\d:\d\d\b|seconds", texts)
    assert str(ROOT) not in texts


def test_measured_errors_alone_are_left_out_of_the_comparison() -> None:
    assert without_errors("<td>1.8e-16</td>") == without_errors("<td>0</td>") != without_errors("<td>0.5</td>")
    assert without_errors("z_0 + a0 + 10") == "z_0 + a0 + 10"
