"""The hostile corpus, typed into the page: each text ends in an answer or a problem in words, and the server lives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).parents[1] / "hostile"
FIELDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "formulas": lambda text: {"text": text, "where": "x: 3, y: 3, a: 3", "by": "x"},
    "specs": lambda text: {"text": text},
    "declarations": lambda text: {"text": "sum(x)", "where": text},
    "names": lambda text: {"text": f"sum({text})", "where": f"{text}: n", "by": str(text)[:200]},
}
LONGEST = 20_001
"""More than the page takes: longer texts are cut to this, and then refused as too long."""


def text_of(given: Any) -> Any:
    """Build the text that a row describes; what is no text stays as it is."""
    if isinstance(given, dict) and "times" in given:
        return given["text"] * given["times"]
    if isinstance(given, list) and any(isinstance(piece, dict) for piece in given):
        return "".join(text_of(piece) for piece in given)
    return given


def rows() -> list[Any]:
    return [
        pytest.param(name, row["input"], id=f"{name}: {row['id']}")
        for name in FIELDS
        for row in json.loads((CORPUS / f"{name}.json").read_text(encoding="ascii"))
    ]


@pytest.mark.parametrize(("kind", "given"), rows())
def test_a_hostile_text_ends_in_words(site: Any, kind: str, given: Any) -> None:
    state = FIELDS[kind](text_of(given))
    state = {name: value[:LONGEST] if isinstance(value, str) else value for name, value in state.items()}
    body = json.dumps({"tab": "hostile", "sequence": 1, "stage": "derivation", **state}, ensure_ascii=False)
    status, _, content = site.send("POST", "/compute", body.encode("utf-8", "surrogatepass"))
    answer = json.loads(content)
    if status != 200:
        assert status == 400 and answer["error"]
    elif not answer["ok"]:
        problem = answer["problem"]
        assert problem["type"] not in {"Mistake"}, problem
        assert problem["message"] and problem["message"].count("\n") <= 2
        assert all(letter.isprintable() or letter == "\n" for letter in problem["message"])
        column, typed = problem["column"], state.get(problem["field"], "")
        assert column is None or 0 <= column <= len(typed)
    assert not site.children()


def test_the_server_lives_after_all_that(site: Any) -> None:
    assert site.ask("derivation", "Input(2) >> Dense(1) >> MeanSquaredError()")["ok"]
