"""The data folder that a checkout may have beside it: real logs and published cases, not ours to ship."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared"
ABSENT = "the data folder ../shared is not beside this checkout"

needs_shared_data = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=ABSENT)
"""For tests that read the folder while they are collected; the others take the fixture `shared_data`."""
