"""What has to change in a Twilio account for calls to get here, and how that is undone.

Only our own number is ever touched: a trunk that leads elsewhere is left as it is, for others may rely on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from services.voice_server.domain.twilio_setup import Number, Trunk, Wanted

NEW = ""
"""Stands for the SID of a trunk that is yet to be made."""


class Way(StrEnum):
    """How calls get to OpenAI: straight through a SIP trunk, or bridged by our webhook."""

    TRUNK = "trunk"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class CreateTrunk:
    """Make a trunk that leads to a SIP address."""

    sip_uri: str

    def __str__(self) -> str:
        return f"make a SIP trunk that leads to {self.sip_uri}"


@dataclass(frozen=True, slots=True)
class DeleteTrunk:
    """Delete a trunk that we have made, unless a number has been put on it since."""

    trunk_sid: str

    def __str__(self) -> str:
        return f"delete the SIP trunk {self.trunk_sid}, which was made by this command"


@dataclass(frozen=True, slots=True)
class Assign:
    """Put our number on a trunk."""

    number: str
    number_sid: str
    trunk_sid: str

    def __str__(self) -> str:
        return f"put {self.number} on the SIP trunk {self.trunk_sid or 'just made'}"


@dataclass(frozen=True, slots=True)
class Release:
    """Take our number off a trunk."""

    number: str
    number_sid: str
    trunk_sid: str

    def __str__(self) -> str:
        return f"take {self.number} off the SIP trunk {self.trunk_sid}"


@dataclass(frozen=True, slots=True)
class Point:
    """Let the calls to our number go to a webhook, and tell their status to another."""

    after: Number
    before: Number

    def __str__(self) -> str:
        return "; ".join(
            f"{self.after.number}: {what} {now or 'nothing'} instead of {was or 'nothing'}"
            for what, now, was in (
                ("A call comes in", _hook(self.after), _hook(self.before)),
                ("Call status changes", _status(self.after), _status(self.before)),
            )
            if now != was
        )


Change = CreateTrunk | DeleteTrunk | Assign | Release | Point


@dataclass(frozen=True, slots=True)
class Undo:
    """How our number was before anything was changed, and the trunks that were made since."""

    before: Number
    made: tuple[str, ...] = ()


def plan(way: Way, number: Number, trunks: Iterable[Trunk], wanted: Wanted) -> list[Change]:
    """List what has to change, in order; nothing if all is as it should be."""
    if way is Way.WEBHOOK:
        hooked = replace(
            number,
            voice_url=wanted.voice_url,
            voice_method="POST",
            application_sid="",
            status_callback=wanted.status_callback,
            status_callback_method="POST",
        )
        return _towards(replace(hooked, trunk_sid=""), number)
    fit = [trunk.sid for trunk in trunks if _leads_here(trunk, wanted)]
    if number.trunk_sid in fit:
        return []
    if fit:
        return _towards(replace(number, trunk_sid=fit[0]), number)
    off = _towards(replace(number, trunk_sid=""), number)
    return [CreateTrunk(wanted.sip_uri), *off, Assign(number.number, number.sid, NEW)]


def undo(was: Undo, number: Number) -> list[Change]:
    """List what has to change for our number to be as it was."""
    return [*_towards(was.before, number), *(DeleteTrunk(sid) for sid in was.made)]


def _towards(after: Number, before: Number) -> list[Change]:
    changes: list[Change] = []
    if before.trunk_sid and before.trunk_sid != after.trunk_sid:
        changes.append(Release(before.number, before.sid, before.trunk_sid))
    pointed = replace(after, trunk_sid=before.trunk_sid)
    if pointed != before:
        changes.append(Point(pointed, before))
    if after.trunk_sid and after.trunk_sid != before.trunk_sid:
        changes.append(Assign(before.number, before.sid, after.trunk_sid))
    return changes


def _leads_here(trunk: Trunk, wanted: Wanted) -> bool:
    used = [one.sip_url for one in trunk.originations if one.is_enabled]
    return used == [wanted.sip_uri]


def _hook(number: Number) -> str:
    if number.application_sid:
        return f"the TwiML application {number.application_sid}"
    return f"{number.voice_method} {number.voice_url}" if number.voice_url else ""


def _status(number: Number) -> str:
    return f"{number.status_callback_method} {number.status_callback}" if number.status_callback else ""
