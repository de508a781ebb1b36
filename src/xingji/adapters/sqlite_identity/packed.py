"""Names of ids in few bytes: a code for the kind, and values that are UUIDs or numbers as such."""

from __future__ import annotations

import re
from hashlib import blake2b

_KINDS = ("customer_no", "login", "unionid", "openid", "mobile", "device", "anonymous")
"""Known here only so that each is one byte; a kind that is not among them is written out. Order is for
good."""
_TEXT, _UUID, _UPPER_UUID, _HEX, _NUMBER = range(5)
_OTHER = 0xFF
_A_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_A_HEX = re.compile(r"([0-9a-f]{2}){4,64}")
_A_NUMBER = re.compile(r"[1-9][0-9]{3,37}")
_DASHES = (8, 12, 16, 20)


def digest_of(name: str) -> bytes:
    """The key of a name: 16 bytes."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def packed(name: str) -> bytes:
    """A name in few bytes.

    >>> (
    ...     len("device:0193d1f0-5b1c-7c4e-9a51-2f6c1c7f0a11"),
    ...     len(packed("device:0193d1f0-5b1c-7c4e-9a51-2f6c1c7f0a11")),
    ... )
    (43, 17)
    """
    kind, _, value = name.partition(":")
    if kind not in _KINDS:
        return bytes((_OTHER,)) + name.encode("utf-8", "surrogatepass")
    form, content = _content(value)
    return bytes((_KINDS.index(kind) << 4 | form,)) + content


def unpacked(content: bytes) -> str:
    """The name that was packed."""
    head, value = content[0], content[1:]
    if head == _OTHER:
        return value.decode("utf-8", "surrogatepass")
    return f"{_KINDS[head >> 4]}:{_value(head & 15, value)}"


def _content(value: str) -> tuple[int, bytes]:
    # What is tried first is what is most: numbers of phones and customers, then ids of devices.
    if _A_NUMBER.fullmatch(value):
        number = int(value)
        return _NUMBER, number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(value) == 36 and _A_UUID.fullmatch(value):
        return _UUID if value == value.lower() else _UPPER_UUID, bytes.fromhex(value.replace("-", ""))
    if _A_HEX.fullmatch(value):
        return _HEX, bytes.fromhex(value)
    return _TEXT, value.encode("utf-8", "surrogatepass")


def _value(form: int, content: bytes) -> str:
    if form == _TEXT:
        return content.decode("utf-8", "surrogatepass")
    if form == _NUMBER:
        return str(int.from_bytes(content, "big"))
    if form == _HEX:
        return content.hex()
    text = content.hex() if form == _UUID else content.hex().upper()
    return "-".join(text[a:b] for a, b in zip((0, *_DASHES), (*_DASHES, 32), strict=True))
