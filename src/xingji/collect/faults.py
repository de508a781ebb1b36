"""Why a whole request is refused; the status is what HTTP calls it."""

from __future__ import annotations

from xingji.model.errors import CallerError


class RequestFault(CallerError):
    """A request that is refused as a whole; nothing of it was kept."""

    status = 400


class UnreadableError(RequestFault):
    """The body is not what it says it is."""


class KeyMissingError(RequestFault):
    """There is no write key, or none that anybody knows."""

    status = 401


class ForbiddenError(RequestFault):
    """The key does not serve where the request comes from."""

    status = 403


class TooLargeError(RequestFault):
    """The body is larger than one request may be, as sent or unpacked."""

    status = 413


class UnsupportedTypeError(RequestFault):
    """The body is of a type or an encoding that is not read."""

    status = 415
