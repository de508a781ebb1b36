"""Ids that identify nobody: what programs send when they do not know, kind by kind."""

from __future__ import annotations

import re

from xingji.govern.files.identity import JUNK

_ANY_KIND = JUNK | {"unknown", "undefined undefined", "anonymous", "guest", "{}", "[]"}
_OF_KIND: dict[str, frozenset[str]] = {
    # Numbers of examples: the one in every tutorial, and the keyboard's row.
    "mobile": frozenset(["13800138000", "12345678901", "12345678910", "+86"]),
    "device": frozenset(
        [
            "9774d56d682e549c",  # what one maker's phones all gave as their Android id
            "020000000000",  # what systems say in place of a MAC address
            "deviceid",
            "unknowndevice",
        ]
    ),
}
"""Beside those of any kind; in lower case, without punctuation. What could be somebody's is not listed: one
who is missed can be denied, one who is taken for junk is lost."""
_WITH_ONE_SIGN = ("mobile", "device", "anonymous")
_SHORT = 7
"""Up to so many signs a value of one sign only may be somebody's."""
_BEGINS = frozenset(
    sign
    for junk in (*_ANY_KIND, *frozenset().union(*_OF_KIND.values()), "-", ":", "_", ".", " ", "\t", "\n")
    for sign in (junk[:1], junk[:1].upper())
)
_PUNCTUATION = re.compile(r"[-:_.\s]")
_ONE_SIGN = re.compile(r"(.)\1*")


def may_be_junk(value: str) -> bool:
    """Whether a value is worth a closer look; a quick one at its ends tells that most are not.

    >>> may_be_junk("c-20931"), may_be_junk("None"), may_be_junk("7777777")
    (False, True, True)
    """
    first, last = value[:1], value[-1:]
    return first in _BEGINS or first == last or last.isspace()


def is_junk(kind: str, value: str) -> bool:
    """Whether an id of a kind identifies nobody; spaces around it and its case do not matter.

    >>> is_junk("login", " NULL "), is_junk("device", "02:00:00:00:00:00"), is_junk("mobile", "00000000000")
    (True, True, True)
    >>> is_junk("login", "u-88"), is_junk("customer_no", "13800138000")
    (False, False)
    """
    text = value.strip().lower()
    if text in _ANY_KIND:
        return True
    bare = _PUNCTUATION.sub("", text)
    if not bare or bare in _OF_KIND.get(kind, ()):
        return True
    # Zeros, or whatever else a program fills a number of fixed length with.
    return kind in _WITH_ONE_SIGN and len(bare) > _SHORT and _ONE_SIGN.fullmatch(bare) is not None
