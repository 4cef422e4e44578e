"""Both legs of a call: Twilio's to the person and OpenAI's, hung up together."""

import asyncio

import structlog

from services.voice_server.adapters.openai_calls import UNAVAILABLE, OpenAIError
from services.voice_server.adapters.twilio_api import Leg
from services.voice_server.adapters.twilio_errors import TwilioError
from services.voice_server.domain.signals import LegsReleased
from services.voice_server.peers import Peers

log = structlog.get_logger()


class Legs:
    """Hang up what is left of a call."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def release(self, call_sid: str | None, rtc_id: str | None, *, was_taken: bool) -> LegsReleased:
        """Hang up these legs at the same time and say which of them are over.

        Args:
            call_sid: Twilio's leg, if it has to be hung up.
            rtc_id: OpenAI's, likewise.
            was_taken: the conversation was joined; if not, OpenAI's leg may still be ringing.
        """
        async with asyncio.TaskGroup() as both:
            twilio = both.create_task(self._hang_up_twilio(call_sid))
            openai = both.create_task(self._hang_up_openai(rtc_id, was_taken=was_taken))
        released, leg = twilio.result()
        status, ended_at = (leg.status, leg.ended_at) if leg else (None, None)
        return LegsReleased(released, openai.result(), status, ended_at)

    async def _hang_up_twilio(self, call_sid: str | None) -> tuple[str | None, Leg | None]:
        if call_sid is None:
            return None, None
        try:
            return call_sid, await self._peers.twilio.hang_up(call_sid)
        except TwilioError as error:
            self._failed("twilio", error)
            return None, None

    async def _hang_up_openai(self, rtc_id: str | None, *, was_taken: bool) -> str | None:
        if rtc_id is None:
            return None
        try:
            await self._peers.openai.hang_up(rtc_id)
            if not was_taken:
                # What was never taken cannot be hung up; the caller is not to be left ringing.
                await self._peers.openai.reject(rtc_id, UNAVAILABLE)
        except OpenAIError as error:
            self._failed("openai", error)
            return None
        return rtc_id

    def _failed(self, peer: str, error: Exception) -> None:
        self._peers.metrics.peer_failed(peer, error)
        log.warning("leg_not_hung_up", peer=peer, fault=str(error))
