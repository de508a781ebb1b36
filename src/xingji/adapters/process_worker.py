"""`python -m xingji.adapters.process_worker`: runs the tasks that a ProcessRunner sends, until it is gone."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any

from xingji.adapters.memory import expect_many_values
from xingji.adapters.messages import Answer, Call, receive, send, survives_sending


def main(descriptor: int, preload: list[str]) -> None:
    """Answer calls on a socket, given by its number, until the other side closes it."""
    for module in preload:
        import_module(module)
    expect_many_values()
    with socket.socket(fileno=descriptor) as channel, contextlib.suppress(EOFError, ConnectionError):
        threading.Thread(target=_end_with, args=(channel,), daemon=True).start()
        task: Callable[[Any], Any] | None = None
        while True:
            call: Call = receive(channel)
            task = call.task or task
            assert task is not None
            send(channel, _answer(task, call.item))


def _end_with(channel: socket.socket) -> None:
    """End in the middle of a task if nobody waits for it any more."""
    gone = select.poll()
    gone.register(channel, 0)  # nothing but the other side's end is waited for
    gone.poll()
    os._exit(0)


def _answer(task: Callable[[Any], Any], item: object) -> Answer:
    try:
        return Answer(task(item))
    except Exception as fault:  # noqa: BLE001 whoever asked raises it again
        fault.add_note(traceback.format_exc())
        return Answer(fault=fault if survives_sending(fault) else RuntimeError(_told(fault)))


def _told(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
