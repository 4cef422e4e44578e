import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.domain.speakable import SPOKEN_CHARACTERS, speakable

DAY = """\
Here's your Thursday 📅

## Appointments

| Time | What | Where |
|:-----|------|-------|
| 9:00 | Dentist | [Main St 4](https://maps.example.com/?q=52.1,13.2) |
| 11:30 | **Call** with *Ana* | |

- [x] Flight is booked
- [ ] Reply to Bo

> Running late,
> start without me

Run `make backup` tonight:

```bash
make backup
```

More at https://www.example.com/a/b?c=d.
MEDIA:/tmp/route.png
"""

DAY_SPOKEN = (
    "Here's your Thursday. Appointments: "
    "Time: 9:00, What: Dentist, Where: Main St 4. "
    "Time: 11:30, What: Call with Ana. "
    "done: Flight is booked. to do: Reply to Bo. "
    "Quoted: Running late, start without me. "
    "Run make backup tonight: Some code, in bash, is left out. "
    "More at a link to example.com. "
    "A file comes with this."
)


def test_an_answer_made_for_the_eye_is_told_in_sentences() -> None:
    spoken = speakable(DAY)
    assert spoken.text == DAY_SPOKEN
    assert spoken.is_shortened


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("It is 8 degrees and dry.", "It is 8 degrees and dry."),
        ("**Yes**, it's *open* until 6", "Yes, it's open until 6"),
        ("Mon: sunny\nTue: rain", "Mon: sunny. Tue: rain"),
        ("Mon: sunny  \nmild", "Mon: sunny. mild"),
        ("A line as long as this one has been broken by some editor, say of\nCourse.", None),
        ("1. Mix\n2. Bake\n   - gently\n   - for an hour", "1: Mix. 2: Bake. gently. for an hour"),
        ("7) Seven\n8) Eight", "7: Seven. 8: Eight"),
        ("- one\n\n  more of it\n- two", "one. more of it. two"),
        ("# Title #\n\nText", "Title: Text"),
        ("First\n\n---\n\nSecond", "First. Second"),
        ("At ~~10:00~~ 11:00", "At no longer 10:00, 11:00"),
        ("Use `git pull`", "Use git pull"),
        ("<b>Hi</b> <name>,<br>see you", "Hi name, see you"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("| Only |\n|---|\n", "Only"),
        ("|  | Rex |\n|---|---|\n| Age | 3 |", "Age, Rex: 3"),
        ("✅ Sent. 🎉", "Sent."),
        ("❌ No reply\n⚠️ Storm", "No: No reply. Warning: Storm"),
        ("| Wifi |\n|---|\n| ✅ |\n| ❌ |", "Wifi: yes. Wifi: No"),
        ("👍", "thumbs up sign"),
        ("1️⃣ First\n2️⃣ Second", "1 First. 2 Second"),
        ("[[reply_to_current]] Yes.", "Yes."),
        ("今日は晴れです。", "今日は晴れです。"),
        ("سلام، خوبی؟", "سلام، خوبی؟"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # noqa: RUF001 - Persian
        ("Zero\u200bwidth", "Zerowidth"),
    ],
)
def test_what_can_be_spoken_whole_is_not_called_short(answer: str, text: str | None) -> None:
    spoken = speakable(answer)
    assert spoken.text == (text or " ".join(answer.split()))
    assert not spoken.is_shortened


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("See [the menu](https://example.com/menu).", "See the menu."),
        ("See [](https://example.com/menu) here.", "See here."),
        ("https://user:pw@www.example.com:80/menu", "a link to example.com"),
        ("<https://example.com/x>", "a link to example.com"),
        ("https:///x", "a link"),
        ("メニューはhttps://example.jp/x。", "メニューはa link to example.jp。"),
        ("Look ![a chart](https://example.com/c.png)!", "Look an image: a chart !"),
        ("![](c.png)", "an image"),
        ("    indented()", "Some code is left out."),
        ("```\n42\n```", "Some code is left out."),
        (f"Run `{'ls; ' * 20}`", "Run some code"),
        ("Hi <a href='https://example.com'>there</a>", "Hi there"),
        ("Hi<!-- say yes to all --> there", "Hi there"),
        ("Hi<script>alert(1)</script>", "Hi"),
        ("Hi\U000e0061\U000e0062", "Hi"),
        ("Hi\ue000", "Hi"),
        ("Hi\ud800", "Hi"),
        ("| a | b |\n|---|---|\n| 1 | 2 | 3 |", "a: 1, b: 2"),
        ("| a | b |\n|---|---|\n|  | 2 |", "b: 2"),
        ("Yes.\n\n[a]: https://example.com 'say no'", "Yes."),
        ("key " + "a1" * 100, "key a long string of characters"),
        ("MEDIA:/tmp/a.png\nMEDIA:/tmp/b.png\n", "A file comes with this."),
    ],
)
def test_what_is_not_spoken_makes_it_a_short_form(answer: str, text: str) -> None:
    spoken = speakable(answer)
    assert spoken.text == text
    assert spoken.is_shortened


@pytest.mark.parametrize(
    "answer", ["---", "- " * 5_000 + "x", "> " * 5_000 + "x", "[a]: b", "\u200b", "``` \n```"]
)
def test_an_answer_of_which_nothing_can_be_spoken_says_so(answer: str) -> None:
    spoken = speakable(answer)
    assert spoken.text in {"There is nothing in this answer that can be read out.", "Some code is left out."}
    assert spoken.is_shortened


@pytest.mark.parametrize("answer", ["", " \n\t"])
def test_a_blank_answer_stays_blank(answer: str) -> None:
    assert speakable(answer).text == ""


def test_of_forty_things_five_are_told_and_how_many_more() -> None:
    spoken = speakable("\n".join(f"- Thing {number}" for number in range(1, 41)))
    assert spoken.text == "Thing 1. Thing 2. Thing 3. Thing 4. Thing 5. And 35 more."
    assert spoken.is_shortened


def test_of_forty_rows_five_are_told_and_how_many_more() -> None:
    spoken = speakable("| N |\n|---|\n" + "\n".join(f"| {number} |" for number in range(1, 41)))
    assert spoken.text == "N: 1. N: 2. N: 3. N: 4. N: 5. And 35 more."


def test_of_what_is_too_long_to_be_counted_there_is_more_than_was_counted() -> None:
    spoken = speakable("- x\n" * 5_000)
    assert (found := re.search(r"And more than (\d+) more", spoken.text))
    assert int(found[1]) < 4_995


def test_a_long_answer_ends_with_a_whole_sentence() -> None:
    spoken = speakable("This is a sentence of some words. " * 200)
    assert spoken.text.endswith("some words.")
    assert SPOKEN_CHARACTERS * 0.9 < len(spoken.text) <= SPOKEN_CHARACTERS
    assert spoken.is_shortened


@pytest.mark.parametrize("answer", ["no end " * 500, "終" * 100_000, "長い文です。" * 5_000])
def test_a_long_answer_without_spaces_or_sentences_is_cut_all_the_same(answer: str) -> None:
    spoken = speakable(answer)
    assert SPOKEN_CHARACTERS * 0.5 < len(spoken.text) <= SPOKEN_CHARACTERS
    assert spoken.text.endswith(("…", "。"))
    assert spoken.is_shortened


HOSTILE = {
    "no space": "a" * 200_000,
    "brackets": "[" * 100_000,
    "images": "![[" * 33_000,
    "emphasis": "*a_ " * 25_000,
    "open comments": "<!--" * 25_000,
    "quotes": ">" * 100_000,
    "lists in a line": "- " * 50_000 + "x",
    "lists in lists": "\n".join("  " * depth + "- x" for depth in range(2_000)),
    "wide table": "|a" * 15_000 + "|\n" + "|-" * 15_000 + "|\n" + "|x|y|\n" * 1_000,
    "long table": "|a|b|\n|-|-|\n" + "|x|y|\n" * 14_000,
    "long list": "- a\n" * 25_000,
    "links": "http://a.b/ " * 8_300,
    "definitions": "[a]: b\n" * 14_000,
    "prose": ("This is a sentence of *some* words. " * 12 + "\n\n") * 230,
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_the_longest_answer_takes_no_time(answer: str) -> None:
    started = time.process_time()
    assert speakable(answer).is_shortened
    # On its own it is a tenth of that; what is not linear takes seconds.
    assert time.process_time() - started < 0.3


MARKS = st.sampled_from(
    [
        *(
            "\n",
            "\n\n",
            "  \n",
            "- ",
            "  - ",
            "1. ",
            "> ",
            "# ",
            "```",
            "    ",
            "|",
            "|-|-|\n",
            "---\n",
            "\\",
            "MEDIA:",
        ),
        *(
            "**",
            "_",
            "~~",
            "`",
            "[",
            "](",
            ")",
            "![",
            "<",
            ">",
            "<!--",
            "-->",
            "<b>",
            "[a]: ",
            "&amp;",
            "- [ ] ",
            "'",
        ),
        *("https://x.y/", "👍", "❌", "。", "\u200b", "\U000e0061", "\ud800", "\x00", "\r", "\u2028", " "),
    ]
)
WORDS = st.integers(0, 99).map(lambda number: f" word{number}z ")


@settings(deadline=None)
@given(st.lists(MARKS | WORDS, max_size=60).map("".join) | st.text())
def test_whatever_comes_is_told_and_no_word_is_hidden(answer: str) -> None:
    spoken = speakable(answer)
    assert bool(spoken.text) == bool(answer.strip())
    assert len(spoken.text) <= SPOKEN_CHARACTERS
    spoken.text.encode()
    if not spoken.is_shortened:
        assert set(re.findall(r"word\d+z", answer)) == set(re.findall(r"word\d+z", spoken.text))
