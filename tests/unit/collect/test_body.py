"""Bodies are unpacked up to their bound, and no further."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
import zstandard

from xingji.collect.body import unpacked
from xingji.collect.faults import TooLargeError, UnreadableError, UnsupportedTypeError

BODY = b'{"batch": []}' * 100
BOUND = 10_000
PACKED = {
    "": BODY,
    "identity": BODY,
    "gzip": gzip.compress(BODY),
    "GZIP ": gzip.compress(BODY[:700]) + gzip.compress(BODY[700:]),
    "x-gzip": gzip.compress(BODY),
    "zstd": zstandard.compress(BODY),
    " zstd": zstandard.compress(BODY[:700])
    + zstandard.ZstdCompressor(write_content_size=False).compress(BODY[700:]),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_bodies(encoding: str) -> None:
    assert unpacked(PACKED[encoding], encoding, BOUND) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("cut", [1, 5, 20])
def test_bodies_that_are_cut_off(encoding: str, cut: int) -> None:
    with pytest.raises(UnreadableError):
        unpacked(PACKED[encoding][:-cut], encoding, BOUND)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bodies_that_are_something_else(encoding: str) -> None:
    with pytest.raises(UnreadableError):
        unpacked(BODY, encoding, BOUND)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, zstd", "é" * 100])
def test_other_encodings(encoding: str) -> None:
    with pytest.raises(UnsupportedTypeError, match="allowed: gzip, zstd or none"):
        unpacked(BODY, encoding)


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
def test_a_byte_too_many(encoding: str) -> None:
    pack = {"": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}[encoding]
    assert len(unpacked(pack(bytes(BOUND)), encoding, BOUND)) == BOUND
    with pytest.raises(TooLargeError):
        unpacked(pack(bytes(BOUND + 1)), encoding, BOUND)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bombs_are_not_unpacked_first(encoding: str) -> None:
    """A gigabyte of zeros, packed: what is unpacked of it stays near the bound."""
    if encoding == "gzip":
        packer = zlib.compressobj(wbits=31)
        bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1_024)) + packer.flush()
    else:
        zstd = zstandard.ZstdCompressor().compressobj()
        bomb = b"".join(zstd.compress(bytes(1 << 20)) for _ in range(1_024)) + zstd.flush()
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        unpacked(bomb, encoding, 5 << 20)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert highest < 30 << 20
