"""From a day's pieces to one Arrow batch: rows in order of arrival, one column per property."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from xingji.loan import columns as col
from xingji.loan.arrays import DAY_MS, I64, NONE, Column
from xingji.loan.devices import APP_ID, BROWSER_VERSION, MAKES, MINI, SDK_VERSION, SERVER, app_versions
from xingji.loan.elements import ELEMENT_IDS, ELEMENT_TEXTS
from xingji.loan.geography import places
from xingji.loan.plan import INSTANT, MONEY, PLAN
from xingji.loan.scenery import networks
from xingji.loan.sink import Piece
from xingji.loan.vocabulary import EVENTS, VALUES, code
from xingji.loan.world import World

IDENTITIES = ("device", "anonymous", "login", "customer_no", "openid")
_KEYS = {"application_id": col.APPLICATION_KEY, "credit_line_id": col.LINE_KEY, "loan_id": col.LOAN_KEY,
         "repayment_id": col.REPAYMENT_KEY}  # fmt: skip
_SPELLED = frozenset({"$session_id", "$device_id", *_KEYS})
SESSION_KEY = col.KeyStyle("S", 13)
_CORE = code("$app_id", "core")
_SERVER_SDK = code("$sdk_version", "server-1.3.0")
_COMMON = tuple(item.name for item in PLAN.common)


def _type_of(name: str, kind: pa.DataType) -> pa.DataType:
    return col.CODED if kind == pa.string() and name not in _SPELLED else kind


def event_schema() -> pa.Schema:
    """Columns of an event batch: keys, identities, the 24 common properties, every event property by
    its name."""
    fields = [
        pa.field("user", pa.string(), nullable=False),
        pa.field("event", col.CODED, nullable=False),
        pa.field("time", INSTANT, nullable=False),
        pa.field("event_id", pa.binary(16), nullable=False),
        *(pa.field(f"identity.{kind}", pa.string()) for kind in IDENTITIES),
        *(pa.field(item.name, _type_of(item.name, item.arrow_type)) for item in PLAN.common),
    ]
    fields += [
        pa.field(name, _type_of(name, item.arrow_type))
        for name, item in PLAN.event_properties.items()
        if name not in _COMMON
    ]
    return pa.schema(fields)


class Emitter:
    """Writes batches of one world."""

    def __init__(self, world: World) -> None:
        self.world, self.schema = world, event_schema()
        self._names = set(self.schema.names)
        own = {
            "campaign_batch_id": world.reach.batches,
            "element_id": ELEMENT_IDS,
            "element_text": ELEMENT_TEXTS,
        }
        self._dictionaries = {
            name: pa.array(list(own.get(name, VALUES[name])), pa.string())
            for name in self.schema.names
            if name in VALUES and name not in _SPELLED
        }
        self._events = pa.array(EVENTS)
        self.seen = np.zeros((len(VALUES["platform"]), world.users), np.bool_)
        self.counts = np.zeros(len(EVENTS), np.int64)
        self._random = np.random.Generator(np.random.SFC64(world.config.seed))

    def batch(self, pieces: list[Piece]) -> pa.RecordBatch:
        """One batch of all rows of the pieces, in order of arrival."""
        rows = _Rows(pieces)
        user, shared = self._context(rows)
        arrays = {**self._keys(rows, user), **shared}
        for name, values in rows.properties.items():
            if name not in self._names:
                raise KeyError(f"{name} is not in the tracking plan")
            arrays[name] = self._array(name, values)
        columns = [
            arrays[field.name] if field.name in arrays else pa.nulls(len(rows), field.type)
            for field in self.schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _array(self, name: str, values: Column) -> pa.Array:
        if name in _KEYS:
            numbers = values.astype(np.int64)
            if name in ("application_id", "credit_line_id"):
                numbers = np.where(numbers >= 0, self.world.apps.number[numbers], NONE)
            return col.texts(_KEYS[name].spell(np.maximum(numbers, 0)), numbers >= 0)
        kind = self.schema.field(name).type
        if name in self._dictionaries:
            return col.coded(values, self._dictionaries[name])
        if kind == MONEY:
            return col.money(values)
        if kind == pa.float64():
            return col.floating(values)
        return col.flags(values) if kind == pa.bool_() else col.whole(values)

    def _keys(self, rows: _Rows, user: I64) -> dict[str, pa.Array]:
        n, people = len(rows), len(self.world.people)
        self.counts += np.bincount(rows.event, minlength=len(EVENTS))
        ids = np.frombuffer(self._random.bytes(16 * n), np.uint8).reshape(n, 16).copy()
        ids[:, 6] = (ids[:, 6] & 0x0F) | 0x40
        ids[:, 8] = (ids[:, 8] & 0x3F) | 0x80
        known = user < people
        spelled = col.CUSTOMER_KEY.spell(np.where(known, user, user - people))
        spelled[:, 0] = np.where(known, ord("C"), ord("D"))
        return {
            "user": col.texts(spelled),
            "event": col.coded(rows.event, self._events),
            "time": col.instants(rows.time_ms),
            "event_id": pa.Array.from_buffers(pa.binary(16), n, [None, pa.py_buffer(ids)]),
        }

    def _context(self, rows: _Rows) -> tuple[I64, dict[str, pa.Array]]:
        """Identities and common properties: those of the visit, or of the core system for rows of none."""
        world, visit = self.world, np.maximum(rows.visit, 0)
        inside = rows.visit >= 0
        device = world.visits.device[visit]
        logged = ~inside | (rows.time_ms >= world.login_ms[visit])
        user = np.where(inside, world.user_of(visit, rows.time_ms), rows.person)
        person = np.where(inside, world.visits.person[visit], rows.person)
        platform = np.where(inside, world.devices.platform[device], SERVER)
        self.seen[platform, user] = True
        codes = self._codes(rows, visit, device, platform, inside)
        arrays = {name: self._array(name, values) for name, values in codes.items()}
        spell = col.DEVICE_KEY.spell(device)
        arrays["identity.device"] = arrays["$device_id"] = col.texts(spell, inside)
        arrays["identity.anonymous"] = col.texts(col.ANONYMOUS_KEY.spell(device), inside)
        arrays["identity.login"] = col.texts(col.LOGIN_KEY.spell(person), inside & logged)
        arrays["identity.customer_no"] = col.texts(col.CUSTOMER_KEY.spell(person), logged)
        arrays["identity.openid"] = col.texts(
            col.OPENID_KEY.spell(person), inside & logged & (platform == MINI)
        )
        session = device.astype(np.int64) * 10_000 + world.calling.session_no[visit] % 10_000
        arrays["$session_id"] = col.texts(SESSION_KEY.spell(session), inside)
        return user, arrays

    def _codes(
        self, rows: _Rows, visit: I64, device: Column, platform: Column, inside: Column
    ) -> dict[str, Column]:
        world, visits, devices = self.world, self.world.visits, self.world.devices
        day = (visits.start_ms[visit] - world.config.start_ms) // DAY_MS
        place = devices.place[device]
        make, browser = MAKES[devices.make[device]], devices.browser[device]
        district = np.where(place < places().local, places().district[place], NONE)
        channel = rows.properties.pop("channel", None)
        values: dict[str, Column] = {
            "$app_version": app_versions(world.config, devices, device, day),
            "$brand": make[:, 0],
            "$model": make[:, 1],
            "$os": make[:, 2],
            "$os_version": make[:, 3],
            "$browser": browser,
            "$browser_version": np.where(browser >= 0, BROWSER_VERSION[browser], NONE),
            "$network": networks(world.dice, visit),
            "$operator": world.people.operator[devices.owner[device]],
            "$ip_province": places().province[place],
            "$ip_city": places().city[place],
            "$ip_district": district,
            "$is_first_day": world.calling.is_first_day[visit],
            "$utm_source": world.source[visit],
            "$utm_campaign": world.campaign[visit],
        }
        values = {name: np.where(inside, value, NONE) for name, value in values.items()}
        own = visits.channel[visit]
        values["channel"] = np.where(inside, own, own if channel is None else channel)
        values["platform"] = platform
        values["$app_id"] = np.where(inside, APP_ID[platform], _CORE)
        values["$sdk_version"] = np.where(rows.origin == 0, SDK_VERSION[platform], _SERVER_SDK)
        values["$origin"] = rows.origin
        values["$received_delay_ms"] = rows.arrival_ms - rows.time_ms
        return values


class _Rows:
    """The pieces of a batch laid side by side and put in order of arrival."""

    def __init__(self, pieces: list[Piece]) -> None:
        sizes = [len(piece) for piece in pieces]
        arrival = np.concatenate([piece.arrival_ms for piece in pieces])
        order = np.argsort(arrival, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self.arrival_ms = arrival[order]
        self.time_ms = np.concatenate([piece.time_ms for piece in pieces])[order]
        self.visit = np.concatenate([piece.visit for piece in pieces])[order]
        self.person = np.concatenate([piece.person for piece in pieces])[order]
        self.event = np.repeat(np.array([piece.event for piece in pieces], np.int16), sizes)[order]
        self.origin = np.repeat(np.array([piece.origin for piece in pieces], np.int8), sizes)[order]
        self.properties: dict[str, Column] = {}
        start = 0
        for piece, size in zip(pieces, sizes):
            self._place(piece, place[start : start + size])
            start += size

    def _place(self, piece: Piece, at: I64) -> None:
        for name, values in piece.columns.items():
            column = self.properties.get(name)
            if column is None:
                kind = values.dtype if values.dtype.kind == "f" else np.int64
                column = np.full(len(self), np.nan if values.dtype.kind == "f" else NONE, kind)
                self.properties[name] = column
            column[at] = values

    def __len__(self) -> int:
        return len(self.time_ms)
