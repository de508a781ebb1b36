"""What the lake knows by name: columns and event names, agreed on before files use their numbers."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from xingji.lake.fitting import number_columns
from xingji.lake.intake import Intake
from xingji.model.errors import FieldError
from xingji.model.event_table import EVENT, MAX_EVENT_NAMES
from xingji.ports.lake_store import LakeChange, LakeStore, LakeVersion


def with_words(change: LakeChange, intake: Intake, version: LakeVersion) -> LakeChange:
    """The change with the columns, properties and event names that the version lacks."""
    known = set(version.event_names)
    names = tuple(name for name in intake.new_event_names if name not in known)
    if len(known) + len(names) > MAX_EVENT_NAMES:
        raise FieldError(EVENT, names[0], f"one of {MAX_EVENT_NAMES:,} event names, and all are taken")
    columns = number_columns(intake.new_columns, version)
    listed = {(p.subject, p.name, p.type) for p in version.properties}
    properties = tuple(p for p in intake.new_properties if (p.subject, p.name, p.type) not in listed)
    return replace(change, event_names=names, columns=columns, properties=properties)


def after(version: LakeVersion, change: LakeChange) -> LakeVersion:
    """The version with the words of a change that is about to be committed."""
    return replace(
        version,
        event_names=version.event_names + change.event_names,
        properties=version.properties + change.columns + change.properties,
    )


def agree(store: LakeStore, intake: Intake) -> LakeVersion:
    """Commit the words of an intake alone; gives a version that has them all."""
    with store.writer():
        version = store.version()
        change = with_words(LakeChange(f"words-{uuid4().hex}"), intake, version)
        if not (change.event_names or change.columns or change.properties):
            return version
        return store.commit(change)
