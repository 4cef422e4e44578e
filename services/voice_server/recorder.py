"""The recorder: brings each recording from Twilio to our disk and deletes it there; a durable job.

How far it has come is on disk before the next step, and each step can be done twice: whatever stops it, it
goes on where it was. A callback that was lost is made up for by asking Twilio once the call is over.
"""

import asyncio
import time
from contextlib import aclosing, suppress

import structlog

from services.voice_server.adapters.recordings import Recordings, RecordingTooLargeError
from services.voice_server.adapters.store import Store
from services.voice_server.adapters.twilio_errors import TwilioError
from services.voice_server.adapters.twilio_recordings import RecordingMissingError, TwilioRecordings
from services.voice_server.domain.recording import OPEN, Made, Progress, Recording
from services.voice_server.metrics import Metrics
from shared.database import DatabaseError
from shared.tasks import Tasks

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
_GONE_SECONDS = 24 * 3600
"""How long Twilio may say that there is no such recording."""


class Recorder:
    """See to it that what Twilio recorded is here, and here alone.

    Args:
        store: where calls and recordings are kept.
        twilio: where recordings come from.
        tasks: who owns the work.
        metrics: counts what Twilio does not answer as it should.
        overdue_seconds: how long after its end a call's recording is waited for until Twilio is asked.
        nothing_seconds: how long after its end Twilio may yet come up with one.
        first_pause_seconds: how long it rests after the first failure; ever longer after further ones.
    """

    def __init__(
        self,
        store: Store,
        twilio: TwilioRecordings,
        tasks: Tasks,
        metrics: Metrics,
        *,
        overdue_seconds: float = 30,
        nothing_seconds: float = 600,
        first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._recordings: Recordings = store.recordings
        self._twilio = twilio
        self._tasks = tasks
        self._metrics = metrics
        self._overdue_seconds = overdue_seconds
        self._nothing_seconds = nothing_seconds
        self._first_pause_seconds = first_pause_seconds
        self._seen_to: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Take up what an earlier run left undone."""
        for call_id in await self._recordings.open():
            self._see_to(call_id)

    async def expect(self, call_id: str) -> None:
        """Wait for the recording of a call, before Twilio is asked for it.

        Raises:
            shared.database.DatabaseError: that cannot be kept in mind.
        """
        await self._recordings.expect(call_id, time.time())
        self._see_to(call_id)

    async def told(self, call_id: str, made: Made) -> None:
        """Take in that a recording is complete; on disk when this returns. A repeat changes nothing.

        Raises:
            shared.database.DatabaseError: it is not; Twilio has to tell again.
        """
        if await self._recordings.told(call_id, made):
            log.info("recording_made", seconds=made.seconds, absent=made.is_absent)
            self._see_to(call_id)
        else:
            log.info("recording_not_awaited")

    def _see_to(self, call_id: str) -> None:
        if call_id in self._seen_to:
            self._seen_to[call_id].set()
        else:
            self._seen_to[call_id] = asyncio.Event()
            self._tasks.start(self._bring(call_id), name=f"recording:{call_id}")

    async def _bring(self, call_id: str) -> None:
        structlog.contextvars.bind_contextvars(call_id=call_id)
        pause, more = self._first_pause_seconds, self._seen_to[call_id]
        try:
            while True:
                more.clear()
                try:
                    recording = await self._recordings.of(call_id)
                    if recording is None or recording.progress not in OPEN:
                        return
                    if await self._advance(recording):
                        pause = self._first_pause_seconds
                        continue
                except (TwilioError, OSError, DatabaseError) as error:
                    if isinstance(error, TwilioError):
                        self._metrics.peer_failed("twilio", error)
                    log.warning("recording_postponed", fault=str(error), pause_seconds=pause)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await more.wait()
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        finally:
            del self._seen_to[call_id]

    async def _advance(self, recording: Recording) -> bool:
        """Bring a recording one step further; False if it has to be waited for."""
        if recording.progress is Progress.AWAITED:
            return await self._ask(recording.call_id)
        if recording.progress is Progress.MADE:
            return await self._copy(recording)
        await self._twilio.delete(str(recording.recording_sid))
        await self._recordings.has_become(recording.call_id, Progress.KEPT)
        log.info("recording_kept", size_bytes=recording.size_bytes)
        return True

    async def _ask(self, call_id: str) -> bool:
        call = await self._store.call(call_id)
        ended = call.ended_at if call else 0.0
        if ended is None or time.time() < ended + self._overdue_seconds:
            return False
        if made := await self._twilio.find(call_id):
            log.warning("recording_found_untold")
            return await self._recordings.told(call_id, made)
        if time.time() < ended + self._nothing_seconds:
            return False
        await self._recordings.has_become(call_id, Progress.ABSENT)
        return True

    async def _copy(self, recording: Recording) -> bool:
        call_id, recording_sid = recording.call_id, str(recording.recording_sid)
        try:
            async with aclosing(self._twilio.media(recording_sid)) as media:
                size = await self._recordings.keep(call_id, media)
        except RecordingTooLargeError as error:
            return await self._fail(recording, str(error))
        except RecordingMissingError as error:
            if time.time() < recording.since + _GONE_SECONDS:
                raise
            return await self._fail(recording, str(error))
        await self._recordings.has_become(call_id, Progress.COPIED, size_bytes=size)
        return True

    async def _fail(self, recording: Recording, fault: str) -> bool:
        log.error("recording_lost", fault=fault, recording_sid=recording.recording_sid)
        await self._recordings.has_become(recording.call_id, Progress.FAILED, fault=fault)
        return True
