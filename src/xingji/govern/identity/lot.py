"""A lot while it is resolved: events and commands taken in, in log order."""

from __future__ import annotations

from collections.abc import Sequence

from xingji.govern.events.event import Event, Identity, Kind
from xingji.govern.identity.commands import Allow, Bind, Command, Deny, Item, Said, Unbind, Undo, commands_in
from xingji.govern.identity.junk import is_junk
from xingji.govern.identity.kinds import RANKS, identity_of, name_of, rank_of
from xingji.govern.identity.meeting import Meeting
from xingji.model.errors import shown
from xingji.ports.identity_store import ActKind, Denied, IdentityChange, IdentityStore

NOBODY = 255
"""In place of the owner's place among the ids of an event, where none of them identifies anybody."""
Fault = tuple[int, int, str]
"""Offset and index of a command that says nothing that could be done, and why not."""


class Lot:
    """What is made of a lot's items; the store is only read."""

    def __init__(self, store: IdentityStore, limits: tuple[int, ...], denied: frozenset[str]) -> None:
        self.meeting = Meeting(store, limits)
        self.denied = set(denied)
        self.faults: list[Fault] = []
        self._denials: list[Denied] = []
        self._allowed: list[str] = []
        self._junk: dict[str, bool] = {}

    def take_in(self, items: Sequence[Item], names: Sequence[Sequence[str]]) -> bytes:
        """Apply the rules; gives the place of each item's owner among its `names`."""
        self.meeting.read({name for some in names for name in some})
        owners = bytearray(len(items))
        denies = any(isinstance(item, Said) and isinstance(item.command, Deny | Allow) for item in items)
        news = [at for at, item in enumerate(items) if denies or not self._is_known(item, names[at])]
        self.meeting.read_persons(name for at in news for name in names[at])
        for at in news:
            owners[at] = self._take(items[at], names[at])
        return bytes(owners)

    def change(self, answer: bytes) -> IdentityChange:
        """What the store is to keep."""
        meeting = self.meeting
        persons, gone = meeting.changed_persons()
        return IdentityChange(
            answer,
            new_nodes=[meeting.nodes[name] for name in meeting.new_names],
            nodes=[meeting.nodes[name] for name in meeting.changed_names - meeting.new_names],
            persons=persons,
            gone=gone,
            acts=list(meeting.acts.values()),
            denied=self._denials,
            allowed=self._allowed,
        )

    def _is_known(self, item: Item, names: Sequence[str]) -> bool:
        """Whether an item is an event that tells nothing new: most are, and need no look at persons."""
        if isinstance(item, Said) or item.kind in (Kind.BIND, Kind.UNBIND):
            return False
        nodes, is_first, strongest = self.meeting.nodes, True, 0
        for name in names:
            node = nodes.get(name)
            if node is None or name in self.denied:
                return False
            if is_first:
                is_first, strongest = False, node.number
            elif strongest not in node.met:
                return False
        return not is_first

    def _take(self, item: Item, names: Sequence[str]) -> int:
        if isinstance(item, Said):
            self._follow(item)
            return NOBODY
        live = [name for name in names if self._identifies(name)]
        if not live:
            return NOBODY
        strongest, *others = live
        self.meeting.node(strongest)
        if item.kind in (Kind.BIND, Kind.UNBIND):
            for command in commands_in(item):
                self._follow(Said(item.place, item.time_us, command))
        else:
            for weaker in others:
                self.meeting.come_together(weaker, strongest, item.place, item.time_us)
        return names.index(strongest)

    def _identifies(self, name: str) -> bool:
        if name in self.denied:
            return False
        if name in self.meeting.nodes:
            return True
        junk = self._junk.get(name)
        if junk is None:
            junk = self._junk[name] = is_junk(*identity_of(name))
        return not junk

    def _follow(self, said: Said) -> None:
        command, place = said.command, said.place
        fault = self._fault_of(command)
        if fault is not None:
            self.faults.append((place.offset, place.index, fault))
        elif isinstance(command, Undo):
            self.meeting.undo(command.number, said)
        elif isinstance(command, Bind | Unbind):
            kind = ActKind.BIND if isinstance(command, Bind) else ActKind.UNBIND
            self.meeting.say(kind, name_of(command.one), name_of(command.other), said)
        else:
            self._deny_or_allow(command, said)

    def _deny_or_allow(self, command: Deny | Allow, said: Said) -> None:
        name = name_of(command.identity)
        self._denials = [denied for denied in self._denials if denied.name != name]
        if isinstance(command, Allow):
            self.denied.discard(name)
            self._allowed.append(name)
        else:
            self.denied.add(name)
            denied = Denied(name, said.place.offset, said.time_us, command.who, command.reason)
            self._denials.append(denied)

    def _fault_of(self, command: Command) -> str | None:
        """Why a command cannot be followed; None where it can."""
        if isinstance(command, Undo):
            if self.meeting.act(command.number) is not None:
                return None
            return f"number is {command.number}; allowed: the number of an act between two ids"
        if isinstance(command, Deny | Allow):
            return _unknown_kind(command.identity)
        for identity in (command.one, command.other):
            if fault := _unknown_kind(identity):
                return fault
            if not self._identifies(name_of(identity)):
                return f"{shown(name_of(identity))} identifies nobody; allowed: an id neither junk nor denied"
        if command.one == command.other:
            return f"{shown(name_of(command.one))} is both ids; allowed: two different ones"
        return None


def names_in(item: Item) -> list[str]:
    """The names of an item's ids, the strongest first, in whatever order they came."""
    if isinstance(item, Event):
        ids = item.identities
        ranks = [RANKS[kind] for kind, _ in ids]
        names = [f"{kind}:{value}" for kind, value in ids]
        return names if ranks == sorted(ranks) else sorted(names, key=rank_of)
    command = item.command
    if not isinstance(command, Bind | Unbind) or _unknown_kind(command.one) or _unknown_kind(command.other):
        return []
    return [name_of(command.one), name_of(command.other)]


def _unknown_kind(identity: Identity) -> str | None:
    if identity[0] in RANKS:
        return None
    return f"an id's kind is {shown(identity[0])}; allowed: {', '.join(RANKS)}"
