"""The judge of TwiML: what Twilio's own library can build, and the limits that Twilio documents.

The library takes any attribute, misspelt ones too, when it builds a document. So which verb may stand where,
and which attributes each has, is learnt by having it build every one of them.
"""

import inspect
import re
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse

_MAX_BYTES, _MAX_URI, _MAX_HEADERS = 64 * 1024, 255, 1024
_HEADER = re.compile(
    r"(x-[\w-]+|user-to-user|remote-party-id|p-preferred-identity|p-called-party-id)", re.IGNORECASE
)
_NUMBERS = {"timeLimit": range(1, 4 * 3600 + 1), "timeout": range(1, 601)}
_WORDS = {"reason": {"rejected", "busy"}, "answerOnBridge": {"true", "false"}}


class BadTwimlError(Exception):
    """Twilio would not do what this document says."""


def check(document: str) -> None:
    """Fail unless Twilio would understand all of a document.

    Raises:
        BadTwimlError: it would not; the text says what.
    """
    if len(document.encode()) > _MAX_BYTES:
        raise BadTwimlError("The document is larger than 64 KiB.")
    try:
        root = ET.fromstring(document)
    except ET.ParseError as error:
        raise BadTwimlError(f"12100: {error}") from error
    if root.tag != "Response" or root.attrib:
        raise BadTwimlError("12200: the root must be a bare <Response>.")
    _check_inside(root, VoiceResponse)


def _check_inside(parent: ET.Element, kind: type[TwiML]) -> None:
    known = _children(kind)
    for element in parent:
        if element.tag not in known:
            raise BadTwimlError(f"12200: no <{element.tag}> in a <{parent.tag}>.")
        child, attributes = known[element.tag]
        if strange := set(element.attrib) - attributes:
            raise BadTwimlError(f"12200: no {sorted(strange)} at a <{element.tag}>.")
        for name, value in element.attrib.items():
            _check_attribute(name, value)
        if element.tag == "Sip":
            _check_sip(element.text or "")
        _check_inside(element, child)


def _children(kind: type[TwiML]) -> dict[str, tuple[type[TwiML], frozenset[str]]]:
    """Have the library build everything that may stand in a verb: its kind and its attributes by its tag."""
    children = {}
    for name, method in inspect.getmembers(kind(*_required(kind)), inspect.ismethod):
        if name.startswith("_") or hasattr(TwiML, name):
            continue
        named = [
            one.name
            for one in inspect.signature(method).parameters.values()
            if one.kind is not one.VAR_KEYWORD
        ]
        child = method(**{one: "en-US" if one == "language" else "x" for one in named})
        if isinstance(child, TwiML):
            children[child.name] = type(child), frozenset(child.attrs)
    return children


def _required(kind: type[TwiML]) -> list[str]:
    parameters = list(inspect.signature(kind).parameters.values())
    return ["x" for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD]


def _check_attribute(name: str, value: str) -> None:
    if name in _NUMBERS and not (value.isdecimal() and int(value) in _NUMBERS[name]):
        raise BadTwimlError(f"{name} must be a number of seconds, not {value!r}.")
    if name in _WORDS and value not in _WORDS[name]:
        raise BadTwimlError(f"{name} must be one of {sorted(_WORDS[name])}, not {value!r}.")
    if name == "callerId" and not re.fullmatch(r"\+[1-9][0-9]{6,14}", value):
        raise BadTwimlError(f"13214: {value!r} cannot be shown as the caller's number.")


def _check_sip(text: str) -> None:
    uri, _, headers = text.partition("?")
    if not re.fullmatch(r"sip:[\w.-]+@[\w.-]+(;[\w=.-]+)*", uri) or len(uri) >= _MAX_URI:
        raise BadTwimlError(f"13224: {uri!r} is no SIP address.")
    if len(headers) >= _MAX_HEADERS:
        raise BadTwimlError("21227: the headers are longer than 1024 characters.")
    for header in headers.split("&") if headers else ():
        name, _, value = header.partition("=")
        if not _HEADER.fullmatch(name) or name.lower().startswith("x-twilio-"):
            raise BadTwimlError(f"32113: no header may be named {name!r}.")
        if re.search(r"[\x00-\x1f\x7f]", unquote(value)):
            raise BadTwimlError(f"The value of {name} would break the INVITE.")
