"""Questions the loan solution ships with, as documents of the query contract; dates follow from today."""

from __future__ import annotations

import datetime as dt
from typing import Any

TIMEZONE = "Asia/Shanghai"

Document = dict[str, Any]


def questions(today: dt.date) -> dict[str, Document]:
    """The questions asked of a fresh simulation, by name; ``today`` is the demonstration's T.

    ``application_funnel`` and ``weekly_repeat`` over a whole simulation have the counts of the truth's
    ``application_funnel`` and ``cohorts``.
    """
    return {
        "application_funnel": _application_funnel(),
        "app_retention": _app_retention(today),
        "weekly_repeat": _weekly_repeat(today),
        "busiest_paths": _busiest_paths(today),
        "daily_applications": _daily_applications(today),
        "person_funnel": _person_funnel(today),
    }


def _days(today: dt.date, first_ago: int, last_ago: int) -> Document:
    return {
        "date_from": str(today - dt.timedelta(days=first_ago)),
        "date_to": str(today - dt.timedelta(days=last_ago)),
        "timezone": TIMEZONE,
    }


def _result(event: str, value: str) -> Document:
    return {"event": event, "filter": {"property": "event.result", "op": "=", "value": value}}


def _from_start_to_money() -> list[Document]:
    return [
        {"event": "apply_start"},
        _result("realname_verify", "pass"),
        _result("face_verify", "pass"),
        _result("credit_authorize", "signed"),
        {"event": "apply_submit"},
        _result("approval_result", "approved"),
        _result("contract_sign", "success"),
        _result("drawdown_result", "success"),
    ]


def _application_funnel() -> Document:
    """Applications by product from the start to the money, over the whole log."""
    return {
        "kind": "funnel",
        "timezone": TIMEZONE,
        "count_by": {"property": "event.application_id"},
        "steps": _from_start_to_money(),
        "window": None,
        "breakdown": ["event.product"],
        "attribution": "first_touch",
        "view": "steps",
    }


def _person_funnel(today: dt.date) -> Document:
    """People by product from seeing it to the money, in the thirty days whose outcome is known by now."""
    return {
        "kind": "funnel",
        **_days(today, 90, 61),
        "steps": [
            {"event": "product_impression"},
            {"event": "view_product"},
            _result("quota_estimate", "success"),
            *_from_start_to_money(),
        ],
        "hold_constant": ["event.product"],
        "window": {"value": 60, "unit": "day"},
        "breakdown": ["event.product"],
        "attribution": "first_touch",
        "view": "steps",
    }


def _app_retention(today: dt.date) -> Document:
    """Who opens the app again, week by week."""
    return {
        "kind": "retention",
        **_days(today, 90, 1),
        "week_start": "monday",
        "start": {"event": "$app_start"},
        "return": {"event": "$app_start"},
        "type": "first_time",
        "period": "week",
        "periods": 8,
        "clock": "calendar",
        "bracket": "exact",
    }


def _weekly_repeat(today: dt.date) -> Document:
    """Who draws again after the first drawdown, week by week."""
    first = {"property": "event.is_first_drawdown", "op": "=", "value": True}
    again = {"property": "event.is_first_drawdown", "op": "=", "value": False}
    return {
        "kind": "retention",
        **_days(today, 90, 1),
        "week_start": "monday",
        "start": {"event": "drawdown_result", "filter": first},
        "return": {"event": "drawdown_result", "filter": again},
        "type": "first_time",
        "period": "week",
        "periods": 12,
        "clock": "calendar",
        "bracket": "exact",
    }


def _busiest_paths(today: dt.date) -> Document:
    """The ways most sessions take through the pages."""
    return {
        "kind": "paths",
        **_days(today, 7, 1),
        "include": [{"event": "$page_view"}],
        "label": "event.page_name",
        "max_steps": 5,
        "edge_limit": 20,
    }


def _daily_applications(today: dt.date) -> Document:
    """Applications a day, how many people they are of, and for how much."""
    return {
        "kind": "trend",
        **_days(today, 14, 1),
        "interval": "day",
        "series": [
            {"event": "apply_submit", "measure": "events"},
            {"event": "apply_submit", "measure": "users"},
            {"event": "apply_submit", "measure": {"sum": "event.amount"}},
        ],
    }
