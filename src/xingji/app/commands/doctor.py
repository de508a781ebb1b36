"""`xingji doctor`: is everything as it should be?"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from xingji.app.exact_json import pretty
from xingji.app.failure import DONE, OURS
from xingji.app.health import look_over
from xingji.app.settings import Settings
from xingji.app.terminal import Terminal

EXAMPLES = """
xingji doctor
xingji doctor --deep --json
"""


def arrange(parser: ArgumentParser) -> None:
    """What it takes."""
    parser.add_argument(
        "--deep", action="store_true", help="read every file of every lake, which takes its time"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Look everything over; the status is 1 where something has failed."""
    findings = []
    with terminal.progress("Looking everything over"):
        for finding in look_over(settings, os.environ, arguments.deep):
            findings.append(finding)
            if not arguments.json:
                terminal.answer(f"{finding.state:8} {finding.about}: {finding.sentence}")
    if arguments.json:
        terminal.answer(pretty([asdict(finding) for finding in findings]))
    return OURS if any(finding.state == "failure" for finding in findings) else DONE
