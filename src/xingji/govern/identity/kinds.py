"""Kinds of ids: how strong each is, which are exclusive, how many of each a person may have."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from xingji.govern.events.event import Identity
from xingji.govern.files.identity import KINDS
from xingji.model.errors import FieldError

RANKS: Mapping[str, int] = {kind: rank for rank, kind in enumerate(KINDS)}
"""The strongest kind is 0."""
CUSTOMER_NO, LOGIN, UNIONID, OPENID, MOBILE, DEVICE, ANONYMOUS = range(len(KINDS))
EXCLUSIVE = (CUSTOMER_NO, LOGIN)
"""A person has at most one value of each of these kinds."""


class Limits(msgspec.Struct, frozen=True):
    """How many ids of a kind a person gets from events; an exclusive kind has one anyway.

    They keep what is no person's, a test account or a number that a program fills in, from growing without
    end; they are far above what a customer of a bank has. Reinstalling an app gives a new device, and
    clearing a browser a new anonymous id.
    """

    unionid: int = 5
    openid: int = 10
    mobile: int = 5
    device: int = 20
    anonymous: int = 100

    def by_rank(self) -> tuple[int, ...]:
        """The limit of each kind, the strongest first."""
        return (1, 1, self.unionid, self.openid, self.mobile, self.device, self.anonymous)

    def __post_init__(self) -> None:
        for kind in self.__struct_fields__:
            if getattr(self, kind) < 1:
                raise FieldError(f"limits.{kind}", getattr(self, kind), "a whole number from 1")


def name_of(identity: Identity) -> str:
    """An id as one text.

    >>> name_of(("login", "u-88"))
    'login:u-88'
    """
    return f"{identity[0]}:{identity[1]}"


def identity_of(name: str) -> Identity:
    """The id of a name.

    >>> identity_of("openid:wx:7")
    ('openid', 'wx:7')
    """
    kind, _, value = name.partition(":")
    return kind, value


def rank_of(name: str) -> int:
    """How strong a name's kind is.

    >>> rank_of("device:d-1")
    5
    """
    return RANKS[name[: name.index(":")]]
