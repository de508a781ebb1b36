"""Funnels from JSON documents."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Literal, cast, get_args

from xingji.model.document import Fields, Reader
from xingji.model.errors import CallerError
from xingji.model.parse_predicate import read_duration_us, read_property
from xingji.model.parse_scope import read_limit, read_offset, read_selector
from xingji.model.predicate import PropertyRef
from xingji.model.query import (
    PAGE,
    AroundFunnel,
    Attribution,
    Exclusion,
    Funnel,
    Interval,
    Scope,
    Step,
    Window,
)

_MAX_STEPS = 30
_MAX_EXCLUSIONS = 10
_MAX_BINS = 200


def read_funnel(fields: Fields, scope: Scope) -> Funnel:
    """A funnel's own fields; impossible combinations are refused."""
    steps = fields.need("steps", _steps)
    funnel = Funnel(
        scope,
        steps,
        fields.get("order", lambda r: r.one_of("ordered", "any", "strict"), "ordered"),
        _window(fields),
        fields.get("exclusions", lambda r: _exclusions(r, steps), ()),
        fields.get("hold_constant", _held, ()),
        fields.get("attribution", lambda r: _attribution(r, len(steps)), Attribution()),
        fields.get("view", lambda r: r.one_of("steps", "time_to_convert", "trend", "users"), "steps"),
        cast(Interval, fields.get("interval", lambda r: r.one_of(*get_args(Interval)), "day")),
        fields.get("bins", _bins, None),
        fields.get("step", lambda r: r.integer(1, len(steps)), 1),
        fields.get("state", lambda r: r.one_of("converted", "dropped"), "converted"),
        fields.get("limit", read_limit, PAGE),
        fields.get("offset", read_offset, 0),
    )
    if funnel.view != "users":
        fields.forbid(("limit", "offset"), f"the view {funnel.view} has no pages")
    _refuse_impossible(funnel)
    return funnel


def _refuse_impossible(funnel: Funnel) -> None:
    optional = any(step.optional for step in funnel.steps)
    if funnel.order == "any" and optional:
        raise CallerError("steps[…].optional cannot be true with order any: there, every step is optional")
    if funnel.order == "any" and funnel.attribution.kind == "step":
        raise CallerError("attribution step:N cannot be given with order any: its steps have no place")
    if funnel.order == "any" and any(
        (x.from_step, x.to_step) != (1, len(funnel.steps)) for x in funnel.exclusions
    ):
        raise CallerError("exclusions with order any run from the first step to the last only")
    if funnel.order == "strict" and funnel.exclusions:
        raise CallerError("exclusions cannot be given with order strict: nothing comes between neighbours")
    if funnel.order == "strict" and optional:
        raise CallerError(
            "steps[…].optional cannot be true with order strict: nothing comes between neighbours"
        )
    if funnel.view == "users" and funnel.scope.users_of:
        raise CallerError(
            "users_of cannot be given with view users: step, state, limit and offset name the list"
        )
    if funnel.attribution.kind in ("step", "all_steps") and not funnel.scope.breakdown:
        raise CallerError("attribution step:N and all_steps need a breakdown whose values they assign")


def _steps(reader: Reader) -> tuple[Step, ...]:
    found = []
    for item in reader.items("a list of steps", 1, _MAX_STEPS):
        selector = read_selector(item, "optional")
        optional = item.object().get("optional", Reader.flag, False)
        found.append(Step(selector, selector.name, optional))
    if found[0].optional:
        raise CallerError(f"{reader.path}[0].optional is true; the first step cannot be optional")
    return tuple(found)


def _window(fields: Fields) -> Window:
    if not fields.has("window"):
        return Window(None) if fields.given("window") else Window()
    document = fields.at("window").value
    if isinstance(document, dict) and document.get("unit") == "session":
        if document != {"value": 1, "unit": "session"}:
            fields.at("window").fail('a session as {"value": 1, "unit": "session"}')
        return Window(None, session=True)
    return Window(fields.need("window", read_duration_us))


def _exclusions(reader: Reader, steps: tuple[Step, ...]) -> tuple[Exclusion, ...]:
    found = []
    for item in reader.items("a list of exclusions", 0, _MAX_EXCLUSIONS):
        selector = read_selector(item, "from_step", "to_step")
        if selector.first_time:
            raise CallerError(
                f"{item.path}.first_time cannot be given: an exclusion is any event that matches"
            )
        fields = item.object()
        first = fields.get("from_step", lambda r: r.integer(1, len(steps) - 1), 1)
        last = fields.get("to_step", lambda r: r.integer(2, len(steps)), len(steps))
        if last <= first:
            raise CallerError(f"{item.path}.to_step is {last}; allowed: a step after from_step ({first})")
        for name, step in (("from_step", first), ("to_step", last)):
            if steps[step - 1].optional:
                raise CallerError(f"{item.path}.{name} is {step}, an optional step; allowed: a required step")
        found.append(Exclusion(selector, first, last))
    return tuple(found)


def _held(reader: Reader) -> tuple[PropertyRef, ...]:
    return tuple(read_property(item) for item in reader.items("a list of properties", 0, 3))


def _attribution(reader: Reader, n_steps: int) -> Attribution:
    text = reader.text("first_touch | last_touch | all_steps | step:N")
    if text in (f"step:{step}" for step in range(1, n_steps + 1)):
        return Attribution("step", int(text.removeprefix("step:")))
    if text not in ("first_touch", "last_touch", "all_steps"):
        reader.fail(f"first_touch | last_touch | all_steps | step:N with N from 1 to {n_steps}")
    return Attribution(cast(Literal["first_touch", "last_touch", "all_steps"], text))


def _bins(reader: Reader) -> int | tuple[float, ...]:
    if not isinstance(reader.value, list):
        return reader.integer(1, _MAX_BINS)
    edges = tuple(
        float(item.integer(0, 10**12)) for item in reader.items("rising edges in seconds", 2, _MAX_BINS + 1)
    )
    if any(high <= low for low, high in itertools.pairwise(edges)):
        reader.fail("edges in seconds, each larger than the one before")
    return edges


def read_around_funnel(reader: Reader, scope: Scope) -> AroundFunnel:
    """A funnel and the part of the way around its steps that is kept; the range is that of the paths."""
    fields = reader.object('a funnel such as {"steps": […], "step": 2, "position": "after"}')
    inner = Reader(
        {k: v for k, v in fields.items() if k not in ("step", "position", "state")}, reader.path, reader.depth
    )
    own = inner.object()
    own.forbid(("step", "position", "state"), "they are read with the paths")
    funnel = read_funnel(own, dataclasses.replace(scope, users_of=None))
    own.close()
    around = AroundFunnel(
        funnel,
        fields.get("step", lambda r: r.integer(1, len(funnel.steps)), 1),
        fields.get("position", lambda r: r.one_of("before", "between", "after"), "after"),
        fields.get("state", lambda r: r.one_of("converted", "dropped"), "converted"),
    )
    if around.position == "between" and around.state == "dropped":
        raise CallerError(f"{reader.path}.state is dropped; allowed with position between: converted")
    if around.position == "between" and around.step == 1:
        raise CallerError(
            f"{reader.path}.step is 1; allowed with position between: a step from 2, the way up to it"
        )
    return around
