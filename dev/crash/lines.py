"""A death at every line: the bridge delivers a call and dies before the first, the second, … line it runs.

A line counts once, when it is first run; counted are those between `call_ended` and `session_synced`.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from dev.crash.kills import Outcome, bridge_environment, openclaw, verified, wrong
from dev.crash.openclaw import Agent
from dev.crash.outbox import Caller

DIED = 99

Act = Callable[[Agent, str], Awaitable[None]]


async def nothing(_agent: Agent, _key: str) -> None:
    """Let nothing happen."""


async def turn(agent: Agent, key: str) -> None:
    """Let somebody type to the agent."""
    await agent.take_turn(key, 0)


async def anew(agent: Agent, key: str) -> None:
    """Let the conversation be put away."""
    await agent.begin_anew(key)


SCENES: dict[str, tuple[Act, Act]] = {
    "first words of a conversation": (nothing, nothing),
    "a conversation goes on": (turn, nothing),
    "a turn before the next life": (turn, turn),
    "put away before the next life": (turn, anew),
    "begun by the call, put away before the next life": (nothing, anew),
}
"""What happens in the conversation before the call, and between the death and the next life."""


async def run(store: str, scene: str, lines: Iterable[int], folder: Path) -> Outcome:
    """Die at these lines, as far as there are so many, each time with a call of its own."""
    before, between = SCENES[scene]
    rng = random.Random(0)  # noqa: S311 - no secret
    callers = []
    async with openclaw(store, folder) as (agent, theirs):
        environment = bridge_environment(0, folder) | theirs
        with (folder / "bridge.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "dev.crash.lines_bridge", "openclaw"),
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert process.stdin  # noqa: S101 - it is a pipe
        assert process.stdout  # noqa: S101 - it is a pipe
        deaths = 0
        for line in lines:
            caller = Caller(f"+1415557{line:04d}", rng)
            callers.append(caller)
            key = f"agent:main:voice:direct:{caller.number}"
            events = list(caller.call())
            await before(agent, key)
            for die_at in (line, 0):
                process.stdin.write(json.dumps({"dieAt": die_at, "events": events}).encode() + b"\n")
                status = int(await process.stdout.readline())
                if die_at:
                    await _patiently(between, agent, key)
                    died = status == DIED
            if not died:
                break
            deaths += 1
        process.stdin.close()
        await process.wait()
        status, report = await verified(environment)
        found = wrong(agent.remembers(), callers)
    return Outcome(len(callers), Counter({"on its way": deaths}), report, status, found)


async def _patiently(act: Act, agent: Agent, key: str) -> None:
    """Act, if need be when a lock is old enough: who died before signing it cannot be known to be dead."""
    while True:
        try:
            await act(agent, key)
        except BlockingIOError:
            await asyncio.sleep(0.1)
        else:
            return
