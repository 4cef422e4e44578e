"""A disk that can be read and not be written: nothing is promised that is not kept."""

import sqlite3
import time
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from services.voice_server import keys
from services.voice_server.domain.record import Phase
from tests.voice_server.calls import record
from tests.voice_server.running_server import OWNER, RunningServer, Start

SID = "CA" + "9" * 32


def let_write(folder: Path, *, allowed: bool) -> None:
    """Forbid every change of a call, or allow it again."""
    with sqlite3.connect(folder / "data" / "voice.sqlite") as other:
        for change in ("INSERT", "UPDATE"):
            make = (
                f"CREATE TRIGGER no_{change} BEFORE {change} ON calls BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
            other.execute(f"DROP TRIGGER no_{change}" if allowed else make)
    other.close()


@pytest.fixture
def full(server: RunningServer, tmp_path: Path) -> RunningServer:
    """Give a server whose disk is full."""
    let_write(tmp_path, allowed=False)
    return server


async def test_an_offer_that_cannot_be_noted_is_taken_when_it_is_repeated(
    full: RunningServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    offer = ("rtc_1", ("From", f"<sip:{OWNER}@pstn.twilio.com>"))
    assert await full.offer(*offer) == 503
    assert full.app[keys.SWITCHBOARD].active == []
    let_write(tmp_path, allowed=True)
    assert await full.offer(*offer) == 200
    assert [call["call_id"] for call in await full.history()] == ["rtc_1"]


async def test_a_call_to_the_number_that_cannot_be_noted_is_not_connected(full: RunningServer) -> None:
    async with full.twilio("/voice/incoming", CallSid=SID, From=OWNER, CallStatus="ringing") as response:
        assert response.status == 503


async def test_the_server_is_not_well_until_it_can_write_again(full: RunningServer, tmp_path: Path) -> None:
    assert (await full.ask("POST", "/call", {"to": OWNER}))[0] == 503
    status, told = await full.ask("GET", "/health", key=None)
    assert (status, told["checks"]["store"]["status"]) == (503, "failed")
    let_write(tmp_path, allowed=True)
    await full.dial(OWNER)
    assert (await full.ask("GET", "/health", key=None))[0] == 200


async def test_minutes_of_a_call_that_is_taken_up_again_count_once(start: Start) -> None:
    first = await start(MAX_MINUTES_PER_DAY="15")
    now = time.time()
    times = {"started_at": now - 620, "answered_at": now - 610, "ended_at": now - 10}
    await first.store.save(record(1, phase=Phase.ENDED, **times), [])
    await first.crash()
    second = await start(MAX_MINUTES_PER_DAY="15")
    assert (await second.ask("POST", "/call", {"to": OWNER}))[0] == 202
