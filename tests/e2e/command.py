"""Runs `xingji` as a user without a terminal would: in a process of its own, or, for many, in this one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

from xingji.app.main import main

XINGJI = Path(sys.executable).parent / "xingji"
TIMEOUT_SECONDS = 240


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which must be one JSON document and nothing else."""
        return json.loads(self.out, parse_float=Decimal)


@dataclass(frozen=True)
class Commands:
    """`xingji` in one folder, with a home in it."""

    folder: Path
    variables: Mapping[str, str]

    def __call__(self, *words: str, stdin: str | bytes = b"", **variables: str) -> Done:
        """Run a command to its end."""
        done = subprocess.run(
            [XINGJI, *words],
            cwd=self.folder,
            env=self.environment | variables,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def here(self, *words: str, stdin: str | bytes = b"", **variables: str) -> Done:
        """Run a command to its end in this process, which spares the start of the interpreter."""
        out, err = io.StringIO(), io.StringIO()
        given = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin))
        environment = mock.patch.dict(os.environ, self.environment | variables, clear=True)
        streams = (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), environment)
        with contextlib.chdir(self.folder), contextlib.ExitStack() as stack:
            for each in streams:
                stack.enter_context(each)  # type: ignore[arg-type]
            stack.enter_context(mock.patch.object(sys, "stdin", given))
            status = main(words)
        return Done(status, out.getvalue(), err.getvalue())

    def start(self, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        """Begin a command."""
        return subprocess.Popen(
            [XINGJI, *words],
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What every command of this folder is told."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XINGJI_")}
        return kept | {"XINGJI_HOME": str(self.folder / "home")} | dict(self.variables)

    def write(self, name: str, content: str | bytes) -> str:
        """A file in the folder; returns its name."""
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def ask(self, document: object, *words: str) -> Any:
        """The answer to a question, which must succeed and say nothing else."""
        done = self.here("query", "-", *words, stdin=json.dumps(document))
        assert (done.status, done.err) == (0, "")
        return done.json
