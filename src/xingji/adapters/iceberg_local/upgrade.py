"""Lakes from before rows bore their own user: the column is added, and merges go to the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from xingji.adapters.iceberg_local import ledger, merges
from xingji.adapters.iceberg_local.catalog import LakeCatalog
from xingji.adapters.iceberg_local.ledger import Ledger
from xingji.adapters.iceberg_local.tables import own_field_of, with_own
from xingji.model.errors import DamagedFileError
from xingji.ports.lake_store import (
    FIXED_COLUMNS,
    SEQ,
    SURVIVOR,
    TABLES_OF,
    USER_ID,
    LakeTable,
    Merge,
    Subject,
)


def setting_of(subject: Subject) -> str:
    """The setting that says which field id OWN has in the tables of a subject."""
    return f"own_field_{subject}"


def is_old(book: Ledger) -> bool:
    """Whether a lake is from before there was OWN."""
    with book.reading() as db:
        return ledger.setting(db, setting_of(Subject.EVENT)) is None


def upgrade(catalog: LakeCatalog, book: Ledger, overrides: Sequence[Path]) -> None:
    """Add OWN to every table, and note the merges of the newest version, whose override files are given.

    The files stay as they are, also those of overrides: chains in them lead to the same survivors.

    Raises:
        DamagedFileError: a table's description or a file of overrides cannot be read; nothing was changed.
    """
    with book.reading() as db:
        places, number = ledger.pointers(db), ledger.newest(db)
    field_ids = _field_ids(catalog, places)
    staged = []
    for table, location in places.items():
        schema = catalog.metadata_at(location).schema()
        if own_field_of(schema) is None:
            staged.append(catalog.stage_schema(table, location, with_own(schema, field_ids[table])))
    found = [merge for path in overrides for merge in _merges_in(path)]
    with book.writing() as db:
        ledger.move_pointers(db, "the upgrade of the lake", staged)
        merges.begin(db, number, found)
        for subject, (table, _) in TABLES_OF.items():
            ledger.put_settings(db, **{setting_of(subject): field_ids[table]})


def _field_ids(catalog: LakeCatalog, places: dict[LakeTable, str]) -> dict[LakeTable, int]:
    """The id that OWN gets in each table: above all others, and one for the tables of a subject."""
    found = {LakeTable.OVERRIDES: len(FIXED_COLUMNS[LakeTable.OVERRIDES])}
    for tables in TABLES_OF.values():
        highest = max(catalog.metadata_at(places[table]).last_column_id for table in tables)
        found |= dict.fromkeys(tables, highest + 1)
    return found


def _merges_in(path: Path) -> list[Merge]:
    try:
        rows = pq.read_table(path, columns=[USER_ID, SURVIVOR, SEQ])
    except (OSError, ValueError) as error:
        raise DamagedFileError(path.name, str(error).splitlines()[0]) from error
    return [Merge(*row) for row in zip(*(column.to_pylist() for column in rows.columns), strict=True)]
