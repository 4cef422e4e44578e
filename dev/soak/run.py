"""One run from its start to the evidence of it."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from dev.soak.evidence import Evidence
from dev.soak.follower import Follower
from dev.soak.gather import QUIET_SECONDS, gather, is_quiet
from dev.soak.killer import Killer
from dev.soak.plan import draw
from dev.soak.player import Player
from dev.soak.stage import staged, until
from dev.soak.tools import balance
from shared.tasks import Tasks


@dataclass(frozen=True)
class Run:
    """What is wanted.

    Attributes:
        seed: chooses the calls.
        calls: how many.
        parallel: how many at the same time.
        speed: how much faster than people.
        faults: what may go wrong; None: whatever the sandbox can.
        kill: whether services are killed at random moments, and started again.
        idle_seconds: how long to wait for idle connections to be closed; 0: do not look at sockets.
    """

    seed: int
    calls: int = 300
    parallel: int = 12
    speed: float = 50.0
    faults: Collection[str] | None = None
    kill: bool = False
    idle_seconds: float = 40.0


async def soak(run: Run, folder: Path) -> Evidence:
    """Play, wait until all is quiet (or too long for that), and collect what was seen."""
    began = time.monotonic()
    async with staged(folder, speed=run.speed, parallel=run.parallel) as stage:
        faults = await stage.faults() if run.faults is None else run.faults
        plans = [draw(run.seed, number, faults) for number in range(1, run.calls + 1)]
        before = stage.sockets() if run.idle_seconds else {}
        follower = Follower(stage.http, stage.bridge.url)
        player, killer = Player(stage, follower), Killer((stage.voice, stage.bridge), run.seed)
        async with Tasks() as tasks:
            tasks.start(follower.run(), name="follower")
            if run.kill:
                tasks.start(killer.run(), name="killer")
            await player.play_all(plans, run.parallel)
            await killer.stop()
            print(f"Played in {time.monotonic() - began:.0f} s; now the books.", flush=True)

            async def all_is_quiet() -> bool:
                return not any(balance(follower.heard).values()) and await is_quiet(stage)

            await until(all_is_quiet, QUIET_SECONDS)
        await until(lambda: stage.is_closed(before), run.idle_seconds)
        return await gather(stage, player.played, follower.heard, before, killer.killed)
