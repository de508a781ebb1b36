"""The log under test: sizes, numbers, one city for each user, no two events of a user at one instant."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.log import make_log, parse_size, user_numbers


@pytest.mark.parametrize(("text", "events"), [("500k", 500_000), ("2m", 2_000_000), ("20M", 20_000_000)])
def test_sizes(text: str, events: int) -> None:
    assert parse_size(text) == events


@pytest.mark.parametrize("text", ["20", "m", "1k", "9999m", "-2m", "2.5m"])
def test_what_is_no_size_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"size is '{text}'"):
        parse_size(text)


def test_numbers_of_people_and_devices_do_not_meet() -> None:
    names = pa.array(["C000000000", "C000000041", "D000000000", "D000000007"])
    assert user_numbers(names, 42).tolist() == [0, 41, 42, 49]
    assert user_numbers(names.slice(2), 42).tolist() == [42, 49]


@pytest.mark.slow
def test_users_keep_their_city_and_have_no_ties(tmp_path: Path) -> None:
    log = make_log(tmp_path, 100_000, lambda _: None)
    table = pa.concat_tables([pq.read_table(file) for file in log.files])
    assert table.num_rows == log.rows == sum(log.rows_of_events().values())
    cities = table.group_by("user").aggregate([("city", "count_distinct")])
    assert pc.max(cities["city_count_distinct"]).as_py() == 1
    assert table.group_by(["user", "time"]).aggregate([]).num_rows == log.rows
    people = [name for name in table["user"].unique().to_pylist() if name.startswith("C")]
    assert max(int(name[1:]) for name in people) < log.people
    assert make_log(tmp_path, 100_000, lambda _: pytest.fail("generated again")) == log
