"""Who did it: the user a row names, or the strongest of its identities; junk ids identify nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.compute as pc

KINDS = ("customer_no", "login", "unionid", "openid", "mobile", "device", "anonymous")
"""Kinds of identity, the strongest first."""
JUNK = frozenset(
    [
        "",
        "null",
        "none",
        "nil",
        "undefined",
        "nan",
        "0",
        "-1",
        "[object object]",
        "true",
        "false",
        "(null)",
        "<null>",
        "n/a",
        "00000000-0000-0000-0000-000000000000",
        "00000000000000000000000000000000",
    ]
)
"""Texts that programs send when they know nobody, in lower case."""
_JUNK_ARRAY = pa.array(sorted(JUNK), pa.string())


def is_junk(user: str) -> bool:
    """Whether a text names nobody.

    >>> is_junk(" NULL "), is_junk("[object Object]"), is_junk("u-1")
    (True, True, False)
    """
    return user.strip(" \t\r\n\v\f").lower() in JUNK if user.isascii() else False


def without_junk(users: pa.Array) -> pa.Array:
    """Users (string, or a dictionary of strings) with junk ids as null."""
    if pa.types.is_dictionary(users.type):
        names = without_junk(users.dictionary)
        if names.null_count == users.dictionary.null_count:
            return users
        indices = pc.if_else(
            names.is_valid().take(users.indices), users.indices, pa.scalar(None, users.indices.type)
        )
        return pa.DictionaryArray.from_arrays(indices, users.dictionary)
    junk = pc.is_in(pc.ascii_lower(pc.ascii_trim_whitespace(users)), value_set=_JUNK_ARRAY)
    return pc.if_else(junk, pa.scalar(None, users.type), users) if pc.any(junk).as_py() else users


def strongest(texts: Callable[[str], pa.Array], kinds: Collection[str]) -> pa.Array | None:
    """The strongest id of each row that is no junk (string); None if no known kind is among `kinds`.

    `texts` gives the ids of a kind, strings or a dictionary of them; weaker kinds are asked for if needed.
    """
    found: pa.Array | None = None
    for kind in KINDS:
        if kind in kinds and (found is None or found.null_count):
            ids = without_junk(plain(texts(kind)))
            found = ids if found is None else pc.coalesce(found, ids)
    return found


def plain(texts: pa.Array) -> pa.Array:
    """Strings without their dictionary."""
    return texts.dictionary_decode() if pa.types.is_dictionary(texts.type) else texts
