"""Recordings: made of a `<Dial>` that asks for one, told of, fetched with credentials, and deleted."""

import asyncio
import io
import math
import struct
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.accounts import new_sid
from sandbox.twilio.account import ACCOUNT
from sandbox.twilio.callbacks import Callbacks
from sandbox.twilio.errors import TwilioRefusalError
from sandbox.twilio.identity import not_found
from sandbox.twilio.legs import Leg, rfc2822
from sandbox.twilio.pages import page
from sandbox.twilio.twiml import Dial
from sandbox.world import World
from shared.problems import json_response

_RATE = 8000
_TONES = (440, 660)
"""What is heard of the person, in the first channel, and of the other leg, in the second."""

_LATE = 3


@dataclass
class Recording:
    """One recording as Twilio keeps it; `refused` counts the requests that went wrong on purpose."""

    call_sid: str
    account_sid: str
    seconds: int
    status: str
    sid: str = field(default_factory=lambda: new_sid("RE"))
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    refused: int = 0

    @property
    def path(self) -> str:
        """Where it is, without a suffix."""
        return f"/2010-04-01/Accounts/{self.account_sid}/Recordings/{self.sid}"

    def as_json(self) -> dict[str, Any]:
        """Show it as REST does."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "call_sid": self.call_sid,
            "conference_sid": None,
            "status": self.status,
            "source": "DialVerb",
            "channels": 2,
            "duration": str(self.seconds),
            "date_created": rfc2822(self.made),
            "date_updated": rfc2822(self.made),
            "start_time": rfc2822(self.made),
            "price": None,
            "price_unit": "USD",
            "error_code": None,
            "encryption_details": None,
            "api_version": "2010-04-01",
            "uri": f"{self.path}.json",
        }


class Recordings:
    """Keep what was recorded until it is deleted.

    Attributes:
        kept: what there is, by SID.
        deleted: the SIDs of what there was.
    """

    def __init__(self, world: World, callbacks: Callbacks) -> None:
        self.kept: dict[str, Recording] = {}
        self.deleted: list[str] = []
        self._world = world
        self._callbacks = callbacks

    def add_routes(
        self,
        router: web.UrlDispatcher,
        recorded: Callable[[Handler], Handler],
        authorize: Callable[[web.Request], None],
    ) -> None:
        """Serve the media, to whoever shows credentials; list and delete."""

        def guarded(handler: Handler) -> Handler:
            async def authorized(request: web.Request) -> web.StreamResponse:
                authorize(request)
                return await handler(request)

            return recorded(authorized)

        router.add_get(f"{ACCOUNT}/Calls/{{sid}}/Recordings.json", guarded(self._list))
        router.add_get(f"{ACCOUNT}/Recordings/{{sid}}.wav", guarded(self._media))
        router.add_delete(f"{ACCOUNT}/Recordings/{{sid}}.json", guarded(self._delete))

    def made(self, leg: Leg, child: Leg, dial: Dial) -> None:
        """Keep what was recorded of a bridge that has ended, and tell of it; nothing if it never stood."""
        if not (dial.records and child.answered):
            return
        trouble = self._world.switches.recording_trouble
        seconds = math.ceil((datetime.now(UTC) - child.answered).total_seconds())
        status = "absent" if trouble == "absent" else "completed"
        recording = Recording(leg.sid, leg.account_sid, seconds, status)
        self.kept[recording.sid] = recording
        if dial.recording_callback and status in dial.recording_events and trouble != "untold":
            copies = 2 if trouble == "told_twice" else 1
            self._callbacks.tell_of_recording(dial.recording_callback, self._form(recording), copies)
        self._world.watch.changed()

    def _form(self, recording: Recording) -> dict[str, str]:
        elsewhere = self._world.switches.recording_trouble == "elsewhere"
        host = "https://recordings.example.com" if elsewhere else "https://api.twilio.com"
        return {
            "AccountSid": recording.account_sid,
            "CallSid": recording.call_sid,
            "RecordingSid": recording.sid,
            "RecordingUrl": host + recording.path,
            "RecordingStatus": recording.status,
            "RecordingDuration": str(recording.seconds),
            "RecordingChannels": "2",
            "RecordingStartTime": rfc2822(recording.made) or "",
            "RecordingSource": "DialVerb",
            "RecordingTrack": "both",
        }

    async def _list(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        found = [one.as_json() for one in self.kept.values() if one.call_sid == sid]
        return json_response(page(request, "recordings", found))

    async def _media(self, request: web.Request) -> web.StreamResponse:
        recording, trouble = self._found(request), self._world.switches.recording_trouble
        if trouble == "late" and recording.refused < _LATE:
            recording.refused += 1
            raise not_found(request)
        if recording.status == "absent" or trouble == "gone":
            raise not_found(request)
        if trouble == "huge":
            return await _endless(request)
        media = await asyncio.to_thread(wav, recording.seconds)
        return web.Response(body=media, content_type="audio/x-wav")

    async def _delete(self, request: web.Request) -> web.Response:
        recording = self._found(request)
        if self._world.switches.recording_trouble == "undeletable" and recording.refused < 1:
            recording.refused += 1
            raise TwilioRefusalError(500, 20500, "An internal server error has occurred")
        del self.kept[recording.sid]
        self.deleted.append(recording.sid)
        self._world.watch.changed()
        return web.Response(status=204)

    def _found(self, request: web.Request) -> Recording:
        if recording := self.kept.get(request.match_info["sid"]):
            return recording
        raise not_found(request)


def wav(seconds: int) -> bytes:
    """Make a dual-channel recording: a tone of its own in each channel."""
    moments = [at / _RATE for at in range(_RATE)]
    frames = [int(3000 * math.sin(2 * math.pi * tone * at)) for at in moments for tone in _TONES]
    second = struct.pack(f"<{len(frames)}h", *frames)
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(len(_TONES))
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(second * seconds)
    return whole.getvalue()


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "audio/x-wav"})
    await response.prepare(request)
    await response.write(wav(1))
    try:
        while True:
            await response.write(bytes(1 << 20))
    except ConnectionError:
        return response
