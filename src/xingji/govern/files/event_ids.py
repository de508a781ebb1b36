"""Event ids as 16 bytes: those of a UUID, or a hash of any other text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import xxhash

ID_TYPE = pa.binary(16)
_UUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_HYPHENS = np.array([8, 13, 18, 23])


def event_id_bytes(text: str) -> bytes:
    """The 16 bytes of a UUID in its usual form, or XXH3-128 (big-endian) of any other text's UTF-8."""
    if _UUID.fullmatch(text):
        return bytes.fromhex(text.replace("-", ""))
    return xxhash.xxh3_128_digest(text.encode())


def event_ids(texts: Sequence[str | None]) -> pa.Array:
    """Event ids as binary[16]; null where a text is missing or empty."""
    packed = _all_uuids(texts)
    if packed is None:
        return pa.array([event_id_bytes(text) if text else None for text in texts], ID_TYPE)
    return pa.Array.from_buffers(ID_TYPE, len(texts), [None, pa.py_buffer(packed)])


def _all_uuids(texts: Sequence[str | None]) -> bytes | None:
    """The ids of a column that holds UUIDs only, at once; None if any is something else."""
    try:
        joined = "".join(texts).encode("ascii")  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return None
    if not texts or len(joined) != 36 * len(texts) or set(map(len, texts)) != {36}:  # type: ignore[arg-type]
        return None
    letters = np.frombuffer(joined, dtype=np.uint8).reshape(-1, 36)
    if not (letters[:, _HYPHENS] == ord("-")).all():
        return None
    try:
        packed = bytes.fromhex(joined.replace(b"-", b"").decode())
    except ValueError:
        return None
    return packed if len(packed) == 16 * len(texts) else None
