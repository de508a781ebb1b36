"""A batch becomes the same events, and the same faults, in whichever format it came."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given
from hypothesis import strategies as st

from xingji.govern.events.decoding import Decoded, Decoder
from xingji.ports.event_log import Form, LogEntry, RawBatch

RECEIVED_US = 1_780_000_000_000_000
PLAIN = [None, True, "", "null", "a\n", "x" * 300, 0, -1, 1.5, 1e300, 2**70, 10**400]
ODD = st.sampled_from([*PLAIN, [], ["a", 1], {}, {"a": [{}]}])
PROPERTIES = st.dictionaries(st.sampled_from(["", "f0", "amount", "$os", 'a"b', "名"]), ODD, max_size=5)
GOOD: dict[str, Any] = {
    "event_id": "e-1", "type": "track", "event": "apply", "time": "2026-05-28T20:26:40Z",
    "identities": {"login": "u-88"}, "platform": "android", "properties": {"amount": 2, "tags": ["a"]},
}  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> Any:
    """An event that is good but for a field or two."""
    event = dict(GOOD)
    event["event"] = draw(st.sampled_from(["apply", "view"]))
    event["properties"] = draw(PROPERTIES)
    for name in draw(st.lists(st.sampled_from([*GOOD, "user_properties"]), max_size=2)):
        event[name] = draw(ODD)
    return event


def xml_of(value: Any, name: str) -> str:
    """A value of JSON as the XML that stands for it."""
    head = f"<v name={quoteattr(name)} type="
    match value:
        case None:
            return f"{head}'null'/>"
        case bool() | int() | float():
            kind = "boolean" if isinstance(value, bool) else "number"
            return f"{head}'{kind}'>{json.dumps(value)}</v>"
        case str():
            return f"{head}'string'>{escape(value)}</v>"
        case list():
            return f"{head}'array'>{''.join(xml_of(one, '') for one in value)}</v>"
        case _:
            return f"{head}'object'>{''.join(xml_of(one, key) for key, one in value.items())}</v>"


def entry(batch: list[Any], form: Form = Form.JSON) -> LogEntry:
    """A request of these events."""
    if form is Form.XML:
        body = f"<request>{xml_of(batch, 'batch')}</request>".encode()
    else:
        body = json.dumps({"batch": batch}, ensure_ascii=False).encode()
    return LogEntry(1, RawBatch("p", form, RECEIVED_US, body, len(batch)))


def outcome(found: Decoded) -> tuple[Any, Any]:
    """What is said of each event: its fields, or why it is none."""
    good = [
        (one.place, one.event_id, one.kind, one.name, one.time_us, one.identities, one.all_properties(),
         one.user_properties)
        for one in found.events
    ]  # fmt: skip
    return good, [(one.place, one.reason) for one in found.quarantined]


@given(batch=st.lists(events(), max_size=6))
def test_both_formats_say_the_same(batch: list[Any]) -> None:
    named = [event | {"event_id": event["event_id"] or f"e-{at}"} for at, event in enumerate(batch)]
    of_json, of_xml = (Decoder().decode([entry(named, form)]) for form in (Form.JSON, Form.XML))
    assert of_json.n_events == of_xml.n_events == len(batch)
    assert outcome(of_json) == outcome(of_xml)


@given(batches=st.lists(st.lists(events(), max_size=3), max_size=6))
def test_what_was_learnt_changes_nothing(batches: list[list[Any]]) -> None:
    """One that has seen other lots decodes as one that saw none."""
    learnt = Decoder()
    for batch in batches:
        assert outcome(learnt.decode([entry(batch)])) == outcome(Decoder().decode([entry(batch)]))


def test_events_of_a_shape_that_is_known() -> None:
    """Each keeps its own values, and what is nested too deeply is refused as if nothing were known."""
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    learnt = Decoder()
    learnt.decode([entry([GOOD])])
    for tags in ([["a"], ["b"], ["c"]], [["a"], deep, ["c"]]):
        batch = [GOOD | {"properties": {"amount": at, "tags": tag}} for at, tag in enumerate(tags)]
        assert outcome(learnt.decode([entry(batch)])) == outcome(Decoder().decode([entry(batch)]))
