"""OpenAI's side: the clock, the key and its project, the models, the webhook and its secret."""

import time

from services.voice_server.adapters.openai_project import (
    OFFER,
    Endpoint,
    OpenAIProjectError,
    OpenAIRightsError,
)
from services.voice_server.adapters.openai_webhook import TOLERANCE_SECONDS
from services.voice_server.doctor.case import Case
from services.voice_server.domain.diagnosis import Finding, bad, ok, unknown

_KEYS = "platform.openai.com, the project, API keys"
_WEBHOOKS = "platform.openai.com, the project, Webhooks"
_SKEW_SECONDS = 30


async def key(case: Case) -> Finding:
    """Look whether OpenAI knows the key, and for which project."""
    wanted = case.config.openai_project_id
    try:
        told = await case.project.introduce()
    except OpenAIRightsError:
        return bad("OpenAI refuses the key.", f"Make a new one ({_KEYS}) and set OPENAI_API_KEY.")
    except OpenAIProjectError as error:
        return unknown(f"{error}.", "See whether this machine reaches the internet, then try again.")
    if told.project_id is not None and told.project_id != wanted:
        return bad(
            f"The key belongs to {told.project_id}, not to {wanted}.",
            "Set OPENAI_PROJECT_ID to the key's project, or OPENAI_API_KEY to a key of that project.",
        )
    return ok("taken" if told.project_id is None else f"taken, of {wanted}")


async def clock(case: Case) -> Finding:
    """Look whether our clock goes right: signatures are good for five minutes."""
    try:
        told = await case.project.introduce()
    except OpenAIProjectError as error:
        return unknown(f"{error}.")
    if told.now is None:
        return unknown("OpenAI does not tell the time.")
    skew = time.time() - told.now
    if abs(skew) > _SKEW_SECONDS:
        return bad(
            f"It is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}; at {TOLERANCE_SECONDS} s no call "
            "is believed any more.",
            "Switch on time synchronisation: sudo timedatectl set-ntp true",
        )
    return ok(f"{abs(skew):.0f} s off")


async def models(case: Case) -> Finding:
    """Look whether the project may use the models that a call needs."""
    names = [name for name in (case.agent.model, case.agent.transcription_model) if name]
    try:
        missing = [name for name in names if not await case.project.has_model(name)]
    except OpenAIProjectError as error:
        return unknown(f"{error}.")
    if missing:
        return bad(
            f"The project may not use {', '.join(missing)}.",
            "Allow it (platform.openai.com, the project, Limits, Model usage), or set another in agent.json.",
        )
    return ok(", ".join(names))


async def webhook(case: Case) -> Finding:
    """Look whether OpenAI tells this server of calls, and whether that is understood."""
    url = case.wanted.status_callback
    step = f"{_WEBHOOKS}: {url} for {OFFER}; its secret is OPENAI_WEBHOOK_SECRET. Or `make connect`."
    try:
        endpoints = await case.project.endpoints()
        ours = [one for one in endpoints if one.url.rstrip("/") == url]
        if not ours:
            others = ", ".join(one.url for one in endpoints)
            return bad(f"OpenAI tells {others or 'nobody'} of calls, not this server.", step)
        telling = [one for one in ours if OFFER in one.event_types]
        if not telling:
            return bad(f"The webhook is told of other things, not of {OFFER}.", step)
        return await _tested(case, telling[0])
    except OpenAIRightsError:
        return unknown(
            "The key may not look at webhooks (it needs the permission Webhooks).",
            f"Look by hand: {step} There, Send test event; this server's log says webhook_refused if the "
            "secret is wrong.",
        )
    except OpenAIProjectError as error:
        return unknown(f"{error}.", f"Look by hand: {step}")


async def _tested(case: Case, endpoint: Endpoint) -> Finding:
    status = await case.project.test(endpoint.id)
    if status == 401:
        return bad(
            "The webhook arrives, but is signed with another secret.",
            f"Set OPENAI_WEBHOOK_SECRET to that of this very webhook ({_WEBHOOKS}; rotate it if it is lost), "
            "and restart.",
        )
    if status >= 300:
        return bad(
            f"OpenAI's test event was answered by {status}.",
            "See what PUBLIC_URL leads to; OpenAI expects 200 from this server itself.",
        )
    return ok(f"a test event came to {endpoint.url} and was believed")
