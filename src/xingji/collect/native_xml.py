"""The native format as XML: the same structure, and each event becomes the JSON text that it stands for.

```xml
<request>
  <sent_at>2026-01-05T01:30:05Z</sent_at>
  <batch>
    <event>
      <event>apply_submit</event>
      <identities><login>u-88</login></identities>
      <properties>
        <amount type="number">200000</amount>
        <tags type="array"><item>first</item></tags>
        <value name="$os">HarmonyOS</value>
      </properties>
    </event>
  </batch>
</request>
```

An element is a member of the object around it, named by its tag, or by its attribute `name` where a key is no
name of XML. Its `type` is `string`, `number`, `boolean`, `null`, `array` or `object`; without it, an element
with others inside is an object, any other a string. Members of an array may bear any tag. A document type
is refused, and with it every entity but the five of XML. Text is UTF-8.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field, replace
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import InputSource

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from xingji.collect.faults import TooLargeError, UnreadableError
from xingji.collect.native import MOST_EVENTS, Request

MOST_LEVELS = 200
"""Elements inside each other: what is nested deeper is no event, and would cost memory for each level."""
_ROOTS = ("request", "event")
_BATCH, _SENT_AT = "batch", "sent_at"
_TYPES = ("string", "number", "boolean", "null", "array", "object")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_encode = msgspec.json.Encoder().encode


def read_xml_request(body: bytes) -> Request:
    """The events of a body.

    Raises:
        UnreadableError: it is no XML, or not of that form.
        TooLargeError: it has too many events.
    """
    handler = _Builder(body)
    _parse(body, handler)
    return handler.request()


def count_xml_events(body: bytes) -> int:
    """How many events `read_xml_request` finds, in less time; raises what it raises."""
    handler = _Walk()
    _parse(body, handler)
    return handler.n_events if handler.has_batch else 1


class _Parser(DefusedExpatParser):
    """Reads UTF-8 whatever a declaration says, refuses document types, and says where it stands."""

    def __init__(self) -> None:
        super().__init__(forbid_dtd=True)

    @property
    def place(self) -> int:
        """The byte at which the tag begins that is read just now."""
        return int(self._parser.CurrentByteIndex)  # type: ignore[attr-defined] # the stubs leave it out


class _Walk(ContentHandler):
    """What makes a document a request: its root, at most one batch, bounds of depth and number."""

    def __init__(self) -> None:
        super().__init__()
        self.parser = _Parser()
        self.level = 0
        self.has_batch = self.in_batch = False
        self.n_events = 0

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - SAX calls it so
        tag = name.rpartition(":")[2]
        self.level += 1
        if self.level == 1 and tag not in _ROOTS:
            raise UnreadableError(f"the root element is {tag[:60]!r}; allowed: {', '.join(_ROOTS)}")
        if self.level == 2 and _key(tag, attrs) == _BATCH:
            if self.has_batch:
                raise UnreadableError("batch stands twice; allowed: once")
            self.has_batch = self.in_batch = True
        if self.level == 3 and self.in_batch:
            self.n_events += 1
            if self.n_events > MOST_EVENTS:
                raise TooLargeError(f"batch has more than {MOST_EVENTS} events; allowed: up to that many")
        if self.level > MOST_LEVELS:
            raise UnreadableError(f"the body is nested deeper than {MOST_LEVELS} levels")

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX calls it so
        if self.level == 2:
            self.in_batch = False
        self.level -= 1


@dataclass(slots=True)
class _Element:
    """An element that is open: what it will be called, and what stood in it so far."""

    key: str
    kind: str | None
    place: int
    parts: list[bytes] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


class _Builder(_Walk):
    """Makes JSON text of elements as they end."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body
        self._open: list[_Element] = []
        self._fault: str | None = None
        self._found = Request([], originals=[])
        self._sent_at = b""
        self._whole = b""

    def request(self) -> Request:
        """What the document held."""
        if self.has_batch:
            return replace(self._found, sent_at=self._sent_at)
        faults = {0: self._fault} if self._fault else {}
        return Request([self._whole], self._sent_at, [self._body], faults=faults)

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - SAX calls it so
        super().startElement(name, attrs)
        if self.level == 3 and self.in_batch:
            self._fault = None
        key = _key(name.rpartition(":")[2], attrs)
        self._open.append(_Element(key, attrs.get("type"), self.parser.place))

    def characters(self, content: str) -> None:
        self._open[-1].text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX calls it so
        element = self._open.pop()
        value = b"null"
        try:
            value = _json_of(element)
        except _ValueFault as fault:
            self._fault = self._fault or str(fault)
        if self.level == 3 and self.in_batch:
            self._keep(element, value)
        elif not self._open:
            self._whole = value
        else:
            self._open[-1].parts.append(value)
            self._open[-1].members.append(element.key)
        if self.level == 2 and element.key == _SENT_AT:
            self._sent_at = value
        super().endElement(name)

    def _keep(self, element: _Element, value: bytes) -> None:
        """Take an event of the batch, and the bytes from its first tag to its last."""
        first = _TAG.match(self._body, element.place)
        # Of an element that is one tag, the parser says that it ends behind it.
        is_one = first is not None and first[0].endswith(b"/>")
        last = first if is_one else _TAG.match(self._body, self.parser.place)
        assert last is not None
        assert self._found.originals is not None
        if self._fault:
            self._found.faults[len(self._found.events)] = self._fault
        self._found.events.append(value)
        self._found.originals.append(self._body[element.place : last.end()])


class _ValueFault(Exception):
    """An element is not what its type says."""


def _json_of(element: _Element) -> bytes:
    kind = element.kind
    if kind is None:
        kind = "object" if element.parts else "string"
    text = "".join(element.text)
    if kind in ("array", "object"):
        if text.strip():
            found = f"{element.key} is an {kind} with the text {text.strip()[:60]!r}"
            raise _ValueFault(f"{found}; allowed: elements")
        return _container(element, kind)
    if element.parts:
        raise _ValueFault(f"{element.key} is a {kind} with elements inside; allowed: text")
    if kind == "string":
        return _encode(text)
    return _plain(element.key, kind, text.strip())


def _container(element: _Element, kind: str) -> bytes:
    if kind == "array":
        return b"[" + b",".join(element.parts) + b"]"
    members = zip(element.members, element.parts, strict=True)
    return b"{" + b",".join(_encode(name) + b":" + value for name, value in members) + b"}"


def _plain(key: str, kind: str, text: str) -> bytes:
    if kind == "number" and _NUMBER.fullmatch(text):
        return text.encode()
    if kind == "boolean" and text in ("true", "false"):
        return text.encode()
    if kind == "null" and not text:
        return b"null"
    if kind not in _TYPES:
        raise _ValueFault(f"{key} has the type {kind[:60]!r}; allowed: {', '.join(_TYPES)}")
    raise _ValueFault(f"{key} is {text[:60]!r}; allowed: a {kind} as JSON writes it")


def _key(tag: str, attrs: Any) -> str:
    named: str | None = attrs.get("name")
    return tag if named is None else named


def _parse(body: bytes, handler: _Walk) -> None:
    try:
        body.decode()
        source = InputSource()
        source.setEncoding("utf-8")
        source.setByteStream(io.BytesIO(body))
        handler.parser.setContentHandler(handler)
        handler.parser.parse(source)
    except UnicodeDecodeError as fault:
        raise UnreadableError(f"the body is no UTF-8: {fault.reason} at byte {fault.start}") from None
    except DefusedXmlException:
        raise UnreadableError("the body declares a document type or entities; allowed: neither") from None
    except SAXException as fault:
        raise UnreadableError(f"the body is no XML: {fault}") from None
