"""The native format as XML: its events become JSON text, and are read as such."""

from __future__ import annotations

from xingji.collect.native_xml import read_xml_request
from xingji.govern.wire.native_json import read_events
from xingji.govern.wire.sent import ReadRequest


def read_xml(body: bytes) -> ReadRequest:
    """The events of a body; raises what `read_xml_request` raises."""
    return read_events(read_xml_request(body))
