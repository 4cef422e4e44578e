"""Kill -9 at random moments while calls end."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import aiohttp

from dev.crash.nursery import nursery
from dev.crash.openclaw import Agent, Conversation, FolderAgent, GatewayAgent
from dev.crash.outbox import Caller
from dev.demo import free_ports
from dev.stack import ROOT, Program, running
from sandbox import app as sandbox
from sandbox.settings import SandboxSettings

OWNER = "+14155550100"
LIFE_SECONDS = 0.4
"""How long a bridge lives at most, its birth included."""

CALLERS = 5
DRAIN_SECONDS = 90


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    `moments` counts in what state a kill found deliveries, `wrong` what the run's own look at OpenClaw found.
    """

    calls: int
    moments: Counter[str]
    report: str
    status: int
    wrong: list[str]

    @property
    def is_right(self) -> bool:
        """Tell whether every call is there once, in order, and `verify` says so."""
        return self.status == 0 and not self.wrong

    def __str__(self) -> str:
        moments = ", ".join(
            f"{count} found a delivery {moment}" for moment, count in sorted(self.moments.items())
        )
        return "\n".join([f"kills: {moments}", f"verify: {self.report}", *self.wrong])


@asynccontextmanager
async def openclaw(store: str, folder: Path) -> AsyncIterator[tuple[Agent, dict[str, str]]]:
    """Play an OpenClaw with this store; it, and the settings that lead to it."""
    root = folder / "openclaw"
    root.mkdir()
    environment = {"OPENCLAW_STATE_DIR": str(root), "OPENCLAW_GATEWAY_URL": "http://127.0.0.1:9"}
    if store == "jsonl":
        yield FolderAgent(root), environment
        return
    settings = SandboxSettings(port=0, gateway_release="2026.9.6")
    async with sandbox.running(settings) as played:
        theirs = played.service_environment()
        yield (
            GatewayAgent(played.gateway),
            environment | {name: theirs[name] for name in ("OPENCLAW_GATEWAY_URL", "OPENCLAW_GATEWAY_TOKEN")},
        )


async def run(store: str, kills: int, seed: int, folder: Path) -> Outcome:
    """Kill so many bridges and let the last one live; everything is in `folder`."""
    rng = random.Random(seed)  # noqa: S311 - a person, no secret - no secret
    [port] = free_ports(1)
    callers = [Caller(f"+1415555010{place}", random.Random(seed + place)) for place in range(CALLERS)]  # noqa: S311 - a person, no secret
    stop, moments = asyncio.Event(), Counter[str]()
    async with AsyncExitStack() as stack:
        agent, theirs = await stack.enter_async_context(openclaw(store, folder))
        environment = bridge_environment(port, folder) | theirs
        http = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"http://127.0.0.1:{port}"
        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(agent.live(rng))
            calling = [tasks.create_task(caller.talk(http, url, stop)) for caller in callers]
            async with nursery(environment, folder) as bridges:
                for _ in range(kills):
                    pid = await bridges.born()
                    await asyncio.sleep(rng.uniform(0, LIFE_SECONDS))
                    os.kill(pid, signal.SIGKILL)
                    moments.update(_found(folder / "bridge.sqlite"))
            stop.set()
            bridge = Program("session bridge", ("-m", "services.session_bridge"), url, environment, folder)
            async with running([bridge]):
                await asyncio.gather(*calling)
                living.cancel()
                await _until_written(http, url)
                status, report = await verified(environment)
        found = wrong(agent.remembers(), callers)
    return Outcome(sum(len(caller.said) for caller in callers), moments, report, status, found)


def bridge_environment(port: int, folder: Path) -> dict[str, str]:
    """Make a bridge's settings, but for those that lead to OpenClaw; it logs no faults but its own."""
    return {
        "PYTHONPATH": str(ROOT),
        "PATH": os.defpath,
        "LOG_LEVEL": "warning",
        "LOG_FORMAT": "json",
        "OPENAI_BASE_URL": "http://127.0.0.1:9",
        "TWILIO_BASE_URL": "http://127.0.0.1:9",
        "VOICE_SERVER_URL": "http://127.0.0.1:9",
        "BRIDGE_PORT": str(port),
        "DATA_DIR": str(folder),
        "CONFIG_DIR": str(folder),
        "OWNER_NUMBERS": OWNER,
    }


def _found(journal: Path) -> set[str]:
    """Tell in what states there are deliveries in a journal whose bridge has just died."""
    query = (
        "SELECT DISTINCT CASE WHEN messages IS NULL THEN 'pending' ELSE 'being written' END "
        "FROM sessions JOIN deliveries USING (call_id) WHERE state IN ('syncing', 'failed')"
    )
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
            return {row[0] for row in db.execute(query)} or {"nowhere"}
    except sqlite3.OperationalError:
        return {"not even thought of"}


async def _until_written(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(DRAIN_SECONDS):
        while True:
            async with http.get(f"{url}/sessions") as answer:
                states = {session["state"] for session in (await answer.json())["sessions"]}
            if states <= {"synced"}:
                return
            await asyncio.sleep(0.1)


async def verified(environment: Mapping[str, str]) -> tuple[int, str]:
    """Have the bridge's own command compare: its exit status and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.session_bridge", "verify"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    report, _ = await process.communicate()
    return process.returncode or 0, report.decode().strip()


def wrong(conversations: list[Conversation], callers: list[Caller]) -> list[str]:
    """Look for every turn by its text: the agent must have it once, behind the one before.

    What is typed may stand in between: a gateway takes a call row by row, and the bridge may die after any.
    """
    calls = [turns for caller in callers for turns in caller.said.values()]
    spoken = set(chain(*calls))
    places = [(turn, place) for place, turn in enumerate(chain(*conversations)) if turn in spoken]
    remembered, times = dict(places), Counter(turn for turn, _ in places)
    found = [f"lost: {turn}" for turn in spoken if turn not in remembered]
    found += [f"doubled: {turn}" for turn, number in times.items() if number > 1]
    for turns in calls:
        order = [remembered[turn] for turn in turns if turn in remembered]
        if order != sorted(order):
            found.append(f"out of order: {turns[0]}")
    return found
