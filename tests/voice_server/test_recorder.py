"""The recorder: whatever goes wrong, a recording ends up here once, and not at Twilio any more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from sandbox.app import Sandbox
from sandbox.twilio.recordings import Recording as AtTwilio
from sandbox.twilio.recordings import wav
from services.voice_server import recorder as recorder_module
from services.voice_server.adapters.store import Store
from services.voice_server.adapters.twilio_http import Credentials
from services.voice_server.adapters.twilio_recordings import TwilioRecordings
from services.voice_server.domain.record import Phase
from services.voice_server.domain.recording import Made, Progress
from services.voice_server.metrics import Metrics
from services.voice_server.recorder import Recorder
from shared.metrics import new_registry
from shared.tasks import Tasks
from tests.voice_server.calls import STARTED_AT, record
from tests.voice_server.serving import until

CALL = f"CA{1:032x}"


class Desk:
    """A recorder that does not rest for long, its store, and what Twilio has."""

    def __init__(self, recorder: Recorder, store: Store, sandbox: Sandbox) -> None:
        self.recorder, self.store, self.sandbox = recorder, store, sandbox
        self.twilio = sandbox.twilio.recordings

    def recorded(self) -> Made:
        """Let Twilio have recorded the call."""
        at_twilio = AtTwilio(CALL, self.sandbox.world.settings.twilio_account_sid, 1, "completed")
        self.twilio.kept[at_twilio.sid] = at_twilio
        return Made(at_twilio.sid, 1, is_absent=False)

    async def becomes(self, progress: Progress) -> None:
        async def has_become() -> bool:
            found = await self.store.recordings.of(CALL)
            return found is not None and found.progress is progress

        await until(has_become)

    @property
    def is_here_alone(self) -> bool:
        is_whole = self.store.recordings.path(CALL).read_bytes() == wav(1)
        return is_whole and not self.twilio.kept and len(self.twilio.deleted) == 1


Open = Callable[..., Any]


@pytest.fixture
def opened(sandbox: Sandbox, http: ClientSession, tmp_path: Path) -> Open:
    settings = sandbox.world.settings
    account, token = settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()

    @asynccontextmanager
    async def open_one(**patience: float) -> AsyncIterator[Desk]:
        store = Store(tmp_path)
        twilio = TwilioRecordings(http, Credentials(account, account, token), sandbox.url)
        waits = {"overdue_seconds": 0.0, "nothing_seconds": 60.0, "first_pause_seconds": 0.01, **patience}
        try:
            async with Tasks() as tasks:
                yield Desk(Recorder(store, twilio, tasks, Metrics(new_registry()), **waits), store, sandbox)
        finally:
            await store.close()

    return open_one


@pytest.mark.parametrize("trouble", ["none", "late", "undeletable"])
async def test_what_was_recorded_is_brought_here_and_deleted_there(opened: Open, trouble: Any) -> None:
    async with opened() as desk:
        desk.sandbox.switches.recording_trouble = trouble
        await desk.recorder.expect(CALL)
        await desk.recorder.told(CALL, desk.recorded())
        await desk.becomes(Progress.KEPT)
        assert desk.is_here_alone


async def test_what_is_told_twice_at_once_is_fetched_once(opened: Open) -> None:
    async with opened() as desk:
        await desk.recorder.expect(CALL)
        made = desk.recorded()
        await asyncio.gather(*(desk.recorder.told(CALL, made) for _ in range(5)))
        await desk.becomes(Progress.KEPT)
        fetches = [one for one in desk.sandbox.twilio.received if one.path.endswith(".wav")]
        assert (len(fetches), desk.is_here_alone) == (1, True)


@pytest.mark.parametrize("stopped_as", [Progress.AWAITED, Progress.MADE, Progress.COPIED])
async def test_a_restart_goes_on_where_it_was(opened: Open, stopped_as: Progress) -> None:
    """Also where the next step had been taken, and only the note of it is missing."""
    async with opened() as desk:
        over = {"phase": Phase.ENDED, "ended_at": STARTED_AT + 9, "leg_gone": True, "rtc_gone": True}
        await desk.store.save(record(1, **over), [])
        await desk.store.recordings.expect(CALL, STARTED_AT)
        made = desk.recorded()
        if stopped_as is not Progress.AWAITED:
            await desk.store.recordings.told(CALL, made)
            await desk.store.recordings.keep(CALL, desk.recorder._twilio.media(made.recording_sid))
            await desk.store.recordings.has_become(CALL, stopped_as)
    async with opened() as desk:
        await desk.recorder.start()
        await desk.becomes(Progress.KEPT)
        assert desk.is_here_alone
    async with opened() as desk:
        await desk.recorder.start()
        assert await desk.store.recordings.open() == []


async def test_deleted_there_but_not_noted_counts_as_deleted(opened: Open) -> None:
    async with opened() as desk:
        made = desk.recorded()
        await desk.store.recordings.expect(CALL, STARTED_AT)
        await desk.store.recordings.told(CALL, made)
        await desk.store.recordings.has_become(CALL, Progress.COPIED)
        desk.twilio.kept.clear()
        await desk.recorder.start()
        await desk.becomes(Progress.KEPT)


async def test_a_call_of_which_nothing_was_recorded_is_not_waited_for_for_ever(opened: Open) -> None:
    async with opened(nothing_seconds=0.0) as desk:
        await desk.store.save(record(1, ended_at=STARTED_AT + 9), [])
        await desk.recorder.expect(CALL)
        await desk.becomes(Progress.ABSENT)


async def test_while_the_call_runs_twilio_is_not_asked(opened: Open) -> None:
    async with opened(overdue_seconds=0.0) as desk:
        await desk.store.save(record(1), [])
        await desk.recorder.expect(CALL)
        await desk.store.save(record(1, ended_at=STARTED_AT + 9), [])
        desk.recorded()
        await desk.becomes(Progress.KEPT)
        assert len([one for one in desk.sandbox.twilio.received if "/Calls/" in one.path]) == 1


async def test_what_has_no_end_is_given_up_and_leaves_no_file(opened: Open) -> None:
    async with opened() as desk:
        desk.store.recordings.most_bytes = 1 << 20
        desk.sandbox.switches.recording_trouble = "huge"
        await desk.recorder.expect(CALL)
        with capture_logs() as logs:
            await desk.recorder.told(CALL, desk.recorded())
            await desk.becomes(Progress.FAILED)
        assert [one["event"] for one in logs if one["log_level"] == "error"] == ["recording_lost"]
        assert not desk.store.recordings.path(CALL).exists()
        assert desk.twilio.kept, "the only copy there is stays where it is"


async def test_what_twilio_does_not_have_for_a_day_is_given_up(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as desk:
        desk.sandbox.switches.recording_trouble = "gone"
        await desk.recorder.expect(CALL)
        await desk.recorder.told(CALL, desk.recorded())
        await desk.sandbox.world.watch.until(lambda: len(desk.sandbox.twilio.received) > 3)
        monkeypatch.setattr(recorder_module, "_GONE_SECONDS", 0)
        await desk.becomes(Progress.FAILED)


async def test_a_full_disk_postpones_it(opened: Open) -> None:
    async with opened() as desk:
        blocked = desk.store.recordings.path(CALL).parent
        blocked.write_text("where the folder should be")
        with capture_logs() as logs:
            await desk.recorder.expect(CALL)
            await desk.recorder.told(CALL, desk.recorded())

            async def postponed() -> bool:
                return any(one["event"] == "recording_postponed" for one in logs)

            await until(postponed)
        blocked.unlink()
        await desk.becomes(Progress.KEPT)
        assert desk.is_here_alone
