"""Write what measures found to `docs/trust.json` and to the table of `docs/trust.md`."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from symprop.files import write_whole
from trust.measures import Answer, measures

DOCS = Path(__file__).parents[1] / "docs"
RECORD, PAGE = DOCS / "trust.json", DOCS / "trust.md"
PACKAGES = ("symprop", "numpy", "sympy", "mpmath", "jax", "torch", "numba")
OPENING, CLOSING = "<!-- figures -->", "<!-- end of figures -->"
HEAD = "| measure | what is claimed | cases | failed | beside | seconds |\n|---|---|---:|---:|---|---:|\n"


def circumstances() -> dict[str, str]:
    """Return the day and what ran: Python and the packages that are installed, with their versions."""
    told = {"date": date.today().isoformat(), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            told[package] = version(package)
        except PackageNotFoundError:
            continue
    return told


def recorded() -> dict[str, Any]:
    """Return the record as it stands."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def answers_recorded() -> dict[str, Answer]:
    """Return the answers of the record that this Python and these packages gave."""
    around = circumstances() | {"date": ""}
    return {
        name: Answer(**{what: value for what, value in each.items() if what != "with"})
        for name, each in recorded().items()
        if each["with"] | {"date": ""} == around
    }


def record(answers: Mapping[str, Answer]) -> None:
    """Put answers into the record, each with its circumstances; those of measures that were not asked stay."""
    kept, around = recorded(), circumstances()
    kept |= {name: asdict(each) | {"with": around} for name, each in answers.items()}
    ordered = {name: kept[name] for name in measures() if name in kept}
    write_whole(RECORD, json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(OPENING)
    if not rest:
        sys.exit(f"{PAGE} has no line {OPENING}")
    after = rest.partition(CLOSING)[2]
    write_whole(PAGE, f"{before}{OPENING}\n{table(ordered)}{CLOSING}{after}")


def table(answers: Mapping[str, Any]) -> str:
    """Return the figures as a table in Markdown, and after it those that are too many for a cell, below their names."""
    more = (
        f"\n### {name.capitalize()}\n\n{_table(each['table'])}" for name, each in answers.items() if each.get("table")
    )
    return HEAD + "".join(map(_row, answers.values())) + "".join(more)


def _table(rows: Sequence[Sequence[Any]]) -> str:
    head, *rest = rows
    ruled = [head, ["---"] * len(head), *rest]
    return "".join("| " + " | ".join(str(each).replace("|", "\\|") for each in row) + " |\n" for row in ruled)


def _row(answer: Mapping[str, Any]) -> str:
    beside = ", ".join(f"{what}: {value}" for what, value in answer["figures"].items())
    cells = (answer["name"], answer["claim"], f"{answer['cases']:,}", answer["failed"], beside, answer["seconds"])
    return "| " + " | ".join(str(each).replace("|", "\\|") for each in cells) + " |\n"
