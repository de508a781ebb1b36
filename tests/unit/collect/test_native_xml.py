"""XML requests are read as the JSON that they stand for, or refused with a reason; nothing else comes out."""

from __future__ import annotations

import json
import random
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.collect.faults import RequestFault, TooLargeError, UnreadableError, UnsupportedTypeError
from xingji.collect.native import MOST_EVENTS
from xingji.collect.native_xml import MOST_LEVELS, count_xml_events, read_xml_request
from xingji.collect.requests import check_request, form_of
from xingji.ports.event_log import Form

BATCH = b"<request><batch><event><event>a</event></event></batch></request>"


def xml_of(value: Any, tag: str = "request", *, batch: bool = True) -> str:
    """A value of JSON as the XML that stands for it."""
    name = "" if tag.isascii() and tag.isidentifier() else f" name={quoteattr(tag)}"
    tag = "value" if name else tag
    match value:
        case bool():
            kind, inside = "boolean", json.dumps(value)
        case int() | float():
            kind, inside = "number", json.dumps(value)
        case None:
            kind, inside = "null", ""
        case str():
            kind, inside = "string", escape(value).replace("\r", "&#13;")
        case list():
            kind, inside = "array", "".join(xml_of(one, "item") for one in value)
        case _:
            kind, inside = "object", "".join(xml_of(one, name) for name, one in value.items())
    return f"<{tag}{name} type='{kind}'>{inside}</{tag}>"


def fields(inside: str) -> Any:
    """The event that has these elements."""
    request = read_xml_request(f"<request><batch><event>{inside}</event></batch></request>".encode())
    assert not request.faults
    return json.loads(request.events[0])


VALUES: dict[str, tuple[str, Any]] = {
    "text": ("<x>a</x>", "a"),
    "nothing": ("<x/>", ""),
    "blanks": ("<x> a\n</x>", " a\n"),
    "a reference": ("<x>&lt;&amp;&#x5feb;&#13;</x>", "<&快\r"),
    "sections": ("<x>a<![CDATA[<b>]]><!-- no --><?or this?>c</x>", "a<b>c"),
    "a number": ('<x type="number"> -1.50e3 </x>', -1500.0),
    "a whole number": ('<x type="number">12345678901234567890</x>', 12345678901234567890),
    "true": ('<x type="boolean">true</x>', True),
    "null": ('<x type="null"/>', None),
    "a list": ('<x type="array"><i>1</i><i type="number">1</i><i><y>2</y></i></x>', ["1", 1, {"y": "2"}]),
    "no members": ('<x type="array"> </x>', []),
    "an object": ("<x><y>1</y>\n<z/></x>", {"y": "1", "z": ""}),
    "no fields": ('<x type="object"/>', {}),
    "a name": ('<q name="$os &quot;"/>', {"$os \"": ""}),
    "a namespace": ('<n:x xmlns:n="urn:n">a</n:x>', "a"),
}  # fmt: skip


@pytest.mark.parametrize(("inside", "value"), VALUES.values(), ids=VALUES.keys())
def test_values(inside: str, value: Any) -> None:
    found = fields(inside)
    assert found == (value if inside.startswith("<q") else {"x": value})


FAULTS = {
    "no number": ('<x type="number">1,5</x>', "x is '1,5'; allowed: a number"),
    "no JSON number": ('<x type="number">+1</x>', "allowed: a number"),
    "not a number": ('<x type="number">NaN</x>', "allowed: a number"),
    "digits of elsewhere": ('<x type="number">١</x>', "allowed: a number"),
    "no boolean": ('<x type="boolean">yes</x>', "allowed: a boolean"),
    "no null": ('<x type="null">0</x>', "allowed: a null"),
    "an unknown type": ('<x type="integer">0</x>', "type 'integer'; allowed: string, number"),
    "text beside elements": ("<x>a<y/></x>", "x is an object with the text 'a'"),
    "a text with elements": ('<x type="string"><y/></x>', "x is a string with elements inside"),
    "a list with text": ('<x type="array">a</x>', "x is an array with the text"),
}


@pytest.mark.parametrize(("inside", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_an_event_that_is_wrong_spoils_no_other(inside: str, message: str) -> None:
    event = f"<event  a='>'>{inside}</event >"
    body = (
        f"<request>\n<batch><event/> {event}<!-- > --><event><x>快</x></event\n></batch></request>".encode()
    )
    request = read_xml_request(body)
    assert list(request.faults) == [1]
    assert message in request.faults[1]
    assert [json.loads(request.events[at]) for at in (0, 2)] == ["", {"x": "快"}]
    assert [request.original(at) for at in range(3)] == [
        b"<event/>", event.encode(), "<event><x>快</x></event\n>".encode(),
    ]  # fmt: skip
    assert count_xml_events(body) == 3


def test_one_event_alone() -> None:
    body = b"<event><event>a</event><sent_at type='number'>3</sent_at></event>"
    request = read_xml_request(body)
    assert (json.loads(request.events[0]), request.sent_at) == ({"event": "a", "sent_at": 3}, b"3")
    assert (request.original(0), count_xml_events(body)) == (body, 1)


def test_a_mark_of_byte_order_and_a_declaration() -> None:
    body = b'\xef\xbb\xbf<?xml version="1.0" encoding="GBK"?>' + BATCH.replace(b"a", "快".encode(), 1)
    assert read_xml_request(BATCH).events == [b'{"event":"a"}']
    with pytest.raises(UnreadableError):
        read_xml_request(body)
    body = b'\xef\xbb\xbf<?xml version="1.0" encoding="GBK"?>' + BATCH.replace(b">a<", ">快<".encode())
    request = read_xml_request(body)
    assert json.loads(request.events[0]) == {"event": "快"}
    assert request.original(0) == "<event><event>快</event></event>".encode()


BAD = {
    "nothing": b"",
    "no XML": b'{"batch": []}',
    "cut off": BATCH[:-3],
    "more behind it": BATCH + b"x",
    "another root": b"<html/>",
    "no UTF-8": BATCH.replace(b"a", b"\xff"),
    "UTF-16": BATCH.decode().encode("utf-16"),
    "two batches": b"<request><batch/><batch/></request>",
    "deep": b"<request>" + b"<a>" * 100_000,
    "an entity of its own": b'<!DOCTYPE r [<!ENTITY e "x">]>' + BATCH.replace(b"a<", b"&e;<"),
    "an entity of elsewhere": b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + BATCH,
    "a billion laughs": b'<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><request>&b;</request>',
    "a document type": b"<!DOCTYPE request>" + BATCH,
    "an unknown entity": BATCH.replace(b"a<", b"&nbsp;<"),
    "a character that is none": BATCH.replace(b">a<", b">&#0;<"),
    "half a character": BATCH.replace(b">a<", b">&#xd83d;<"),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_what_is_no_request(body: bytes) -> None:
    for read in (read_xml_request, count_xml_events):
        with pytest.raises(UnreadableError):
            read(body)


def test_bounds() -> None:
    inside = MOST_LEVELS - 1
    read_xml_request(b"<request>" + b"<a>" * inside + b"</a>" * inside + b"</request>")
    body = b"<request><batch>" + b"<e/>" * MOST_EVENTS + b"%b</batch></request>"
    assert check_request(body.replace(b"%b", b""), "text/xml; charset=utf-8") == MOST_EVENTS
    with pytest.raises(TooLargeError, match="allowed: up to"):
        check_request(body.replace(b"%b", b"<e/>"), "application/xml")


@pytest.mark.parametrize(
    ("content_type", "form"),
    [("", Form.JSON), ("Application/JSON; charset=utf-8", Form.JSON), ("text/plain", Form.JSON),
     ("application/xml", Form.XML), ("text/xml;charset=UTF-8", Form.XML)],
)  # fmt: skip
def test_types(content_type: str, form: Form) -> None:
    assert form_of(content_type) is form


def test_other_types() -> None:
    with pytest.raises(UnsupportedTypeError, match="allowed: application/json, application/xml"):
        check_request(b"a=1", "application/x-www-form-urlencoded")


TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cn"), whitelist_characters="\t\n\r"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(events=st.lists(st.dictionaries(TEXTS, JSON, max_size=4), max_size=3), sent_at=JSON)
def test_a_batch_is_the_same_in_both_formats(events: list[dict[str, Any]], sent_at: Any) -> None:
    body = f"<request>{xml_of(sent_at, 'sent_at')}<batch>"
    body += "".join(xml_of(event, "event") for event in events) + "</batch></request>"
    request = read_xml_request(body.encode())
    assert not request.faults
    assert [json.loads(event) for event in request.events] == events
    assert json.loads(request.sent_at) == sent_at


def test_a_changed_body_is_read_or_refused() -> None:
    """Thousands of bodies, each spoilt in a few places: never another error, both readers agree, and what is
    read is JSON."""
    dice = random.Random(1)
    event = {"event_id": "e", "event": "a&b<快", "properties": {"n": -1.5, "l": [None, True], "$os": "x"}}
    whole = f"<request>{xml_of([event] * 3, 'batch')}</request>".encode()
    read = 0
    for _ in range(3_000):
        body = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(body))
            body[at : at + dice.randrange(3)] = dice.choice(
                [b"", b"<", b">", b"</", b"&", b"'", b"/", b"\x00", b"<a>", bytes([dice.randrange(256)])]
            )
        try:
            found = read_xml_request(bytes(body))
        except RequestFault:
            with pytest.raises(RequestFault):
                count_xml_events(bytes(body))
            continue
        read += 1
        assert count_xml_events(bytes(body)) == len(found.events)
        for at, one in enumerate(found.events):
            json.loads(one)
            assert found.original(at) in body
    assert 100 < read < 2_900
