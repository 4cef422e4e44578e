"""OpenAI's call control over REST: accept, reject, hang up.

Retries are ours and few: a call that is not answered within seconds is lost anyway, and the first decision
wins.
"""

import asyncio
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog

from services.voice_server.domain.agent import Agent
from services.voice_server.domain.instructions import ASK_OPENCLAW, END_CALL
from services.voice_server.domain.tool_call import NEVER_MIND
from shared import health

log = structlog.get_logger()

BUDGET_SECONDS = 6

_INSIST_PAUSES = (0.5, 2, 5, 10)
"""Seconds between two attempts to turn a caller away; OpenAI lets nobody ring for longer than all of them."""

UNAVAILABLE = 480
BUSY = 486
DECLINED = 603


class OpenAIError(Exception):
    """OpenAI did not do what it was asked."""


class OpenAIUncertainError(OpenAIError):
    """OpenAI did not say clearly whether it did what it was asked."""


class CallGoneError(OpenAIError):
    """OpenAI does not know the call (any more). `retried`: it was asked before, without a clear answer."""

    def __init__(self, *, retried: bool) -> None:
        super().__init__("OpenAI does not know this call.")
        self.retried = retried


TOOLS: dict[str, dict[str, Any]] = {
    ASK_OPENCLAW: {
        "type": "function",
        "name": ASK_OPENCLAW,
        "description": (
            "Ask the OpenClaw agent, which has memory, calendar, mail, files and other tools, to find "
            "something out or to do something. First say in a few words that you are looking; it may take "
            "a while, and the answer may come when you talk of something else. The agent does not hear the "
            "call: put all that the caller wants into the request. Independent questions may be asked at "
            "once, each in a call of its own. A later question replaces one that still runs: where the "
            "caller wants both, ask both again at once. Where they want neither any more, make the request "
            f'exactly "{NEVER_MIND}".'
        ),
        "parameters": {
            "type": "object",
            "properties": {
                "request": {
                    "type": "string",
                    "description": "What is wanted, in full sentences, with all names.",
                }
            },
            "required": ["request"],
            "additionalProperties": False,
        },
    },
    END_CALL: {
        "type": "function",
        "name": END_CALL,
        "description": "Hang up, after saying goodbye in the same turn.",
        "parameters": {
            "type": "object",
            "properties": {
                "reason": {"type": "string", "description": "Why the call is over, in a few words."}
            },
            "required": ["reason"],
            "additionalProperties": False,
        },
    },
}


def session(agent: Agent, instructions: str, tools: tuple[str, ...]) -> dict[str, Any]:
    """Build the body of `accept`.

    Only what is needed: SIP negotiates the audio formats, and naming them or finer points of turn detection
    has killed calls. `agent.realtime` is laid over the result, section by section.
    """
    transcription = {"model": agent.transcription_model}
    if agent.language:
        transcription["language"] = agent.language
    body: dict[str, Any] = {
        "type": "realtime",
        "model": agent.model,
        "instructions": instructions,
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "transcription": transcription,
                "turn_detection": {"type": "semantic_vad"},
            },
            "output": {"voice": {"id": agent.voice} if agent.voice.startswith("voice_") else agent.voice},
        },
        "tools": [TOOLS[name] for name in tools],
        "tool_choice": "auto",
    }
    return _laid_over(body, agent.realtime)


def _laid_over(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        mine = merged.get(name)
        merged[name] = (
            _laid_over(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
        )
    return merged


class OpenAICalls:
    """Decide about calls at OpenAI.

    Args:
        http: the client to use; it must not limit connections.
        base_url: `https://api.openai.com/v1` or a stand-in's.
        api_key: a key of the project that the calls arrive at.
        budget_seconds: how long a request may take, with its repetition.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        api_key: str,
        budget_seconds: float = BUDGET_SECONDS,
    ) -> None:
        self._http = http
        self._budget_seconds = budget_seconds
        self._calls = f"{base_url}/realtime/calls"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self.health = health.unknown("No call has been handled yet.")

    async def accept(self, rtc_id: str, body: dict[str, Any]) -> None:
        """Take a call.

        Raises:
            CallGoneError: the caller gave up.
            OpenAIUncertainError: it may have been taken all the same; only attaching to it tells.
            OpenAIError: it was refused.
        """
        try:
            await self._post(rtc_id, "accept", body)
        except CallGoneError as error:
            if error.retried:
                raise OpenAIUncertainError(OpenAIUncertainError.__doc__) from error
            raise

    async def reject(self, rtc_id: str, sip_status: int) -> None:
        """Turn a caller away with a SIP status. One who has gone already counts as turned away.

        Raises:
            OpenAIError: OpenAI cannot be reached.
        """
        try:
            await self._post(rtc_id, "reject", {"status_code": sip_status})
        except CallGoneError:
            log.info("caller_gone_before_rejection")

    async def turn_away(self, rtc_id: str, sip_status: int) -> None:
        """Reject a caller, again and again for as long as they may ring, whatever OpenAI answers."""
        for pause_seconds in _INSIST_PAUSES:
            try:
                return await self.reject(rtc_id, sip_status)
            except OpenAIError as error:
                log.warning("caller_not_turned_away", call_id=rtc_id, fault=str(error))
            await asyncio.sleep(pause_seconds)
        return None

    async def hang_up(self, rtc_id: str) -> None:
        """End a call. One that has ended already counts as hung up.

        Raises:
            OpenAIError: OpenAI cannot be reached.
        """
        try:
            await self._post(rtc_id, "hangup", None)
        except CallGoneError:
            log.debug("openai_leg_gone_before_hang_up")

    async def _post(self, rtc_id: str, action: str, body: dict[str, Any] | None) -> None:
        url = f"{self._calls}/{quote(rtc_id, safe='')}/{action}"
        try:
            async with asyncio.timeout(self._budget_seconds):
                if await self._try(url, body, last=False):
                    await asyncio.sleep(0.2)
                    await self._try(url, body, last=True)
        except TimeoutError as error:
            self.health = health.failed(f"OpenAI did not answer within {self._budget_seconds} s.")
            raise OpenAIUncertainError(self.health.detail) from error

    async def _try(self, url: str, body: dict[str, Any] | None, *, last: bool) -> bool:
        """Post once; True if it is worth another try."""
        try:
            async with self._http.post(url, json=body, headers=self._headers) as answer:
                if answer.status // 100 == 2 or answer.status == 404:
                    self.health = health.ok("Call control answers.")
                if answer.status == 404:
                    raise CallGoneError(retried=last)
                if answer.status // 100 == 2:
                    return False
                detail, said = f"OpenAI answered {answer.status}.", await answer.text(errors="replace")
                retryable = answer.status == 429 or answer.status >= 500
                # A decision that was "already made" may be the one we made the first time.
                uncertain = retryable or (last and answer.status == 409)
        except aiohttp.ClientError as error:
            detail, said = f"OpenAI cannot be reached ({type(error).__name__}).", ""
            retryable = uncertain = True
        if retryable and not last:
            return True
        self.health = health.failed(detail)
        told = f"{detail} {said[:300]}".strip()
        raise OpenAIUncertainError(told) if uncertain else OpenAIError(told)
