"""The published schema is what the parser takes: the same fields, and every example of the pages fits."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from scripts.query_schema import FILE, schema
from tests.docs.json_schema import misfits
from tests.docs.page import read_blocks
from tests.reference.dice import SeededDice
from tests.reference.random_logs import make_log
from tests.reference.random_queries import KINDS
from tests.shared_data import ROOT
from xingji.loan.content import questions
from xingji.model.document import Fields
from xingji.model.parse import parse_query

SCHEMA = schema()
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
STEPS = [{"event": "a"}, {"event": "b"}]
FILLED: dict[str, dict[str, Any]] = {
    "trend": {"kind": "trend", "series": [{"event": "a", "measure": {"sum": "event.x"}}]},
    "funnel": {"kind": "funnel", "steps": STEPS, "exclusions": [{"event": "c"}]},
    "retention": {"kind": "retention", "start": {"event": "a"}},
    "paths": {"kind": "paths", "around_funnel": {"steps": STEPS}},
}
COMMON = {
    "filter": {"all": [{"property": "event.x", "op": "in_last", "value": {"value": 1, "unit": "day"}}]},
    "segment": {"users": ["u"]},
    "count_by": {"property": "event.x"},
    "users_of": {"limit": 1},
}
OBJECTS = {
    "": "kind",
    "series[]": "series",
    "steps[]": "step",
    "exclusions[]": "exclusion",
    "start": "selector",
    "around_funnel": "aroundFunnel",
    "around_funnel.steps[]": "step",
    "users_of": "usersOf",
    "filter.all[]": "comparison",
    "filter.all[].value": "duration",
}
"""Where the filled documents hold objects, and what the schema calls those."""
BESIDE = {"aroundFunnel": {"step", "position", "state"}}
"""Fields that are read beside those of the object they stand in."""
NOT_ITS_OWN = {"comparison": {"all", "any", "not"}, "exclusion": {"first_time"}}
"""Fields that are asked for to tell one object from another, or only to be refused."""


def examples() -> list[Any]:
    """Every question in the pages."""
    found = []
    for page in PAGES:
        for block in read_blocks(page.read_text()):
            if block.language == "json" or block.directives.get("file", "").endswith(".json"):
                document = json.loads(block.text)
                if isinstance(document, dict) and "kind" in document:
                    found.append(pytest.param(document, id=f"{page.name}:{block.line}"))
    return found


def known_fields(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """For each object of a document, by its path, the fields that the parser asks for in any way."""
    known: dict[str, set[str]] = defaultdict(set)

    def close(fields: Fields) -> None:
        path = "".join("[]" if piece.isdigit() else piece for piece in _pieces(fields._reader.path))
        known[path] |= fields._known

    monkeypatch.setattr(Fields, "close", close)
    parse_query(document)
    return known


def _pieces(path: str) -> list[str]:
    return [piece for part in path.split("[") for piece in part.split("]")]


def test_the_file_is_what_the_model_says() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8")) == SCHEMA


@pytest.mark.parametrize("kind", FILLED)
def test_parser_and_schema_know_the_same_fields(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    common = {name: each for name, each in COMMON.items() if kind != "paths" or name != "users_of"}
    known = known_fields(FILLED[kind] | common, monkeypatch)
    checked = {path: OBJECTS[path] for path in known if path in OBJECTS}
    assert len(checked) >= 3
    for path, name in checked.items():
        found = (known[path] | BESIDE.get(name, set())) - NOT_ITS_OWN.get(name, set())
        assert found == set(SCHEMA["$defs"][kind if name == "kind" else name]["properties"])


@pytest.mark.parametrize("document", examples())
def test_the_questions_in_the_pages_fit(document: Any) -> None:
    assert misfits(document, SCHEMA, SCHEMA) == []
    parse_query(document)


@pytest.mark.parametrize("name", questions(dt.date(2026, 3, 2)))
def test_the_questions_of_the_loan_solution_fit(name: str) -> None:
    assert misfits(questions(dt.date(2026, 3, 2))[name], SCHEMA, SCHEMA) == []


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_parser_takes_fits(kind: str) -> None:
    for seed in range(200):
        dice = SeededDice(seed)
        document = KINDS[kind](dice, make_log(dice, n_users=3, n_events=6).anchor_us)
        parse_query(document)
        assert misfits(_without_nulls(document), SCHEMA, SCHEMA) == []


def _without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    kept = ("window", "session_gap_minutes")
    return {name: each for name, each in document.items() if each is not None or name in kept}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "funel"},
        {"stps": []},
        {"steps": []},
        {"steps": [{"evnt": "a"}]},
        {"steps": [{"event": "a", "optional": "yes"}]},
        {"window": {"value": 0, "unit": "day"}},
        {"window": {"value": 2, "unit": "session"}},
        {"breakdown": ["channel"]},
        {"breakdown_limit": 0},
        {"filter": {"property": "event.x", "op": "~", "value": 1}},
        {"filter": {"all": [], "any": []}},
        {"attribution": "step:x"},
        {"users_of": {"stp": 1}},
    ],
    ids=str,
)
def test_what_the_parser_refuses_does_not_fit(change: dict[str, Any]) -> None:
    document = {"kind": "funnel", "steps": STEPS} | change
    assert misfits(document, SCHEMA, SCHEMA) != []


def test_the_schema_stands_where_the_pages_say() -> None:
    assert Path("docs/reference/query.schema.json") == FILE.relative_to(ROOT)
