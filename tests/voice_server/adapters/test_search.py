"""Calls are found by what was said in them, running or done with, also those an older release has kept."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.adapters.store import Filter, Store
from services.voice_server.domain.record import CallRecord, Phase
from tests.voice_server.calls import STARTED_AT, record, said, turn
from tests.voice_server.running_server import GUEST, OWNER

LATER = STARTED_AT + 1000
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


async def talked(store: Store, serial: int, *words: str, ended: bool = True, **changes: object) -> CallRecord:
    """Keep a call in which that was said, turn by turn."""
    call = record(serial, **changes)
    turns = [turn(f"item_{n}", None, spoken) for n, spoken in enumerate(words)]
    call, events = said(call, *turns)
    await store.save(call, events)
    if ended:
        gone = {"leg_gone": True, "rtc_gone": True, "ended_at": STARTED_AT + 100}
        call = call.model_copy(update={"phase": Phase.ENDED, **gone})
        await store.save(call, [])
        await store.delivered(str(call.call_id), call.sequence)
    return call


async def found(store: Store, text: str, **more: object) -> list[str]:
    wanted = Filter(100, text=text, **more)  # type: ignore[arg-type]  # as keywords
    return [call.ref for _, call in await store.history(wanted)]


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("What's on my calendar today?", "CALENDAR to"),
        ("Grüße aus der Straße", "GRÜSSE AUS DER STRASSE"),
        ("Ab nach Übersee", "ü"),
        ("明日の会議は?", "会議"),
        ("It is 100% sure", "0% s"),
        ("a_b and [c] and *d* and 'e' and \"f\"", "[C] AND *d* and 'e' and \"f\""),
        ("What?", "?"),
        ("[x]", "["),
        ("ends here", "here"),
    ],
)
async def test_a_call_is_found_by_a_part_of_what_was_said_in_whatever_case(
    store: Store, words: str, text: str, ended: bool
) -> None:
    await talked(store, 1, "Hello.", words, "Goodbye.", ended=ended)
    assert await found(store, text) == ["ref_1"]


@pytest.mark.parametrize("ended", [True, False])
async def test_nothing_in_a_text_stands_for_something_else(store: Store, ended: bool) -> None:
    await talked(store, 1, "It is 1005 sure", "of b", ended=ended)
    for text in ("100%", "%", "_", "*", "?", "[i]t", "10*5", "it OR of", '"', "sureof", "sure\x1fof", "\0"):
        assert await found(store, text) == [], text


@settings(deadline=None)
@given(WORDS, WORDS.filter(bool), st.booleans())
async def test_exactly_what_was_said_is_found(before: str, text: str, ended: bool) -> None:
    words = before + text + "."
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        try:
            await talked(store, 1, words, ended=ended)
            for wanted in (text, text.casefold()):
                assert await found(store, wanted) == ["ref_1"]
        finally:
            await store.close()


async def test_a_text_of_200_characters_is_found(store: Store) -> None:
    for text in ("ΐ" * 200, "a" * 200, '"' * 200):
        await talked(store, 1 + len(await store.history(Filter(100))), text)
        assert len(await found(store, text)) == 1


async def test_what_was_said_is_looked_for_page_by_page_and_along_with_the_other_filters(
    store: Store,
) -> None:
    for serial in range(1, 7):
        await talked(
            store,
            serial,
            "blue" if serial % 2 else "green",
            number=GUEST if serial > 4 else OWNER,
            ended=serial < 6,
        )
    first = await store.history(Filter(2, text="BLUE"))
    assert [call.ref for _, call in first] == ["ref_5", "ref_3"]
    assert await found(store, "blue", before=first[-1][0]) == ["ref_1"]
    assert await found(store, "blue", phone=GUEST) == ["ref_5"]
    assert await found(store, "green", phone=GUEST) == ["ref_6"]


async def test_what_is_forgotten_is_not_found_nor_under_a_number_given_again(store: Store) -> None:
    await talked(store, 1, "blue")
    assert await found(store, "blue") == ["ref_1"]
    assert await store.forget(LATER) == 1
    await talked(store, 2, "green")
    assert await found(store, "blue") == []
    assert await found(store, "bl") == []
    assert await found(store, "green") == ["ref_2"]


async def test_a_call_saved_again_after_its_end_is_found_once(store: Store) -> None:
    call = await talked(store, 1, "blue")
    await store.save(call, [])
    assert await found(store, "blue") == ["ref_1"]


async def test_calls_that_an_older_release_has_kept_are_found_too(tmp_path: Path) -> None:
    older = Store(tmp_path)
    for serial in range(1, 61):
        await talked(older, serial, "blue" if serial in {1, 60} else "green")
    await older.close()
    with sqlite3.connect(tmp_path / "voice.sqlite") as file:
        file.executescript(
            "DROP TRIGGER words_kept; DROP TRIGGER words_forgotten; DROP TABLE said; DROP TABLE words"
        )
    file.close()
    store = Store(tmp_path)
    assert await found(store, "blue") == ["ref_60", "ref_1"]
    await talked(store, 61, "blue again")
    assert await found(store, "blue") == ["ref_61", "ref_60", "ref_1"]
    await store.close()
    again = Store(tmp_path)
    assert await found(again, "blue") == ["ref_61", "ref_60", "ref_1"]
    await again.close()
