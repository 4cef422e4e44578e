"""A person with a phone and a keyboard: what they say goes through the bridge, what they type to OpenClaw."""

import itertools
from datetime import UTC, datetime, timedelta

from tests.openclaw.bridge import Bridge
from tests.openclaw.model import Json, Model
from tests.openclaw.openclaw import OpenClaw
from tests.session_bridge.calls import call

_people = itertools.count(200)
_calls = itertools.count(1)


class Person:
    """Somebody whose number no other test has; a guest unless a number is given."""

    def __init__(self, bridge: Bridge, openclaw: OpenClaw, model: Model, number: str | None = None) -> None:
        self.number = number or f"+14155550{next(_people)}"
        self.key = f"agent:main:voice:direct:{self.number}"
        self._bridge = bridge
        self._openclaw = openclaw
        self._model = model

    async def calls(self, *texts: str) -> str:
        """Talk on the phone (`user: hello`, `assistant: hi`), hang up, and wait until OpenClaw has it."""
        events = self.events(*texts)
        assert set(await self._bridge.tell(events)) == {"accepted"}
        call_id: str = events[0]["callId"]
        self.key = (await self._bridge.synced(call_id))["sessionKey"]
        return call_id

    def events(self, *texts: str) -> list[Json]:
        """Make the events of a call that ends now."""
        events = call(*texts, call_id=f"CA{next(_calls):032x}", number=self.number)
        for event in events:
            ago = timedelta(seconds=len(events) - event["sequence"])
            event["timestamp"] = (datetime.now(UTC) - ago).isoformat()
        return events

    async def types(self, text: str) -> Json:
        """Type something, which must be answered; what the model was asked."""
        answer = await self._openclaw.turn(self.key, text)
        assert answer.startswith("Answer "), answer
        return await self._model.asked(text)
