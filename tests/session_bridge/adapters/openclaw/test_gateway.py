import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.app import Sandbox
from sandbox.gateway.memory import Row
from services.session_bridge.adapters.openclaw.gateway import IMPORTED, GatewayStore
from services.session_bridge.adapters.openclaw.store import BusyError, CannotWriteYetError
from services.session_bridge.domain.transcript import CLOSING, LONGEST_ROW, Message, pieces
from services.session_bridge.domain.verdict import Finding, judge
from shared.events import Speaker
from tests.session_bridge.calls import CALL, START
from tests.session_bridge.gateway import connected, playing, said
from tests.session_bridge.openclaw import ENDINGS, GOLDEN, MAIN, SPOKEN, made, write
from tests.session_bridge.waiting import until

IDS = [message.id for message in made(*SPOKEN).messages]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with playing() as running:
        yield running


@pytest.fixture
async def store(sandbox: Sandbox) -> AsyncIterator[GatewayStore]:
    async with connected(sandbox) as rpc:
        yield GatewayStore(rpc)


async def seen(store: GatewayStore, place: str, name: str = "gateway", *texts: str) -> list[str]:
    [kept] = await store.kept([made(*texts or SPOKEN, store=name, place=place)])
    return list(kept.seen)


async def test_a_call_is_remembered_in_order_with_its_roles_and_times(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    assert await write(store, *SPOKEN, "user: Thank you.") == CALL
    assert said(sandbox, MAIN) == [*SPOKEN, "user: Thank you.", f"assistant: {CLOSING}"]
    assert sandbox.gateway.rows(MAIN)[0].timestamp == (START.timestamp() + 1) * 1000


@pytest.mark.parametrize("name", ENDINGS)
async def test_a_call_stands_there_as_in_the_golden_file(
    sandbox: Sandbox, store: GatewayStore, name: str
) -> None:
    await write(store, *ENDINGS[name])
    rows = [row.as_json(place) for place, row in enumerate(sandbox.gateway.rows(MAIN), 1)]
    assert (
        orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n"
        == (GOLDEN / f"{name}.json").read_text()
    )


async def test_two_calls_stand_one_behind_the_other(sandbox: Sandbox, store: GatewayStore) -> None:
    await write(store, "user: one", "assistant: two")
    await write(store, "user: three", "assistant: four", call_id="CA2")
    assert said(sandbox, MAIN) == ["user: one", "assistant: two", "user: three", "assistant: four"]


async def test_a_block_written_again_adds_nothing(sandbox: Sandbox, store: GatewayStore) -> None:
    place = await write(store, *SPOKEN)
    for number in (1, 2, 3):
        place = await write(store, *SPOKEN, place=place)
        assert place == f"{CALL}-r{number}"
    assert said(sandbox, MAIN) == list(SPOKEN)
    assert await seen(store, place) == IDS


@pytest.mark.parametrize("rows", range(5))
async def test_a_write_cut_short_after_any_row_is_completed_not_doubled(
    sandbox: Sandbox, store: GatewayStore, rows: int
) -> None:
    texts = (*SPOKEN, "user: And tomorrow?", "assistant: The dentist.")
    sandbox.world.switches.gateway_trouble, sandbox.world.switches.gateway_rows = "drops", rows
    with suppress(CannotWriteYetError):
        await write(store, *texts)
    sandbox.world.switches.gateway_trouble = "none"

    async def written() -> bool:
        with suppress(CannotWriteYetError):
            return bool(await write(store, *texts, place=CALL))
        return False

    await until(written)
    assert said(sandbox, MAIN) == list(texts)


async def test_a_voice_session_the_gateway_has_closed_is_followed_by_another(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    sandbox.world.switches.gateway_talk_seconds = 0
    with pytest.raises(BusyError, match="voice session is closed"):
        await write(store, *SPOKEN)
    sandbox.world.switches.gateway_talk_seconds = 60
    assert await write(store, *SPOKEN, place=CALL) == f"{CALL}-r1"
    assert said(sandbox, MAIN) == list(SPOKEN)


async def test_a_reset_between_two_attempts_doubles_nothing(sandbox: Sandbox, store: GatewayStore) -> None:
    place = await write(store, *SPOKEN)
    sandbox.gateway.reset(MAIN)
    place = await write(store, *SPOKEN, place=place)
    assert said(sandbox, MAIN) == []
    assert await seen(store, place) == IDS


async def test_a_turn_under_way_is_waited_for(sandbox: Sandbox, store: GatewayStore) -> None:
    run = sandbox.gateway.start_run(MAIN)
    with pytest.raises(BusyError, match="middle of a turn"):
        await write(store, *SPOKEN)
    sandbox.gateway.end_run(MAIN, run)
    await write(store, *SPOKEN)
    assert said(sandbox, MAIN) == list(SPOKEN)


async def test_without_a_realtime_provider_the_user_is_told_what_to_set(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    sandbox.world.switches.gateway_provider = "none"
    with pytest.raises(CannotWriteYetError, match="OPENAI_API_KEY into the gateway's environment"):
        await write(store, *SPOKEN)


async def test_with_our_plugin_no_key_is_needed(sandbox: Sandbox, store: GatewayStore) -> None:
    sandbox.world.switches.gateway_provider = "voice-bridge"
    await write(store, *SPOKEN)
    assert said(sandbox, MAIN) == list(SPOKEN)


async def test_a_refusal_of_another_kind_is_told_as_it_is(store: GatewayStore) -> None:
    with pytest.raises(CannotWriteYetError, match=r"Unknown agent id .* Or correct OPENCLAW_AGENT_ID"):
        await write(store, *SPOKEN, key="agent:nobody:main")


async def test_a_block_that_openclaw_took_over_from_its_files_is_not_written_again(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    conversation = sandbox.gateway.memory.conversation(MAIN, "operator")
    begun = made(*SPOKEN, store="jsonl", place="s1")
    assert await store.place(begun) == CALL
    for message in begun.messages:
        conversation.add(Row(message.id, message.speaker.value, message.text, 0))
    assert await store.place(begun) == IMPORTED
    await store.write(made(*SPOKEN, store="gateway", place=IMPORTED))
    assert said(sandbox, MAIN) == list(SPOKEN)


async def test_a_piece_without_a_word_is_no_row(sandbox: Sandbox, store: GatewayStore) -> None:
    place = await write(store, f"user: a{' ' * 2 * LONGEST_ROW}b", "assistant: ok")
    assert said(sandbox, MAIN) == ["user: a", "user: b", "assistant: ok"]
    [kept] = await store.kept(
        [made(f"user: a{' ' * 2 * LONGEST_ROW}b", "assistant: ok", store="gateway", place=place)]
    )
    assert judge(kept, is_synced=True) == {}


async def test_what_the_gateway_would_cut_comes_in_pieces(sandbox: Sandbox, store: GatewayStore) -> None:
    long = "ab" * LONGEST_ROW
    await write(store, f"user: {long}", "assistant: That was long.")
    first, second, last = sandbox.gateway.rows(MAIN)
    assert first.text + second.text == long
    assert last.text == "That was long."


@given(st.text(st.sampled_from("a🦞"), min_size=1, max_size=3 * LONGEST_ROW // 2))
def test_pieces_make_the_whole_and_none_is_too_long_or_cut_within_a_character(text: str) -> None:
    cut = list(pieces(Message("m", Speaker.CALLER, text * 2, START)))
    assert "".join(piece for _, piece in cut) == text * 2
    assert all(len(piece.encode("utf-16-le")) <= 2 * LONGEST_ROW for _, piece in cut)
    assert len({entry_id for entry_id, _ in cut}) == len(cut)
    assert cut[0][0] == "m"


def put(sandbox: Sandbox, *row_ids: str) -> None:
    """Let rows stand in the conversation, whoever wrote them."""
    conversation = sandbox.gateway.memory.conversation(MAIN, "talk")
    for row_id in row_ids:
        conversation.add(Row(row_id, "user", row_id, 0))


async def test_a_row_under_two_names_is_seen_twice_also_across_a_reset(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    put(sandbox, f"voice:{CALL}:{IDS[0]}", f"voice:{CALL}:{IDS[1]}")
    sandbox.gateway.reset(MAIN)
    put(sandbox, f"voice:{CALL}-r1:{IDS[0]}", f"voice:{CALL}-r2:{IDS[0]}")
    assert await seen(store, f"{CALL}-r2") == [*IDS, IDS[0], IDS[0]]


async def test_rows_from_before_a_reset_are_seen_in_their_order(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    put(sandbox, "x", f"voice:{CALL}:{IDS[1]}", "y", f"voice:{CALL}:{IDS[0]}")
    sandbox.gateway.reset(MAIN)
    assert await seen(store, CALL) == [IDS[1], IDS[0]]


async def test_lines_taken_over_from_files_are_seen_and_rows_beside_them_double_them(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    put(sandbox, *IDS)
    assert await seen(store, IMPORTED) == IDS
    assert await seen(store, "s1", "jsonl") == IDS
    put(sandbox, f"voice:{CALL}:{IDS[1]}")
    assert await seen(store, CALL) == [*IDS, IDS[1]]


async def test_a_long_turn_is_there_when_all_its_pieces_are(store: GatewayStore) -> None:
    texts = ("user: " + "x" * (LONGEST_ROW + 1), "assistant: Well.")
    await write(store, *texts)
    [kept] = await store.kept([made(*texts, store="gateway", place=CALL)])
    assert (len(kept.wanted), kept.seen) == (3, kept.wanted)


async def test_a_conversation_of_many_rows_is_read_page_by_page(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    put(sandbox, f"voice:{CALL}:{IDS[0]}", *map(str, range(1100)), f"voice:{CALL}:{IDS[1]}")
    assert await seen(store, CALL) == IDS


async def test_a_conversation_that_is_no_more_was_removed(store: GatewayStore) -> None:
    [kept] = await store.kept([made(*SPOKEN, store="gateway", place=CALL)])
    assert "no such conversation" in kept.removed


def talk_with_tools(sandbox: Sandbox, turns: int, tools: int) -> None:
    """Let so many turns stand in the conversation, and behind each so many rows in which nothing is said."""
    conversation = sandbox.gateway.memory.conversation(MAIN, "operator")
    for number in range(turns):
        conversation.add(Row(f"r{number}", "user", f"turn {number}", 0))
        for place in range(tools):
            conversation.add(Row(f"tool{number}-{place}", "assistant", "", 0))


async def test_the_newest_turns_are_found_behind_rows_of_tools(sandbox: Sandbox) -> None:
    talk_with_tools(sandbox, 3, 10)
    async with connected(sandbox) as rpc:
        store = GatewayStore(rpc, older_seconds=30)
        assert [said.text for said in await store.newest(MAIN, 2)] == ["turn 1", "turn 2"]
        assert [said.text for said in await store.newest(MAIN, 16)] == ["turn 0", "turn 1", "turn 2"]
        assert await store.newest("agent:main:telegram:direct:42", 16) == []


async def test_older_turns_that_are_slow_to_come_do_not_keep_the_newest_back(sandbox: Sandbox) -> None:
    talk_with_tools(sandbox, 9, 2)
    async with connected(sandbox) as rpc:
        store = GatewayStore(rpc, older_seconds=0)
        assert [said.text for said in await store.newest(MAIN, 8)] == ["turn 7", "turn 8"]


async def test_how_far_back_turns_are_looked_for_is_bounded(sandbox: Sandbox) -> None:
    talk_with_tools(sandbox, 1, 30)
    async with connected(sandbox) as rpc:
        assert await GatewayStore(rpc, older_seconds=30).newest(MAIN, 1) == []


async def test_what_was_told_and_is_gone_as_a_whole_was_deleted_and_what_was_never_told_is_lost(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    await write(store, *SPOKEN)
    sandbox.gateway.memory.conversations[MAIN].rows.clear()
    told, never = (
        made(*SPOKEN, store="gateway", place=CALL),
        made(*SPOKEN, call_id="CA2", store="gateway", place="CA2"),
    )
    findings = [set(judge(kept, is_synced=True)) for kept in await store.kept([told, never])]
    assert findings == [{Finding.REMOVED}, {Finding.LOST}]


async def test_places_are_noted_before_a_voice_session_is_opened(
    sandbox: Sandbox, store: GatewayStore
) -> None:
    for _ in range(3):
        assert await store.place(made(*SPOKEN)) == CALL
    assert sandbox.gateway.memory.voices == {}


async def test_calls_come_in_a_few_at_a_time(sandbox: Sandbox, store: GatewayStore) -> None:
    keys = [f"agent:main:direct:{place}" for place in range(12)]
    await asyncio.gather(
        *(write(store, *SPOKEN, key=key, call_id=f"CA{place}") for place, key in enumerate(keys))
    )
    assert all(said(sandbox, key) == list(SPOKEN) for key in keys)
