"""How a process manages its memory that makes and drops millions of values, none of them in cycles."""

from __future__ import annotations

import gc
import os

import pyarrow as pa

_GARBAGE_AFTER = 100_000
"""New objects after which cycles are looked for."""


def expect_many_values() -> None:
    """Look for cycles seldom, and keep freed memory.

    Arrow's own allocator gives memory back to the kernel at once, which has to clear it for the next block: a
    fifth of all time. What the caller chose in ARROW_DEFAULT_MEMORY_POOL stays.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE_AFTER)
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ and "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())
