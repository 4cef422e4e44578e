"""What a run of written text sounds like: links, tags, emoji, and what no voice can pronounce.

Text that nobody sees on a screen is not heard either, and is counted as left out.
"""

import re
import unicodedata
from dataclasses import dataclass

_UNSEEN = "\ue000-\uf8ff\ud800-\udfff\U000e0000-\U000e007f"  # private, half a character, tags
_SUBSTANCE = re.compile(rf"[^\W_]+|[{_UNSEEN}]+")

# A comment, script or style goes to its end, or to the end of the text.
_HIDDEN = r"<!--.*?(?:-->|\Z)|<(?P<element>script|style)\b.*?(?:</(?P=element)>|\Z)"
_TAG = r"</?(?P<tag>[a-z][^\s<>/]*)(?P<attributes>[^<>]*)>"
_NO_LINK = r"\s<>、。」\uff0c\uff09"  # Chinese and Japanese go on without a space
_LINK = rf"(?<![a-z0-9])(?:(?:https?|ftp)://|www\.)(?P<address>[^{_NO_LINK}]*[^{_NO_LINK}.,;:!?)\]}}'\"*_])"
_LONG = r"[!-~]{80,}"
_UNSPEAKABLE = re.compile(f"{_HIDDEN}|{_TAG}|{_LINK}|(?P<long>{_LONG})", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:[^/@]*@)?(?:www\.)?([\w.-]*\w)")

_INLINE_TAGS = {"a", "b", "code", "em", "i", "kbd", "mark", "s", "small", "span", "strong", "sub", "sup", "u"}
_BLOCK_TAGS = {
    *("br", "details", "div", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p"),
    *("summary", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}

_PICTURE = "\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_PICTURES = re.compile(rf"[{_PICTURE}][{_PICTURE}\ufe0f\u200d]*")
_WARNINGS = {"❌": "No", "✖": "No", "✗": "No", "⚠": "Warning"}
_SIGNS = {"✅": "yes", "✔": "yes", "✓": "yes", "☑": "yes", **_WARNINGS}

_LINE_CHARACTERS = 60
"""A line at least so long goes on in the next one: somebody has wrapped it."""

_STOPS = tuple(".!?…:;,。！？：；、؟،۔।॥")  # noqa: RUF001 - every script has its own

_CLOSING = "\"'”\u2019»)*"

LINE_ENDS = "\r"
"""Marks the end of a line that must be heard as one; a newline may be mere wrapping."""


def substance(text: str) -> int:
    """Count the characters that mean something: letters and digits, and what is there but cannot be seen."""
    return sum(map(len, _SUBSTANCE.findall(text)))


@dataclass(frozen=True)
class Plain:
    """Words that can be spoken, and how many meaningful characters of the text are not among them."""

    words: str
    lost: int


def plain_words(text: str) -> Plain:
    """Turn a run of text into words.

    A bare URL becomes its host, tags and comments go, a string too long for a word is named, and emoji are
    left out unless they say yes or no or are all there is.
    """
    lost = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal lost
        words, is_lost = _instead_of(match)
        lost += substance(match[0]) if is_lost else 0
        return words

    shown = _UNSPEAKABLE.sub(replace, text)
    lost += substance("".join(re.findall(f"[{_UNSEEN}]+", shown)))
    return Plain(_joined(_visible(_PICTURES.sub(_sign, shown))) or _named(shown), lost)


def sentence(words: str) -> str:
    """End words with a full stop, unless they end with a stop of their own."""
    return words if not words or words.rstrip(_CLOSING).endswith(_STOPS) else f"{words}."


def _instead_of(match: re.Match[str]) -> tuple[str, bool]:
    """Tell what is said instead, and whether anything is lost by it."""
    if match["address"] is not None:
        host = _HOST.match(match["address"])
        return (f"a link to {host[1]}" if host else "a link"), True
    if match["long"]:
        return "a long string of characters", True
    tag = (match["tag"] or "").lower()
    if not tag:
        return "", True
    has_more = bool(match["attributes"].strip(" /"))
    if tag in _INLINE_TAGS:
        return "", has_more
    # What is no tag of HTML is a word that somebody has put in such brackets.
    return LINE_ENDS if tag in _BLOCK_TAGS else match["tag"], has_more


def _sign(match: re.Match[str]) -> str:
    """Say what changes the meaning of words; a tick in front of them, or a smile behind, does not."""
    words = next((_WARNINGS[char] for char in match[0] if char in _WARNINGS), "")
    leads = match.string[match.end() : match.end() + 2].strip()
    return f" {words}: " if words and leads else f" {words} "


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    # The joiners shape words in Persian and in Indian scripts.
    return "".join(
        char
        for char in text
        if char in "\n\r\t\u200c\u200d" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
        if char not in "\ufe0f\u20e3"
    )


def _joined(text: str) -> str:
    """Make one line of many."""
    joined, last, is_wrapped = "", "", True
    for line in re.split("([\n\r])", text):
        if line in ("\n", "\r"):
            is_wrapped = line == "\n" and is_wrapped
        elif words := " ".join(line.split()):
            goes_on = is_wrapped and (len(last) >= _LINE_CHARACTERS or words[0].islower())
            joined = f"{joined if goes_on else sentence(joined)} {words}"
            last, is_wrapped = words, True
    return joined.strip() if any(map(str.isalnum, joined)) else ""


def _named(text: str) -> str:
    """Say the names of pictures that stand alone."""
    names = [
        _SIGNS.get(char) or unicodedata.name(char, "").lower()
        for char in _visible(text)[:20]
        if re.match(f"[{_PICTURE}]", char)
    ]
    return ", ".join(dict.fromkeys(name for name in names if name))
