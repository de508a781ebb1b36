"""How requests are read, one module for each format; a new one is a module and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xingji.govern.wire.native_json import read_json
from xingji.govern.wire.native_xml import read_xml
from xingji.govern.wire.sent import ReadRequest
from xingji.ports.event_log import Form

Reader = Callable[[bytes], ReadRequest]
"""Raises RequestFault for a body that is no request; whatever else is wrong is wrong with one event."""
READERS: Mapping[Form, Reader] = {Form.JSON: read_json, Form.XML: read_xml}
"""Forms that are not here are no requests, but decisions of ours."""
