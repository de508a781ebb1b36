"""A lake on a local folder: Apache Iceberg tables by PyIceberg, their catalogue in SQLite."""

from xingji.adapters.iceberg_local.store import IcebergLocalStore

__all__ = ["IcebergLocalStore"]
