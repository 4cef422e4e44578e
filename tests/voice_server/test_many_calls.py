"""Hundreds of calls, many at a time: none knows of another, and nothing is left of any.

The soak (`make soak`) plays more of them, over a longer time, against processes of their own.
"""

import asyncio
from pathlib import Path

from aiohttp import ClientSession

from sandbox.app import Sandbox
from services.voice_server import keys
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWNER, RunningServer, Start
from tests.voice_server.serving import until

AT_ONCE, ROUNDS = 40, 5


def open_sockets() -> int:
    """Count the sockets of this process; the peers' ends are among them."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link.readlink()).startswith("socket:") for link in links)


def drop_idle(http: ClientSession) -> None:
    """Close the connections that a client keeps for its next request."""
    assert http.connector
    for kept in http.connector._conns.values():
        for connection, _ in kept:
            connection.close()


async def settled(server: RunningServer, sandbox: Sandbox) -> tuple[int, int]:
    """Wait until nothing of any call runs any more; the tasks and the sockets that are left."""

    async def over() -> bool:
        return not server.app[keys.SWITCHBOARD]._running and not sandbox.world.tasks._running

    await until(over, within=10)
    for http in (server.app[keys.PEERS].openai._http, sandbox.world.http, server.http):
        drop_idle(http)
    return len(asyncio.all_tasks()), open_sockets()


async def play(bridge: RecordingBridge, sandbox: Sandbox) -> None:
    """Let many people phone in at once; check that each call is told as its own."""
    callers = [OWNER if number % 2 else GUEST for number in range(AT_ONCE)]
    scripts = ["greeting" if number % 4 else "talk" for number in range(AT_ONCE)]
    calls = [sandbox.phone_in(caller, script).id for caller, script in zip(callers, scripts, strict=True)]
    for call_id, caller in zip(calls, callers, strict=True):
        await bridge.until("call_ended", call_id, within=20)
        *_, ended = events = bridge.of(call_id)
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        assert {event["phoneNumber"] for event in events} == {caller}
        assert ended["data"]["usage"] == sandbox.openai.ledger(call_id).told.model_dump()
    bridge.events.clear()


async def test_two_hundred_calls_do_not_mix_and_leave_neither_task_nor_socket(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 1000
    server = await start(MAX_CONCURRENT_CALLS=str(AT_ONCE))
    tasks, sockets = await settled(server, sandbox)
    for _ in range(ROUNDS):
        await play(bridge, sandbox)

    async def as_before() -> bool:
        now = await settled(server, sandbox)
        return now[0] <= tasks and now[1] <= sockets

    await until(as_before)
    assert len(server.app[keys.SWITCHBOARD]._directory) == 0
    assert server.app[keys.SWITCHBOARD]._deciding == {}
