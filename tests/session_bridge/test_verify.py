"""`python -m services.session_bridge verify`."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from sandbox.app import Sandbox
from sandbox.gateway.memory import Row
from services.session_bridge.adapters.deliveries import Deliveries
from services.session_bridge.adapters.journal import Journal
from services.session_bridge.domain.transcript import Block, Message
from services.session_bridge.settings import BridgeSettings
from services.session_bridge.verify import Report, verify
from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import CALL, NUMBER, Json, call, read
from tests.session_bridge.gateway import playing, token
from tests.session_bridge.openclaw import Home, made
from tests.session_bridge.waiting import until

KEY = f"agent:main:voice:direct:{NUMBER}"
TEXTS = ("user: hi", "assistant: hello")
Settings = Callable[..., BridgeSettings]


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = Journal(tmp_path / "data" / "bridge.sqlite")
    yield opened
    await opened.close()


async def end(
    journal: Journal, call_id: str = CALL, *texts: str, key: str | None = KEY
) -> tuple[Message, ...]:
    """Let a call end; the messages it has."""
    for event in call(*texts or TEXTS, call_id=call_id):
        await journal.accept(read(event), key)
    return made(*texts or TEXTS, call_id=call_id).messages


async def until_written(bridge: Bridge) -> None:
    async def written() -> bool:
        return {session["state"] for session in await bridge.sessions()} <= {"synced", "active"}

    await until(written)


def rows(messages: tuple[Message, ...]) -> list[Row]:
    """Make the rows a gateway makes of lines it takes over."""
    return [Row(message.id, message.speaker.value, message.text, 0) for message in messages]


def there(sandbox: Sandbox) -> Json:
    """Make the settings that lead to a gateway."""
    return {"openclaw_gateway_url": sandbox.url, "openclaw_gateway_token": SecretStr(token(sandbox))}


def counts(report: Report) -> Json:
    return {name: count for name, count in report.as_json().items() if name != "findings" and count}


async def test_what_a_running_bridge_wrote_is_found_well(
    start: Start, settings: Settings, home: Home
) -> None:
    home.configure(meta={"lastTouchedVersion": "2026.7.35"})
    bridge = await start()
    for number in (1, 2, 3):
        await bridge.tell(call(*TEXTS, call_id=f"CA{number}"))
    await bridge.tell(call(call_id="CA-silent"))
    await bridge.tell(call(*TEXTS, call_id="CA-running")[:-1])
    await until_written(bridge)
    report = await verify(settings())
    assert str(report) == "3 calls: 0 lost, 0 doubled, 0 out of order, 0 not written yet"
    assert report.status == 0


async def test_a_lost_and_a_doubled_call_are_named_with_their_place(
    start: Start, settings: Settings, home: Home
) -> None:
    bridge = await start()
    await bridge.tell(call(*TEXTS, call_id="CA1"))
    await bridge.tell(call(*TEXTS, call_id="CA2"))
    await until_written(bridge)
    place = home.entries()[KEY]["sessionId"]
    path = home.sessions / f"{place}.jsonl"
    header, *lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + b"".join(lines[2:]))
    (home.sessions / "other.jsonl").write_bytes(header + b"".join(lines[2:]))
    report = await verify(settings())
    assert counts(report) == {"calls": 2, "lost": 1, "doubled": 1}
    assert report.status == 1
    lost, doubled, _ = str(report).splitlines()
    assert lost.startswith(f"CA1  {KEY}  jsonl  {place}  ended 2026-11-22T14:03:15")
    assert lost.endswith("lost: 2 of 2")
    assert doubled.startswith("CA2")
    assert doubled.endswith("doubled: 2 of 2")


async def test_what_waits_is_told_with_its_reason_and_is_no_fault(
    journal: Journal, settings: Settings, home: Home
) -> None:
    await end(journal)
    await Deliveries(journal).failed(CALL, "the session is busy")
    await end(journal, "CA2", key=None)
    report = await verify(settings())
    ended = "ended 2026-11-22T14:03:15.204Z"
    assert str(report).splitlines() == [
        f"{CALL}  {KEY}  -  -  {ended}: not written yet: 0 of 2 there (the session is busy)",
        f"CA2  -  -  -  {ended}: not written yet: its session key is not settled",
        "2 calls: 0 lost, 0 doubled, 0 out of order, 2 not written yet",
    ]
    assert report.status == 0


async def test_a_block_that_nobody_froze_is_made_from_the_events(
    journal: Journal, settings: Settings, home: Home
) -> None:
    await end(journal)
    await journal.synced(CALL, KEY, 2)
    assert counts(await verify(settings())) == {"calls": 1, "lost": 1}


async def test_where_no_openclaw_is_to_be_seen_nothing_is_claimed(
    journal: Journal, settings: Settings, tmp_path: Path
) -> None:
    await end(journal)
    await journal.synced(CALL, KEY, 2)
    report = await verify(settings(openclaw_state_dir=tmp_path / "nowhere"))
    assert counts(report) == {"calls": 1, "not compared": 1}
    assert report.status == 2


async def test_what_was_written_through_the_gateway_is_looked_up_there(
    start: Start, settings: Settings
) -> None:
    async with playing() as sandbox:
        theirs = there(sandbox)
        bridge = await start(**theirs)
        await bridge.tell(call(*TEXTS, call_id="CA1"))
        await until_written(bridge)
        sandbox.gateway.reset(KEY)
        await bridge.tell(call(*TEXTS, call_id="CA2"))
        await until_written(bridge)
        assert counts(await verify(settings(**theirs))) == {"calls": 2}
        sandbox.gateway.memory.conversations[KEY].rows.pop()
        assert counts(await verify(settings(**theirs))) == {"calls": 2, "lost": 1}


async def test_a_block_that_openclaw_took_over_from_files_is_known_again(
    journal: Journal, settings: Settings
) -> None:
    messages = await end(journal)
    await Deliveries(journal).begin(Block(CALL, KEY, messages, "jsonl", "s1"))
    await journal.synced(CALL, KEY, 2)
    async with playing() as sandbox:
        conversation = sandbox.gateway.memory.conversation(KEY, "operator")
        for row in rows(messages):
            conversation.add(row)
        assert counts(await verify(settings(**there(sandbox)))) == {"calls": 1}


def run(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """Verify in a process of its own, which is told of no account and no key."""
    settings = {
        "DATA_DIR": str(folder / "data"),
        "CONFIG_DIR": str(folder),
        "OPENCLAW_STATE_DIR": str(folder / "openclaw"),
        "OPENCLAW_GATEWAY_URL": "http://127.0.0.1:9",
        "OPENCLAW_STORE": "jsonl",
        "PATH": os.defpath,
    }
    command = [sys.executable, "-m", "services.session_bridge", "verify", *arguments]
    return subprocess.run(command, env=settings | changes, capture_output=True, timeout=20, check=False)


async def test_the_command_needs_no_keys_and_answers_in_json(
    journal: Journal, home: Home, tmp_path: Path
) -> None:
    await end(journal)
    done = run(tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    report: Any = orjson.loads(done.stdout)
    assert (report["calls"], report["not written yet"]) == (1, 1)
    assert report["findings"][0]["callId"] == CALL


@pytest.mark.parametrize(
    ("arguments", "data_dir", "line"),
    [([], "/dev/null/data", b"Set DATA_DIR"), (["help"], "/dev/null/data", b"verify --json")],
)
def test_what_keeps_it_from_verifying_is_told_without_a_traceback(
    tmp_path: Path, arguments: list[str], data_dir: str, line: bytes
) -> None:
    done = run(tmp_path, *arguments, DATA_DIR=data_dir)
    assert done.returncode not in {0, 1}
    assert line in done.stderr
    assert b"Traceback" not in done.stderr
