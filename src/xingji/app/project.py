"""Projects: one lake each, under the home folder."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path

from xingji.app.settings import Settings
from xingji.model.errors import CallerError, FieldError

DEFAULT = "default"
_NAME = re.compile(r"[a-z0-9_-]{1,40}")


def add_project(parser: ArgumentParser) -> None:
    """Let a command be told which project it works on."""
    parser.add_argument("--project", metavar="P", default=DEFAULT, help=f"the project (default: {DEFAULT})")


def folder_of(settings: Settings, project: str) -> Path:
    """The folder of a project, whether it exists or not; raises FieldError for a name that is none."""
    if not _NAME.fullmatch(project):
        raise FieldError("--project", project, "1 to 40 of the letters a to z, digits, _ and -")
    return settings.home / "projects" / project


def projects_of(settings: Settings) -> list[str]:
    """The names of the projects there are."""
    folder = settings.home / "projects"
    return sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def existing_folder_of(settings: Settings, project: str) -> Path:
    """The folder of a project that must be there; raises CallerError where nothing was ever loaded."""
    folder = folder_of(settings, project)
    if not folder.is_dir():
        known = projects_of(settings)
        hint = f"; its projects: {', '.join(known)}" if known else ""
        load = f"load events with `xingji import FILE --project {project}`"
        raise CallerError(f"{settings.home} holds no project {project!r}{hint}; {load}")
    return folder
