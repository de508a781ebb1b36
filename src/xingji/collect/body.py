"""The body of a request, unpacked within a bound: what would become too large is not unpacked first."""

from __future__ import annotations

import io
import zlib

import zstandard

from xingji.collect.faults import TooLargeError, UnreadableError, UnsupportedTypeError

MOST_BYTES = 5 << 20
"""What a body may take, as it is sent and unpacked."""
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, encoding: str, most_bytes: int = MOST_BYTES) -> bytes:
    """A body without its content encoding (gzip, zstd, or none).

    Raises:
        TooLargeError: it takes more than `most_bytes`.
        UnreadableError: it is not what the encoding says, or is cut off.
        UnsupportedTypeError: another encoding.
    """
    match encoding.strip().lower():
        case "" | "identity":
            plain = body
        case "gzip" | "x-gzip":
            plain = _of_gzip(body, most_bytes)
        case "zstd":
            plain = _of_zstd(body, most_bytes)
        case other:
            raise UnsupportedTypeError(f"Content-Encoding is {other[:40]!r}; allowed: gzip, zstd or none")
    if len(plain) > most_bytes:
        raise TooLargeError(f"the body takes more than {most_bytes} bytes; send fewer events at once")
    return plain


def _of_gzip(body: bytes, most_bytes: int) -> bytes:
    """All members, one after the other, up to one byte more than is allowed."""
    plain = b""
    try:
        while body and len(plain) <= most_bytes:
            member = zlib.decompressobj(_GZIP_WINDOW)
            plain += member.decompress(body, most_bytes + 1 - len(plain))
            if not member.eof and len(plain) <= most_bytes:
                raise UnreadableError("the gzip body is cut off; nothing of it was kept")
            body = member.unused_data
    except zlib.error as fault:
        raise UnreadableError(f"the body is no gzip: {fault}") from None
    return plain


def _of_zstd(body: bytes, most_bytes: int) -> bytes:
    try:
        # Frames may ask for a window of gigabytes to be unpacked in; ours are small.
        reader = zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(
            io.BytesIO(body), read_across_frames=True
        )
        plain: bytes = reader.read(most_bytes + 1)
    except zstandard.ZstdError as fault:
        raise UnreadableError(f"the body is no zstd: {fault}") from None
    if len(plain) <= most_bytes and not _is_whole(body):
        raise UnreadableError("the zstd body is cut off; nothing of it was kept")
    return plain


def _is_whole(body: bytes) -> bool:
    """Whether the last frame of a small body has its end."""
    while body:
        frame = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
        frame.decompress(body)
        if not frame.eof:
            return False
        body = frame.unused_data
    return True
