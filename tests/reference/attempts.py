"""The attempts of a funnel: every one of a unit is written down, and the best of those left is chosen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.reference.log import Event
from tests.reference.matching import largest_matching
from tests.reference.predicates import value_of
from tests.reference.units import Scene, Unit
from tests.reference.values import Key, key_of
from xingji.model.query import Exclusion, Funnel

Restriction = Callable[[int, Event], bool]


@dataclass(frozen=True)
class Attempt:
    """The events of an attempt: one a required step reached (order any: a row), and its optional ones."""

    unit: Unit
    steps: tuple[Event, ...]
    optional: dict[int, Event] = dataclasses.field(default_factory=dict)

    @property
    def start(self) -> Event:
        return self.steps[0]

    @property
    def rank(self) -> tuple[object, ...]:
        """The smallest is chosen: the furthest, then the first to end, then the last to start."""
        time_us, seq = self.start.position
        return -len(self.steps), self.steps[-1].position, (-time_us, -seq)

    def rank_with_optional(self, query: Funnel) -> tuple[object, ...]:
        """The rank among runs for several values, which may differ in optional steps only."""
        found = [self.optional.get(at) for at, step in enumerate(query.steps) if step.optional]
        return *self.rank, [(event is None, event and event.time_us) for event in found]

    @property
    def events(self) -> list[Event]:
        """All its events in order."""
        return sorted([*self.steps, *self.optional.values()], key=lambda event: event.position)


def required_steps(query: Funnel) -> list[int]:
    """The required steps, numbered from 0 as listed; order any: the rows."""
    return [at for at, step in enumerate(query.steps) if not step.optional]


def event_of(query: Funnel, step: int, attempt: Attempt) -> Event | None:
    """The attempt's event of a step (order any: of a row)."""
    required = required_steps(query)
    if step in attempt.optional:
        return attempt.optional[step]
    if step not in required or required.index(step) >= len(attempt.steps):
        return None
    return attempt.steps[required.index(step)]


def event_before(query: Funnel, step: int, attempt: Attempt) -> Event | None:
    """The event of the required step before; None for the first step, or where it was not reached."""
    before = [at for at in required_steps(query) if at < step]
    return event_of(query, before[-1], attempt) if before else None


def reached(query: Funnel, step: int, state: str, attempt: Attempt) -> bool:
    """Whether the attempt has the step or, state dropped, lost its unit just before it."""
    if state == "converted":
        return event_of(query, step, attempt) is not None
    return event_of(query, step, attempt) is None and event_before(query, step, attempt) is not None


class Walk:
    """The attempts of units; `allowed(step, event)` narrows what may be a step (from 0, as listed)."""

    def __init__(self, query: Funnel, scene: Scene, allowed: Restriction = lambda step, event: True) -> None:
        self.query, self.scene, self.allowed = query, scene, allowed
        self.required = required_steps(query)

    def chosen(self, unit: Unit) -> Attempt | None:
        """The attempt that counts; None where the unit has none, or all are removed."""
        stream = [event for event in unit.events if self.scene.may_follow(event)]
        attempts = {"ordered": self._ordered, "any": self._any, "strict": self._strict}[self.query.order]
        left = [attempt for attempt in attempts(unit, stream) if not self._removed(attempt, stream)]
        best = min(left, key=lambda attempt: attempt.rank, default=None)
        return best and dataclasses.replace(best, optional=self._optional(best, stream))

    def _is_step(self, step: int, event: Event, unit: Unit) -> bool:
        selector = self.query.steps[step].selector
        return self.scene.matches(selector, event, unit) and self.allowed(step, event)

    def _starts(self, step: int, event: Event, unit: Unit) -> bool:
        """Whether an attempt begins here: in the range, and with every value that is held constant."""
        held = key_of(None) not in self._held(event)
        return held and self.scene.in_range(event) and self._is_step(step, event, unit)

    def _belongs(self, event: Event, start: Event) -> bool:
        """Whether an event, not before the start, is in the window and carries the values held constant."""
        return self._in_window(event, start) and self._held(event) == self._held(start)

    def _held(self, event: Event) -> list[Key]:
        return [key_of(value_of(ref, event, self.scene.history)) for ref in self.query.hold_constant]

    def _in_window(self, event: Event, start: Event) -> bool:
        window = self.query.window
        if window.session:
            session = self.scene.session_of.get(start.seq)
            return event is start or (session is not None and self.scene.session_of.get(event.seq) == session)
        return window.length_us is None or event.time_us <= start.time_us + window.length_us

    def _ordered(self, unit: Unit, stream: list[Event]) -> Iterable[Attempt]:
        for start in stream:
            if self._starts(0, start, unit):
                found = [start]
                for step in self.required[1:]:
                    later = [
                        event
                        for event in stream
                        if event.position > found[-1].position
                        and self._belongs(event, start)
                        and self._is_step(step, event, unit)
                    ]
                    if not later:
                        break
                    found.append(later[0])
                yield Attempt(unit, tuple(found))

    def _strict(self, unit: Unit, stream: list[Event]) -> Iterable[Attempt]:
        for place, start in enumerate(stream):
            if self._starts(0, start, unit):
                found = [start]
                for step, event in zip(self.required[1:], stream[place + 1 :]):
                    if not (self._belongs(event, start) and self._is_step(step, event, unit)):
                        break
                    found.append(event)
                yield Attempt(unit, tuple(found))

    def _any(self, unit: Unit, stream: list[Event]) -> Iterable[Attempt]:
        """Row k is reached at the event with which k steps can be given k different events."""
        fits = {
            event.seq: {step for step in self.required if self._is_step(step, event, unit)}
            for event in stream
        }
        for place, start in enumerate(stream):
            if any(self._starts(step, start, unit) for step in self.required):
                rows: list[Event] = []
                seen: list[set[int]] = []
                for event in stream[place:]:
                    if self._belongs(event, start):
                        seen.append(fits[event.seq])
                        if largest_matching(seen) > len(rows):
                            rows.append(event)
                yield Attempt(unit, tuple(rows))

    def _removed(self, attempt: Attempt, stream: list[Event]) -> bool:
        return any(self._removes(exclusion, attempt, stream) for exclusion in self.query.exclusions)

    def _removes(self, exclusion: Exclusion, attempt: Attempt, stream: list[Event]) -> bool:
        """Whether an event of it comes after its first step, and before its last or by the window's end."""
        first = self.required.index(exclusion.from_step - 1)
        last = self.required.index(exclusion.to_step - 1)
        reached = len(attempt.steps)
        if first >= reached:
            return False
        return any(
            event.position > attempt.steps[first].position
            and (last >= reached or event.position < attempt.steps[last].position)
            and event not in attempt.steps
            and self._belongs(event, attempt.start)
            and self.scene.matches(exclusion.selector, event, attempt.unit)
            for event in stream
        )

    def _optional(self, attempt: Attempt, stream: list[Event]) -> dict[int, Event]:
        """Each optional step's event: the first after the step before it, before the next required one."""
        found: dict[int, Event] = {}
        reached = 0
        before = attempt.start
        for at, step in enumerate(self.query.steps):
            if not step.optional:
                if reached == len(attempt.steps):
                    break
                before = attempt.steps[reached]
                reached += 1
                continue
            between = [
                event
                for event in stream
                if event.position > before.position
                and (reached == len(attempt.steps) or event.position < attempt.steps[reached].position)
                and self._belongs(event, attempt.start)
                and self._is_step(at, event, attempt.unit)
            ]
            if between:
                found[at] = before = between[0]
        return found
