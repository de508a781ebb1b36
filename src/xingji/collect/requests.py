"""Whether a body is a request, and how many events it has: asked before it is acknowledged."""

from __future__ import annotations

from xingji.collect.faults import UnsupportedTypeError
from xingji.collect.native import count_events
from xingji.collect.native_xml import count_xml_events
from xingji.ports.event_log import Form

_FORMS = {
    "application/json": Form.JSON,
    "text/plain": Form.JSON,
    "": Form.JSON,
    "application/xml": Form.XML,
    "text/xml": Form.XML,
}
"""Browsers send `text/plain` where they must not ask the server first."""
_COUNTS = {Form.JSON: count_events, Form.XML: count_xml_events}


def form_of(content_type: str) -> Form:
    """How a body of that content type is read; raises UnsupportedTypeError where it is not."""
    kind = content_type.partition(";")[0].strip().lower()
    form = _FORMS.get(kind)
    if form is None:
        allowed = "application/json, application/xml"
        raise UnsupportedTypeError(f"Content-Type is {kind[:60]!r}; allowed: {allowed}")
    return form


def check_request(body: bytes, content_type: str) -> int:
    """The number of events of a plain body, which `govern.wire` will find in it too.

    Raises:
        UnreadableError: it is not what its type says, or not of the native format.
        TooLargeError: it has too many events; bytes are bounded where it is unpacked.
        UnsupportedTypeError: another type.
    """
    return _COUNTS[form_of(content_type)](body)
