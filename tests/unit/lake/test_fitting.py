"""A column keeps the type of its first values; whatever differs is kept as JSON, and nothing is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from xingji.lake.fitting import Fitting, check_properties, number_columns
from xingji.lake.wide import Wide
from xingji.model.errors import FieldError
from xingji.model.event_table import MAX_PROMOTED, MONEY_TYPE, TIME_TYPE
from xingji.ports.lake_store import LakeVersion, Property, Subject

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def version(**types: str) -> LakeVersion:
    known = [Property(Subject.EVENT, name, kind, 9 + at) for at, (name, kind) in enumerate(types.items())]
    return LakeVersion(1, (), (), tuple(known), 4)


def fit_table(fitting: Fitting, table: pa.Table) -> pa.Table:
    """The fitted table; `row` stands for the columns that are no properties."""
    rows = table.append_column("row", pa.array(range(table.num_rows)))
    fitted = fitting.fit(Wide.of(rows))
    return fitted.table().append_column("rest", fitted.array("properties_json", pa.string()))


def fit(column: pa.Array, **types: str) -> tuple[list[object], list[object]]:
    """The values in the column of property a, and those in JSON, row by row."""
    table = fit_table(Fitting(Subject.EVENT, version(**types)), pa.table({"p_a": column}))
    typed = table["p_a"].to_pylist() if "p_a" in table.schema.names else [None] * len(column)
    rest = [None if text is None else json.loads(text)["a"] for text in table["rest"].to_pylist()]
    return typed, rest


@pytest.mark.parametrize(
    ("column", "kind", "typed", "rest"),
    [
        pytest.param(pa.array([1, None]), "int64", [1, None], [None, None], id="same type"),
        pytest.param(
            pa.array(["x", "y"]).dictionary_encode(), "string", ["x", "y"], [None, None], id="coded text"
        ),
        pytest.param(
            pa.array([1, 2**53 + 1]),
            "double",
            [1.0, None],
            [None, 2**53 + 1],
            id="integers that doubles hold",
        ),
        pytest.param(
            pa.array([7, 10**17]),
            str(MONEY_TYPE),
            [Decimal("7.00"), None],
            [None, 10**17],
            id="integers that money holds",
        ),
        pytest.param(pa.array(["12"]), "int64", [None], ["12"], id="text where numbers are"),
        pytest.param(pa.array([1.5]), "int64", [None], [1.5], id="double where integers are"),
        pytest.param(pa.array([True]), "int64", [None], [True], id="flag where integers are"),
        pytest.param(
            pa.array([Decimal("1.10")], MONEY_TYPE), "string", [None], [1.1], id="money where text is"
        ),
        pytest.param(
            pa.array([NOON], TIME_TYPE), "string", [None], ["2026-05-01T12:00:00Z"], id="time where text is"
        ),
        pytest.param(
            pa.array([float("inf")]), "string", [None], [float("inf")], id="an infinity where text is"
        ),
    ],
)
def test_values_go_to_the_column_or_to_json(
    column: pa.Array, kind: str, typed: list[object], rest: list[object]
) -> None:
    assert fit(column, a=kind) == (typed, rest)


def test_first_values_make_the_column_and_later_tables_keep_to_it() -> None:
    fitting = Fitting(Subject.EVENT, version())
    fit_table(fitting, pa.table({"p_a": pa.array([None, None], pa.string()), "p_b": [1, 2]}))
    later = fit_table(fitting, pa.table({"p_b": ["x"], "p_a": [1.5]}))
    assert fitting.new_columns == [
        Property(Subject.EVENT, "b", "int64"),
        Property(Subject.EVENT, "a", "double"),
    ]
    assert later["rest"].to_pylist() == ['{"b":"x"}']
    assert fitting.new_properties == [Property(Subject.EVENT, "b", "string")]


def test_json_of_the_reader_is_kept_and_added_to() -> None:
    fitting = Fitting(Subject.EVENT, version(a="int64"))
    table = pa.table({"p_a": ["x", None, "z"], "properties_json": ['{"tags":[1]}', None, "{}"]})
    rest = fit_table(fitting, table)["rest"].to_pylist()
    assert [text and json.loads(text) for text in rest] == [{"tags": [1], "a": "x"}, None, {"a": "z"}]
    assert Property(Subject.EVENT, "tags", "json") in fitting.new_properties


def test_properties_beyond_the_limit_are_kept_as_json() -> None:
    full = version(**{f"c{at}": "int64" for at in range(MAX_PROMOTED)})
    fitting = Fitting(Subject.EVENT, full)
    fitted = fit_table(fitting, pa.table({"p_new": [5], "p_c3": [6]}))
    assert fitted["rest"].to_pylist() == ['{"new":5}']
    assert fitted["p_c3"].to_pylist() == [6]
    assert number_columns([Property(Subject.EVENT, "new", "int64")], full) == ()


def test_columns_get_the_next_field_ids_of_their_subject() -> None:
    wanted = [Property(Subject.EVENT, "b", "int64"), Property(Subject.USER, "city", "string")]
    assert [p.field_id for p in number_columns(wanted, version(a="int64"))] == [10, 6]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([[1]]), id="list"),
        pytest.param(pa.array([Decimal("1.2345")]), id="finer money"),
        pytest.param(pa.array([1], pa.uint64()), id="unsigned"),
        pytest.param(pa.array([1], pa.timestamp("ns")), id="nanoseconds"),
    ],
)
def test_column_of_an_impossible_type_is_named(column: pa.Array) -> None:
    with pytest.raises(FieldError, match="p_a is"):
        check_properties(pa.table({"p_a": column}))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        pytest.param(pa.array([1], pa.int16()), [1], id="short integers"),
        pytest.param(pa.array([0.5], pa.float32()), [0.5], id="short floats"),
        pytest.param(pa.array(["x"], pa.large_string()), ["x"], id="large texts"),
        pytest.param(pa.array([NOON], pa.timestamp("ms", tz="UTC")), [NOON], id="milliseconds"),
    ],
)
def test_column_of_a_near_type_is_made_one_of_ours(column: pa.Array, values: list[object]) -> None:
    check_properties(pa.table({"p_a": column}))
    fitted = fit_table(Fitting(Subject.EVENT, version()), pa.table({"p_a": column}))
    assert fitted["p_a"].to_pylist() == values
