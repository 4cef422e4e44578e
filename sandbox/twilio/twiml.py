"""TwiML as far as a phone for an agent needs it: the verbs, read from a document."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Literal

from sandbox.twilio.errors import CallFaultError


@dataclass(frozen=True)
class Dial:
    """Bridge the person to a SIP address.

    Attributes:
        caller_id: the number shown there; None shows the caller's.
        time_limit: real seconds the bridge may last; None for ever.
        timeout: real seconds it may ring.
        action: the URL that is told how it ended and says what comes next.
        records: whether both channels are recorded from the answer on.
        recording_callback: the URL that is told of the recording.
        recording_events: what it is told.
    """

    sip: str
    caller_id: str | None
    time_limit: float | None
    timeout: float
    action: str | None
    records: bool
    recording_callback: str | None
    recording_events: frozenset[str]


@dataclass(frozen=True)
class Say:
    """Speak to the person."""

    words: str


@dataclass(frozen=True)
class Pause:
    """Say nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True)
class Reject:
    """Do not answer."""

    reason: Literal["rejected", "busy"]


Verb = Dial | Say | Pause | Hangup | Reject


def parse(document: str) -> list[Verb]:
    """Read a document.

    Raises:
        CallFaultError: it cannot be parsed (12100), is no `<Response>` or holds what is unknown here (12200).
    """
    try:
        root = ET.fromstring(document)  # noqa: S314 - it comes from the service under test, on loopback
    except ET.ParseError as error:
        raise CallFaultError(12100, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise CallFaultError(12200, f"The document's root is <{root.tag}>, not <Response>.")
    return [_verb(element) for element in root]


def _verb(element: ET.Element) -> Verb:
    match element.tag:
        case "Dial":
            return _dial(element)
        case "Say":
            return Say(element.text or "")
        case "Pause":
            return Pause(float(element.get("length", "1")))
        case "Hangup":
            return Hangup()
        case "Reject":
            return Reject("busy" if element.get("reason") == "busy" else "rejected")
        case unknown:
            raise CallFaultError(12200, f"<{unknown}> is unknown here.")


def _dial(element: ET.Element) -> Dial:
    sip = element.find("Sip")
    if sip is None or not sip.text:
        raise CallFaultError(12200, "<Dial> needs a <Sip> here.")
    limit = element.get("timeLimit")
    return Dial(
        sip=sip.text.strip(),
        caller_id=element.get("callerId"),
        time_limit=float(limit) if limit else None,
        timeout=float(element.get("timeout", "30")),
        action=element.get("action"),
        records=_records(element.get("record", "do-not-record")),
        recording_callback=element.get("recordingStatusCallback"),
        recording_events=frozenset(element.get("recordingStatusCallbackEvent", "completed").split()),
    )


def _records(wanted: str) -> bool:
    if wanted not in {"do-not-record", "record-from-answer-dual"}:
        raise CallFaultError(12200, f'record="{wanted}" is unknown here.')
    return wanted == "record-from-answer-dual"
