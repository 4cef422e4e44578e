"""OpenClaw's side: where transcripts go, which conversation is whose, and whether the agent can be asked."""

import asyncio

import aiohttp

from services.voice_server.adapters.openclaw_errors import NothingListensError, OpenClawError
from services.voice_server.doctor.case import LOOKING_SECONDS, Case
from services.voice_server.domain.diagnosis import Finding, State, bad, ok, unknown
from shared.phone import mask

_FEW = 3


async def state(case: Case) -> Finding:
    """Look whether OpenClaw has been set up on this machine."""
    folder = case.config.state_dir
    if not folder.is_dir():
        return bad(
            f"{folder} is not there.",
            "Install OpenClaw and run its onboarding here, or set OPENCLAW_STATE_DIR to where its state is.",
        )
    return ok(str(folder))


async def store(case: Case) -> Finding:
    """Look whether transcripts come into OpenClaw; the bridge knows how, and why not."""
    told = case.bridge["checks"]["openclaw"]
    known = {"ok": State.OK, "failed": State.BAD}
    return Finding(known.get(told["status"], State.UNKNOWN), told["detail"])


async def owners(case: Case) -> Finding:
    """Look which conversation each owner's calls belong to."""
    numbers = sorted(case.config.owner_numbers)
    if not numbers:
        return bad(
            "There is no owner: nobody who calls gets at the agent.",
            "Set OWNER_NUMBERS to your own number, such as OWNER_NUMBERS=+14155550123, and restart both.",
        )
    conversations: dict[str, list[str]] = {}
    for number in numbers:
        try:
            status, told = await case.ask_bridge("/session-key", number=number)
        except (aiohttp.ClientError, TimeoutError):
            return unknown("The bridge does not answer.")
        if status != 200:
            return unknown(f"The bridge does not know: {told and told.get('detail')}")
        conversations.setdefault(told["sessionKey"], []).append(mask(number))
    return ok("; ".join(f"{_listed(people)}: {key}" for key, people in conversations.items()))


def _listed(people: list[str]) -> str:
    return ", ".join(people) if len(people) <= _FEW else f"{len(people)} numbers"


async def ask(case: Case) -> Finding:
    """Look whether the agent can be asked during a call, without asking it."""
    try:
        async with asyncio.timeout(LOOKING_SECONDS):
            await case.openclaw.try_the_door()
    except TimeoutError:
        return unknown("OpenClaw's gateway does not answer.", "Start it anew: openclaw gateway restart")
    except NothingListensError:
        return bad(
            "OpenClaw's gateway does not run; the agent is asked by command, ten to thirty seconds slower.",
            "Start it: openclaw gateway start",
        )
    except OpenClawError as error:
        found, _, step = str(error).partition(": ")
        return bad(f"{found}.", f"{step[:1].upper()}{step[1:]}")
    return ok("the gateway takes our questions")
