"""Whose the events of a lot are: one look into the store, the rules in log order, one change of the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from xingji.govern.events.event import Identity, Place
from xingji.govern.files.identity import KINDS
from xingji.govern.identity.commands import Item
from xingji.govern.identity.erasing import erase
from xingji.govern.identity.kinds import Limits
from xingji.govern.identity.lot import NOBODY, Lot, names_in
from xingji.model.errors import FieldError, OurError
from xingji.ports.identity_store import Act, IdentityChange, IdentityStore, Outcome

_REFUSED = (Outcome.SHARED, Outcome.DIFFERENT, Outcome.LIMIT)


class Refusal(msgspec.Struct, frozen=True):
    """Two ids that came together, for the first time, and did not become one person's.

    `number` is their act's; `outcome` says why; `kind` is the kind of id that was the reason, where one was.
    """

    number: int
    place: Place
    weaker: str
    stronger: str
    outcome: Outcome
    kind: str


class Fault(msgspec.Struct, frozen=True):
    """A command that says nothing that could be done."""

    place: Place
    message: str


class Resolved(msgspec.Struct, frozen=True):
    """Whose each event of a lot is, and what changed.

    `owners`: for each item the name of its strongest id, as `kind:value`; None where no id of it identifies
    anybody, and for commands. `changes`: in order, a root that was absorbed and the root whose it is from now
    on, None where it is its own again. `refusals`: conflicts and limits that were met. `faults`: commands
    that could not be followed.
    """

    owners: list[str | None]
    changes: list[tuple[str, str | None]]
    refusals: list[Refusal]
    faults: list[Fault]

    @property
    def overrides(self) -> dict[str, str | None]:
        """Whose each root of the changes is after the lot; None: its own."""
        return dict(self.changes)


class _Kept(msgspec.Struct, array_like=True):
    """What a lot was answered, in numbers: no name is kept that an erasure would have to look for."""

    owners: bytes
    changes: list[tuple[int, int]]
    refusals: list[int]
    faults: list[tuple[int, int, str]]


class Resolver:
    """Says of the events of a project whose they are."""

    def __init__(self, store: IdentityStore, limits: Limits | None = None) -> None:
        """The persons of a store are made by one set of limits: with others, other binds would have been
        made.

        Raises:
            FieldError: the store's persons were made with other limits.
        """
        limits = limits or Limits()
        rules, noted = msgspec.json.encode(limits), store.rules()
        if noted and noted != rules:
            raise FieldError(
                "limits", msgspec.to_builtins(limits), f"those that these persons have, {noted.decode()}"
            )
        if not noted:
            store.set_rules(rules)
        self._store, self._limits = store, limits.by_rank()
        self._denied = frozenset(denied.name for denied in store.denied())
        self._pending: tuple[int, IdentityChange, frozenset[str]] | None = None

    def resolve(self, lot: int, items: Sequence[Item]) -> Resolved:
        """Whose the events of a lot are; nothing is kept before `commit`.

        `items`: events, whose ids are of different kinds, and commands, in log order. The lot that was
        committed last may come again, with the same items, and gets the answer that it got then.

        Raises:
            OurError: a lot comes again that is not the last, or not as it was.
        """
        names = [names_in(item) for item in items]
        if lot <= self._store.lot:
            return self._answer_again(lot, names)
        work = Lot(self._store, self._limits, self._denied)
        owners = work.take_in(items, names)
        acts = work.meeting.acts
        refusals = [number for number, act in acts.items() if act.outcome in _REFUSED]
        kept = _Kept(owners, work.meeting.changes, refusals, work.faults)
        self._pending = lot, work.change(msgspec.msgpack.encode(kept)), frozenset(work.denied)
        return _resolved(names, kept, acts, work.meeting.names)

    def commit(self, lot: int) -> None:
        """Make what a lot changed durable; a lot that is committed already changes nothing.

        Raises:
            OurError: the lot was not resolved.
        """
        if lot <= self._store.lot:
            return
        pending, self._pending = self._pending, None
        if pending is None or pending[0] != lot:
            raise OurError(f"lot {lot} of identities is to be committed and was not resolved")
        self._store.save(lot, pending[1])
        self._denied = pending[2]

    def erase(self, identity: Identity) -> list[Identity]:
        """Remove the person of an id for good, between two lots; see `erasing.erase`.

        Raises:
            OurError: a lot is resolved and not committed.
            TransientError: something of them may still be on the disk; erase again.
        """
        if self._pending is not None:
            raise OurError(
                f"lot {self._pending[0]} of identities is not committed yet; erase before or after it"
            )
        try:
            return erase(self._store, identity)
        finally:
            # Denials go in the first of its two steps, whatever becomes of the second.
            self._denied = frozenset(denied.name for denied in self._store.denied())

    def _answer_again(self, lot: int, names: Sequence[Sequence[str]]) -> Resolved:
        kept = msgspec.msgpack.decode(self._store.answer(), type=_Kept)
        if lot != self._store.lot or len(kept.owners) != len(names):
            last = f"lot {self._store.lot}, of {len(kept.owners)} items"
            raise OurError(
                f"lot {lot} of identities, of {len(names)} items, comes again; only the last may: {last}"
            )
        # Who was erased since is in no answer.
        acts = {number: act for number in kept.refusals if (act := self._store.act(number)) is not None}
        left = self._store.names({number for change in kept.changes for number in change if number})
        changes = [(one, to) for one, to in kept.changes if one in left and (not to or to in left)]
        return _resolved(names, _Kept(kept.owners, changes, list(acts), kept.faults), acts, self._store.names)


def _resolved(
    names: Sequence[Sequence[str]],
    kept: _Kept,
    acts: Mapping[int, Act],
    names_of: Callable[[Collection[int]], dict[int, str]],
) -> Resolved:
    """An answer in names, of one in numbers."""
    refused = [acts[number] for number in kept.refusals]
    numbers = {number for change in kept.changes for number in change if number}
    called = names_of(numbers | {number for act in refused for number in (act.weaker, act.stronger)})
    return Resolved(
        [None if at == NOBODY else some[at] for some, at in zip(names, kept.owners, strict=True)],
        [(called[one], called[to] if to else None) for one, to in kept.changes],
        [_refusal(act, called) for act in refused],
        [Fault(Place(offset, index), message) for offset, index, message in kept.faults],
    )


def _refusal(act: Act, called: Mapping[int, str]) -> Refusal:
    place = Place(act.offset, act.index)
    kind = "" if act.outcome is Outcome.SHARED else KINDS[act.ground]
    return Refusal(act.number, place, called[act.weaker], called[act.stronger], act.outcome, kind)
