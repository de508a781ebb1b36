"""How every kernel is compiled: without the interpreter's lock, kept in a cache, for the types it is declared
with."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel at its first call for each set of types, and keep the machine code on disk."""
    return cast("Callable[P, R]", numba.njit(function, nogil=True, cache=True, boundscheck=False))


inline = numba.njit(nogil=True, cache=True, inline="always")
"""For the small functions kernels share."""
