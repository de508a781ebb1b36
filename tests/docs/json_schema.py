"""As much of JSON Schema as our schema uses: says where a document does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]
KNOWN = {
    "$defs", "$ref", "$schema", "additionalProperties", "const", "default", "description", "enum", "items",
    "maxItems", "maximum", "minItems", "minLength", "minimum", "oneOf", "pattern", "properties", "required",
    "title", "type",
}  # fmt: skip
"""The words this reads; a schema that uses another one would be half checked."""

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


def misfits(value: Any, schema: Schema, root: Schema, path: str = "") -> list[str]:
    """The places at which a value does not fit a schema, each with what is wrong there."""
    assert set(schema) <= KNOWN, f"{path}: {set(schema) - KNOWN}"
    if "$ref" in schema:
        return misfits(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)
    found = list(_misfits_of_value(value, schema, path))
    if "oneOf" in schema:
        tried = [misfits(value, each, root, path) for each in schema["oneOf"]]
        fitting = sum(not each for each in tried)
        if fitting != 1:
            found.append(f"{path} fits {fitting} of the choices: {min(tried, key=len)}")
    if isinstance(value, list) and "items" in schema:
        for at, each in enumerate(value):
            found += misfits(each, schema["items"], root, f"{path}[{at}]")
    if isinstance(value, dict):
        found += _misfits_of_object(value, schema, root, path)
    return found


def _misfits_of_value(value: Any, schema: Schema, path: str) -> Iterator[str]:
    types = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", ())
    if types and not any(_TYPES[kind](value) for kind in types):
        yield f"{path} is no {types}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{path} is not {schema['const']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path} does not match {schema['pattern']}"
    if isinstance(value, list | str):
        low, high = ("minItems", "maxItems") if isinstance(value, list) else ("minLength", "")
        if not schema.get(low, 0) <= len(value) <= schema.get(high, len(value)):
            yield f"{path} has {len(value)} items"
    if _TYPES["number"](value) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path} is out of bounds"


def _misfits_of_object(value: dict[str, Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path} lacks {name}"
    for name, each in value.items():
        place = f"{path}.{name}"
        if name in properties:
            yield from misfits(each, properties[name], root, place)
        elif others is False:
            yield f"{place} is unknown"
        elif isinstance(others, dict):
            yield from misfits(each, others, root, place)
