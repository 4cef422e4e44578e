"""`auto` over the life of an installation: fresh, in use, upgraded, with the gateway up and down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.gateway.memory import Row
from services.session_bridge.adapters.openclaw.cli import OpenClawCommand
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.gateway import GatewayStore
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.adapters.openclaw.stores import OpenClawStores
from services.session_bridge.domain.transcript import Block
from services.session_bridge.domain.verdict import judge
from tests.session_bridge.gateway import connected, playing, said
from tests.session_bridge.openclaw import MAIN, NO_COMMAND, SPOKEN, Home, Installed, made, when_asked, write
from tests.session_bridge.waiting import until


@asynccontextmanager
async def choosing(
    root: Path, sandbox: Sandbox, command: OpenClawCommand = NO_COMMAND, url: str | None = None
) -> AsyncIterator[OpenClawStores]:
    async with connected(sandbox, url=url or sandbox.url) as rpc:
        folder = OpenClawFolder(root, command)
        stores = OpenClawStores("auto", folder, rpc, (JsonlStore(folder), GatewayStore(rpc)))
        yield stores
        await stores.close()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with playing() as running:
        yield running


AWAY = "http://127.0.0.1:9"


async def test_a_fresh_installation_is_known_by_its_gateway(tmp_path: Path, sandbox: Sandbox) -> None:
    async with choosing(tmp_path, sandbox) as stores:
        assert (await stores.of("main")).name == "gateway"
        assert (await stores.choice("main")).why == "the gateway (2026.9.6) takes transcripts"


async def test_a_fresh_installation_of_an_older_release_is_known_by_its_gateway(tmp_path: Path) -> None:
    async with playing("2026.2.2") as sandbox, choosing(tmp_path, sandbox) as stores:

        async def known() -> bool:
            return (await stores.choice("main")).store is not None

        await until(known)
        await write(await stores.of("main"), *SPOKEN)
        assert (await stores.choice("main")).why == "the agent has session files and no SQLite store"


async def test_where_nothing_is_to_be_seen_it_waits_and_says_what_to_do(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    async with choosing(tmp_path, sandbox, url=AWAY) as stores:
        with pytest.raises(CannotWriteYetError, match="set OPENCLAW_STORE to jsonl"):
            await stores.of("main")


async def test_an_upgrade_whose_gateway_is_not_up_yet_is_waited_for(home: Home, sandbox: Sandbox) -> None:
    async with choosing(home.root, sandbox, Installed((2026, 9, 6)), url=AWAY) as stores:
        with pytest.raises(CannotWriteYetError, match="No OpenClaw gateway answers"):
            await write(await stores.of("main"), *SPOKEN)
    assert not list(home.sessions.iterdir())


async def test_an_upgrade_while_we_run_is_seen_at_the_next_call(home: Home, sandbox: Sandbox) -> None:
    async with choosing(home.root, sandbox, url=AWAY) as stores:
        await write(await stores.of("main"), *SPOKEN)
        home.become_sqlite()
        assert (await stores.of("main")).name == "gateway"
    before = sorted(home.sessions.iterdir())
    async with choosing(home.root, sandbox) as stores:
        await write(await stores.of("main"), *SPOKEN, call_id="CA2")
    assert said(sandbox, MAIN) == list(SPOKEN)
    assert sorted(home.sessions.iterdir()) == before


async def test_an_upgrade_in_the_middle_of_a_write_leaves_no_file_behind(home: Home) -> None:
    store = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), when_asked(1, home.become_sqlite))
    with pytest.raises(CannotWriteYetError, match="SQLite"):
        await write(store, *SPOKEN)
    await store.close()
    assert not list(home.sessions.iterdir())


async def written_into_files(home: Home, sandbox: Sandbox) -> Block:
    async with choosing(home.root, sandbox, url=AWAY) as stores:
        block = made(*SPOKEN, store="jsonl", place=await write(await stores.of("main"), *SPOKEN))
    assert home.texts(MAIN) == list(SPOKEN)
    return block


async def test_a_call_written_into_files_and_not_noted_is_known_again_after_an_upgrade(
    home: Home, sandbox: Sandbox
) -> None:
    block = await written_into_files(home, sandbox)
    home.become_sqlite()
    conversation = sandbox.gateway.memory.conversation(MAIN, "operator")
    for message in block.messages:
        conversation.add(Row(message.id, message.speaker.value, message.text, 0))
    async with choosing(home.root, sandbox) as stores:
        store = await stores.of("main")
        for _ in range(2):
            block = replace(block, place=await store.place(block), store=store.name)
            await store.write(block)
    assert said(sandbox, MAIN) == list(SPOKEN)


async def test_a_call_that_was_put_away_before_an_upgrade_is_found_among_the_old_files(
    home: Home, sandbox: Sandbox
) -> None:
    block = await written_into_files(home, sandbox)
    path = home.sessions / f"{block.place}.jsonl"
    path.rename(f"{path}.reset.2026-11-22T14-05-00.000Z")
    home.become_sqlite()
    async with choosing(home.root, sandbox) as stores:
        await write(await stores.of("main"), "user: later", "assistant: yes", call_id="CA2")
        [kept] = await stores.kept("main", [block])
    assert judge(kept, is_synced=True) == {}
