"""The lake's tables in Iceberg's terms: schemas, partitions, sort orders, types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pyarrow as pa
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER, SortField, SortOrder
from pyiceberg.transforms import BucketTransform, IdentityTransform, MonthTransform, Transform
from pyiceberg.types import (
    BooleanType,
    DecimalType,
    DoubleType,
    FixedType,
    IcebergType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from xingji.model.event_table import EVENT, MONEY_TYPE, TIME, TIME_TYPE
from xingji.ports.lake_store import FIXED_COLUMNS, OWN, SEQ, SURVIVOR, USER_ID, LakeTable, Property

REQUIRED = {USER_ID, TIME, SEQ, EVENT, SURVIVOR}
SORT_ORDER_ID = 1
_PARTITION_ID = 1000

_TYPES: dict[str, IcebergType] = {
    str(pa.string()): StringType(),
    str(pa.int64()): LongType(),
    str(pa.float64()): DoubleType(),
    str(pa.bool_()): BooleanType(),
    str(TIME_TYPE): TimestamptzType(),
    str(MONEY_TYPE): DecimalType(18, 2),
    str(pa.binary(16)): FixedType(16),
}


@dataclass(frozen=True)
class Design:
    """How a table is laid out."""

    schema: Schema
    partitions: PartitionSpec
    order: SortOrder


@cache
def design_of(table: LakeTable, n_buckets: int) -> Design:
    """The layout of a table when it is created."""
    columns = enumerate(FIXED_COLUMNS[table], start=1)
    fields = [
        NestedField(at, name, _TYPES[str(kind)], required=name in REQUIRED) for at, (name, kind) in columns
    ]
    return Design(Schema(*fields), _partitions(table, n_buckets), _order(table, n_buckets))


def _partitions(table: LakeTable, n_buckets: int) -> PartitionSpec:
    bucket = PartitionField(1, _PARTITION_ID, BucketTransform(n_buckets), "bucket")
    month = PartitionField(2, _PARTITION_ID + 1, MonthTransform(), "month")
    if table is LakeTable.EVENTS:
        return PartitionSpec(bucket, month)
    return PartitionSpec(bucket) if table is LakeTable.USERS else UNPARTITIONED_PARTITION_SPEC


def _order(table: LakeTable, n_buckets: int) -> SortOrder:
    if table is LakeTable.OVERRIDES:
        return UNSORTED_SORT_ORDER
    by: list[tuple[int, Transform]] = [(place, IdentityTransform()) for place in (1, 2, 3)]  # type: ignore[type-arg]
    if table in (LakeTable.EVENTS_TAIL, LakeTable.USERS_TAIL):
        by.insert(0, (1, BucketTransform(n_buckets)))
    return SortOrder(*(SortField(place, transform) for place, transform in by), order_id=SORT_ORDER_ID)


def with_columns(schema: Schema, columns: list[Property], column_name: str = "p_{}") -> Schema:
    """The schema with the columns of more properties."""
    more = [
        NestedField(p.field_id, column_name.format(p.name), _TYPES[p.type], required=False) for p in columns
    ]
    return Schema(*schema.fields, *more, schema_id=schema.schema_id + 1)


def own_field_of(schema: Schema) -> int | None:
    """The field id of OWN; None in a table from before there was one."""
    return next((field.field_id for field in schema.fields if field.name == OWN), None)


def with_own(schema: Schema, field_id: int) -> Schema:
    """The schema with the column OWN."""
    own = NestedField(field_id, OWN, LongType(), required=False)
    return Schema(*schema.fields, own, schema_id=schema.schema_id + 1)
