"""Every number of a result as the place that `users_of` opens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Spot = tuple[Document, object]
"""A place, and how many units must be listed (None: that is not the number)."""


def spots_of(document: Document, result: Document) -> list[Spot]:
    """The places of the result's numbers; sessions are listed by their users, who are fewer."""
    found = list(_KINDS[document["kind"]](document, result))
    if document.get("count_by") == "session":
        found = [(spot, None) for spot, _ in found]
    return found


def _group(group: Document) -> Document:
    return {"breakdown": group["breakdown"]} if group["breakdown"] else {}


def _trend(document: Document, result: Document) -> Iterator[Spot]:
    for line in result["series"] if "formula" not in document else []:
        spot = {"series": line["series"], **_group(line)}
        counts = document["series"][line["series"]].get("measure") == "users"
        yield spot, line["total"] if counts else None
        for bucket, value in zip(result["buckets"], line["values"], strict=True):
            yield {**spot, "bucket": bucket}, value if counts else None


def _funnel(document: Document, result: Document) -> Iterator[Spot]:
    for group in result.get("groups", []):
        if result["view"] == "steps":
            yield from _steps(group)
        elif result["view"] == "trend":
            for step in group["steps"]:
                for bucket, count in zip(result["buckets"], step["counts"], strict=True):
                    yield {"step": step["step"], "bucket": bucket, **_group(group)}, count
        else:
            for at, one in enumerate(group["bins"]):
                yield {"bin": at, **_group(group)}, one["count"]


def _steps(group: Document) -> Iterator[Spot]:
    before = 0
    for step in group["steps"]:
        spot = {"step": step["step"], **_group(group)}
        yield {**spot, "state": "converted"}, step["count"]
        yield {**spot, "state": "dropped"}, max(before - step["count"], 0) if step["step"] > 1 else 0
        before = before if step["optional"] else step["count"]


def _retention(document: Document, result: Document) -> Iterator[Spot]:
    for group in result["groups"]:
        for cohort in group["cohorts"]:
            for period, count in enumerate(cohort["returned"]):
                yield {"cohort": cohort["start"], "period": period, **_group(group)}, count


def _paths(document: Document, result: Document) -> Iterator[Spot]:
    for edge in result["edges"]:
        yield {"edge": [edge["source"], edge["target"]]}, None
    for end in result["ends"]:
        yield {"node": end["node"]}, None


_KINDS = {"trend": _trend, "funnel": _funnel, "retention": _retention, "paths": _paths}
