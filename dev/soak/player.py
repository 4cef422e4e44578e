"""Play what was planned, several calls at a time."""

import asyncio
from collections.abc import Iterable

import aiohttp

from dev.soak.evidence import Played
from dev.soak.follower import Follower
from dev.soak.plan import Plan
from dev.soak.stage import Stage, until

LONGEST_SECONDS = 60
"""Longer than any call takes that ends at all."""


class Player:
    """Play calls on a stage.

    Attributes:
        played: what has become of each, in the order they were begun.
    """

    def __init__(self, stage: Stage, follower: Follower) -> None:
        self.played: list[Played] = []
        self._stage = stage
        self._follower = follower

    async def play_all(self, plans: Iterable[Plan], parallel: int) -> None:
        """Play every plan to its end."""
        waiting = iter(plans)
        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(self._play_on(waiting))

    async def _play_on(self, waiting: Iterable[Plan]) -> None:
        for plan in waiting:
            await self._play(plan)

    async def _play(self, plan: Plan) -> None:
        one = Played(plan)
        self.played.append(one)
        try:
            await (self._dial(one) if plan.way == "outbound" else self._phone_in(one))
        except aiohttp.ClientError:
            return  # nobody is there: killed
        if one.call_id is None:
            return
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._end(one, one.call_id)
                await self._follower.synced(one.call_id)
        except TimeoutError:
            one.gave_up = True

    async def _dial(self, one: Played) -> None:
        body = {"to": one.plan.person, "message": f"This is call {one.plan.number}."}
        async with self._stage.http.post(f"{self._stage.voice.url}/call", json=body) as answer:
            one.status = answer.status
            if answer.status == 202:
                one.call_id = (await answer.json())["call_id"]

    async def _phone_in(self, one: Played) -> None:
        plan = one.plan
        body = {"from": plan.person, "script": plan.script, "via": plan.way}
        body |= {"fault": plan.fault} if plan.fault else {}
        url = f"{self._stage.sandbox.url}/sandbox/calls"
        async with self._stage.http.post(url, json=body, raise_for_status=True) as answer:
            one.call_id = (await answer.json())["id"]

    async def _end(self, one: Played, call_id: str) -> None:
        if one.plan.ending is None:
            return
        await asyncio.sleep(one.plan.after_seconds)
        if one.plan.ending == "caller":
            url = f"{self._stage.sandbox.url}/sandbox/calls/{call_id}/hang-up"
            async with self._stage.http.post(url):
                return
        await until(lambda: self._delete(one, call_id), LONGEST_SECONDS)

    async def _delete(self, one: Played, call_id: str) -> bool:
        """Ask for its end; False if a call that comes in has not come so far yet."""
        async with self._stage.http.delete(f"{self._stage.voice.url}/call/{call_id}") as answer:
            if answer.status == 200:
                one.deleted = (await answer.json())["status"]
            return answer.status == 200
