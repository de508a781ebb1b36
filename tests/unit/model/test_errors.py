"""What errors say."""

from __future__ import annotations

import pytest

from xingji.model.errors import (
    BusyError,
    CallerError,
    DamagedFileError,
    OurError,
    QueryTooLargeError,
    StorageFullError,
    TransientError,
    UnknownNameError,
    XingjiError,
    nearest_names,
    shown,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"x"'),
        (None, "null"),
        (True, "true"),
        ("é", '"é"'),
        ("a" * 200, '"' + "a" * 78 + "…"),
        ("\ud800", '"\\ud800"'),
        ({1: {2, 3}}, '{"1": "{2, 3}"}'),
    ],
    ids=["text", "null", "true", "accent", "long", "half a character", "odd"],
)
def test_values_are_shown_as_json(value: object, text: str) -> None:
    assert shown(value) == text
    assert shown(value).encode()


def test_what_holds_itself_is_shown_too() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert shown(ring) == "[[...]]"


def test_nearest_names() -> None:
    known = ["channel", "Chanel", "city", "apply_submit"]
    assert nearest_names("chanell", known)[:2] in (["Chanel", "channel"], ["channel", "Chanel"])
    assert nearest_names("zzz", known) == []


def test_unknown_names_offer_the_nearest() -> None:
    message = str(UnknownNameError("steps[0].event", "aply_submit", ["apply_submit", "open"], "event"))
    assert message == 'steps[0].event names the unknown event "aply_submit"; the nearest: apply_submit'


def test_types_tell_whose_fault_it_is_and_whether_a_retry_can_help() -> None:
    assert issubclass(QueryTooLargeError, CallerError)
    assert issubclass(DamagedFileError, OurError)
    assert [kind.retryable for kind in (BusyError, StorageFullError, TransientError)] == [True] * 3
    assert not XingjiError.retryable
