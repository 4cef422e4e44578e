"""The agent's written answer as a voice can tell it: short, in sentences, without what only eyes can use.

The agent writes markdown, of any length. Parsing it costs some 20 µs a line, so that only so much of it is
looked at as can come to be spoken. Whether anything is left out is not decided case by case: the letters and
digits that are spoken are counted, and compared with those that are written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from services.voice_server.domain.plain_words import LINE_ENDS, plain_words, sentence, substance

SPOKEN_CHARACTERS = 1_200
"""How long the spoken form may be: a minute and a half."""

LISTED = 5
"""How many items of a list, and rows of a table, are spoken."""

_SOURCE_CHARACTERS, _SOURCE_LINES, _COLUMNS = 40_000, 500, 20
_PARAGRAPH_CHARACTERS, _READ_CHARACTERS = 2_000, 5_000
_CODE_CHARACTERS = 40

_NOTHING = "There is nothing in this answer that can be read out."
_FILE = "A file comes with this."

# Lines by which OpenClaw's agents attach a file, and words by which they steer its channels.
_MEDIA = re.compile(r"(?:^[ \t]*MEDIA:[^\n]*\n?)+", re.MULTILINE)
_STEERING = re.compile(r"\[\[(?:reply_to_current|reply_to:[ \t]*[\w-]{1,64}|audio_as_voice)\]\]")
_IN_BETWEEN = {"softbreak": "\n", "hardbreak": LINE_ENDS, "s_open": "no longer ", "s_close": ","}
_TASK = re.compile(r"\[([ xX])\]\s+(?=\S)")
_TOO_WIDE = re.compile(rf"^((?:[^|\n]*\|){{{_COLUMNS}}})[^\n]+", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)]*(?=\s)|[。！？।]")  # noqa: RUF001 - Chinese, Japanese and Hindi

# HTML is taken for text, from which the tags are removed: what is between them is there to be read.
_BLOCKS = MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")
_INLINE = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


@dataclass(frozen=True)
class Spoken:
    """What is spoken of an answer, and whether anything of substance is left out."""

    text: str
    is_shortened: bool


def speakable(answer: str) -> Spoken:
    """Turn the agent's answer into short text for a voice; never empty unless the answer is blank."""
    if not answer.strip():
        return Spoken("", is_shortened=False)
    answer = _STEERING.sub("", answer)
    source = "".join(answer[:_SOURCE_CHARACTERS].splitlines(keepends=True)[:_SOURCE_LINES])
    reading = _Reading(is_whole=len(source) == len(answer))
    text = ""
    for piece in filter(None, reading.pieces(source)):
        text = f"{sentence(text)} {piece}" if text else piece
        if len(text) > SPOKEN_CHARACTERS:
            return Spoken(_cut(text), is_shortened=True)
    is_shortened = not text or len(source) < len(answer) or substance(answer) > reading.heard
    return Spoken(text or _NOTHING, is_shortened=is_shortened)


def _cut(text: str) -> str:
    """End text after its last whole sentence; in mid-sentence only if that is very long."""
    text = text[:SPOKEN_CHARACTERS]
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    if ends and ends[-1] > SPOKEN_CHARACTERS // 2:
        return text[: ends[-1]]
    space = text.rfind(" ", SPOKEN_CHARACTERS // 2)
    return f"{text[: space if space > 0 else -1]}…"


class _Reading:
    """One answer being read.

    Attributes:
        heard: how many letters and digits of the source are spoken, so far.

    Args:
        is_whole: all of the answer is there.
    """

    def __init__(self, *, is_whole: bool) -> None:
        self.heard = 0
        self._more = "And {} more." if is_whole else "And more than {} more."
        self._left = _READ_CHARACTERS
        self._references: dict[str, Any] = {}

    def pieces(self, source: str) -> Iterator[str]:
        """Read a source piece by piece, as far as the reader wants."""
        source = _TOO_WIDE.sub(r"\1", _MEDIA.sub(f"\n\n{_FILE}\n\n", source))
        # The words that stand for a file are not the agent's.
        self.heard -= substance(_FILE) * source.count(_FILE)
        return self._children(SyntaxTreeNode(_BLOCKS.parse(source, self._references)))

    def _children(self, node: SyntaxTreeNode) -> Iterator[str]:
        for child in node.children:
            yield from self._block(child)

    def _block(self, node: SyntaxTreeNode) -> Iterator[str]:
        match node.type:
            case "inline":
                yield self._words(node)
            case "heading":
                words = self._words(node.children[0]).rstrip(".:")
                yield f"{words}:" if words else ""
            case "bullet_list" | "ordered_list":
                yield from self._list(node)
            case "table":
                yield from self._table(node)
            case "fence" | "code_block":
                yield self._code(node.info)
            case "blockquote":
                yield from self._led("Quoted: ", self._children(node))
            case "hr":
                pass
            case _:
                yield from self._children(node)

    def _list(self, node: SyntaxTreeNode) -> Iterator[str]:
        for item in node.children[:LISTED]:
            self.heard += substance(item.info)
            yield from self._led(f"{item.info}: " if item.info else "", self._children(item))
        yield from self._rest(len(node.children))

    def _table(self, node: SyntaxTreeNode) -> Iterator[str]:
        head, *body = (row for part in node.children for row in part.children)
        names = [self._words(cell.children[0]) for cell in head.children]
        if not body:
            yield ", ".join(filter(None, names))
            return
        unheard = dict(enumerate(names))
        for row in body[:LISTED]:
            cells = {
                at: words for at, cell in enumerate(row.children) if (words := self._words(cell.children[0]))
            }
            unheard = {at: name for at, name in unheard.items() if at not in cells}
            yield ", ".join(f"{names[at]}: {words}" if names[at] else words for at, words in cells.items())
        self.heard -= sum(map(substance, unheard.values()))
        yield from self._rest(len(body))

    def _rest(self, count: int) -> Iterator[str]:
        if count > LISTED:
            self.heard -= 1  # a list of mere signs is no less short for it
            yield self._more.format(count - LISTED)

    @staticmethod
    def _led(lead: str, pieces: Iterator[str]) -> Iterator[str]:
        """Say something in front of the first words, if there are any."""
        for piece in pieces:
            yield f"{lead}{piece}" if piece else ""
            lead = "" if piece else lead

    def _words(self, inline: SyntaxTreeNode) -> str:
        content = inline.content[: min(_PARAGRAPH_CHARACTERS, self._left)]
        self._left -= len(content)
        if task := _TASK.match(content):
            content = content[task.end() :]
            self.heard += substance(task[1])
        (parsed,) = _INLINE.parseInline(content, self._references)
        plain = plain_words("".join(map(self._part, parsed.children or [])))
        self.heard -= plain.lost
        done = ("to do: " if task[1] == " " else "done: ") if task else ""
        return f"{done}{plain.words}" if plain.words else ""

    def _part(self, token: Token) -> str:
        match token.type:
            case "text":
                words = token.content
            case "code_inline" if len(token.content) > _CODE_CHARACTERS:
                self.heard -= 1
                return "some code"
            case "code_inline":
                words = token.content
            case "image":
                words = "".join(map(self._part, token.children or []))
                return f" an image: {words} " if words.strip() else " an image "
            case _:
                return _IN_BETWEEN.get(token.type, "")
        self.heard += substance(words)
        return words

    def _code(self, info: str) -> str:
        self.heard -= 1  # signs alone can be code, too
        language = re.match(r"[\w+#-]{1,20}", info)
        return f"Some code, in {language[0]}, is left out." if language else "Some code is left out."
