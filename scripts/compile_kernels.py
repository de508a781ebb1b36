"""Compile the kernels into Numba's on-disk cache, so that no user's first query waits for a compiler."""

from __future__ import annotations

import runpy
from importlib.util import find_spec


def main() -> None:
    """Run `xingji.analysis.kernels` as a program, which compiles every kernel; a tree without it has none."""
    if find_spec("xingji.analysis") and find_spec("xingji.analysis.kernels"):
        runpy.run_module("xingji.analysis.kernels", run_name="__main__")


if __name__ == "__main__":
    main()
