"""Calls that nobody has made: who was talked to, what was said, what came of it."""

from dataclasses import dataclass, field
from random import Random

from services.voice_server.domain.instructions import ASK_OPENCLAW
from services.voice_server.domain.policy import Trust
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.reporter import EventData, ended_data, next_event
from shared.events import (
    ROOT,
    CallStatus,
    Direction,
    EndReason,
    KeptEvent,
    NoData,
    Speaker,
    StartedData,
    ToolFinishedData,
    ToolStartedData,
    TurnData,
    Usage,
)

Calls = list[tuple[CallRecord, list[KeptEvent]]]
"""Calls as they ended, each with the events it told, in order."""

OWN_NUMBER = "+14155550199"
MAIN = "agent:main:main"

_OWNER, _GUEST = Trust.OWNER, Trust.GUEST
PEOPLE = (
    ("+14155550123", _OWNER, 9),
    ("+14155550107", _OWNER, 4),
    ("+12125550148", _GUEST, 4),
    ("+493055501872", _GUEST, 2),
    ("+442079460958", _GUEST, 1),
    (None, _GUEST, 1),
)
"""Whom the calls are with, what they may do, and how often that is so; None withholds its number."""

_IN, _OUT = Direction.INBOUND, Direction.OUTBOUND
_ENDS = (
    (_IN, CallStatus.COMPLETED, EndReason.CALLER_HUNG_UP, 30),
    (_IN, CallStatus.COMPLETED, EndReason.ASSISTANT_HUNG_UP, 18),
    (_IN, CallStatus.COMPLETED, EndReason.SILENCE, 2),
    (_IN, CallStatus.COMPLETED, EndReason.CONNECTION_FAILED, 1),
    (_IN, CallStatus.REJECTED, EndReason.REJECTED, 4),
    (_OUT, CallStatus.COMPLETED, EndReason.CALLER_HUNG_UP, 20),
    (_OUT, CallStatus.COMPLETED, EndReason.ASSISTANT_HUNG_UP, 12),
    (_OUT, CallStatus.COMPLETED, EndReason.HUNG_UP_BY_REQUEST, 2),
    (_OUT, CallStatus.NO_ANSWER, EndReason.NOT_REACHED, 6),
    (_OUT, CallStatus.BUSY, EndReason.NOT_REACHED, 3),
    (_OUT, CallStatus.CANCELED, EndReason.HUNG_UP_BY_REQUEST, 1),
    (_OUT, CallStatus.FAILED, EndReason.CONNECTION_FAILED, 1),
)

_EXCHANGES = (
    ("What is on my calendar today?", "At ten the dentist, at four a call with Maria. The evening is free."),
    ("Has anybody written about the garden fence?", "Yes, Tom has. He can come on Thursday, before noon."),
    ("Please put oat milk and batteries on the list.", "Done. The list has seven things now."),
    ("How long does it take to the station from here?", "Twenty minutes by tram, if you leave before five."),
    ("Was there any news from the plumber?", "Not yet. He promised an answer by tonight; shall I call him?"),
    (
        "Could you move the lunch to Friday?",
        "Friday at half past twelve is free. I have moved it and told Ben.",
    ),
    (
        "Remind me what the doctor said last time.",
        "Half a tablet in the evening, and to come again in March.",
    ),
    ("What will the weather be like tomorrow?", "Dry in the morning, showers from three on, twelve degrees."),
)
"""What somebody asks, and what is answered."""

_ASKED_SECONDS = (0.8, 9.0)
_NO_ANSWER = "The agent did not answer in time."


@dataclass
class _Talk:
    """A call while it is told: its record, its events so far, the time, and the item said last."""

    call: CallRecord
    at: float
    events: list[KeptEvent] = field(default_factory=list)
    last_item: str = ROOT

    def tell(self, data: EventData, after_seconds: float) -> None:
        self.at += after_seconds
        self.events.append(next_event(self.call, data, self.at))
        self.call = self.call.model_copy(update={"sequence": self.call.sequence + 1})

    def say(self, speaker: Speaker, words: str, *, interrupted: bool = False) -> None:
        item_id = f"item_{self.call.ref}_{self.call.sequence}"
        turn = TurnData(
            speaker=speaker,
            content=words,
            item_id=item_id,
            previous_item_id=self.last_item,
            interrupted=interrupted,
        )
        self.tell(turn, after_seconds=0.5 + len(words) / 15)
        self.last_item = item_id

    def use(self, name: str, arguments: str, answer: str | None, seconds: float) -> None:
        """Use a tool; without an answer it fails."""
        tool = {"tool_call_id": f"call_{self.call.ref}_{self.call.sequence}", "name": name}
        self.tell(ToolStartedData(**tool, arguments=arguments), after_seconds=0.2)
        ok, output = answer is not None, answer or _NO_ANSWER
        self.tell(ToolFinishedData(**tool, ok=ok, output=output, duration_seconds=seconds), seconds)


def made(random: Random, started_at: float, turns: int = 0) -> tuple[CallRecord, list[KeptEvent]]:
    """Make up a call that began then; one with `turns` was talked for at least so many."""
    [(number, trust, _)] = random.choices(PEOPLE, [weight for *_, weight in PEOPLE])
    ends = _ENDS[:1] if turns else _ENDS
    [(direction, status, reason, _)] = random.choices(ends, [weight for *_, weight in ends])
    if number is None and direction is _OUT:
        number, trust, _ = PEOPLE[0]
    call = _record(random, started_at, direction, number, trust)
    if status is CallStatus.REJECTED:
        return _over(call, status, reason, call.started_at), []
    talk = _Talk(call, started_at)
    talk.tell(StartedData(caller=call.caller, callee=call.callee), 0)
    if status is CallStatus.COMPLETED:
        _converse(talk, random, turns or 2 * random.choice((1, 1, 1, 2, 3)))
    else:
        talk.at += random.uniform(3, 30)
    talk.call = _over(talk.call, status, reason, talk.at)
    talk.tell(ended_data(talk.call), 0)
    return talk.call, talk.events


def _record(
    random: Random, started_at: float, direction: Direction, number: str | None, trust: Trust
) -> CallRecord:
    ref = f"{random.getrandbits(64):016x}"
    isolated = f"agent:main:voice:direct:{number or f'anonymous-CA{ref}{ref}'}"
    return CallRecord(
        ref=ref,
        direction=direction,
        number=number,
        own_number=OWN_NUMBER,
        trust=trust,
        agent="Ada",
        model="gpt-realtime-2.1",
        transcription_model="gpt-realtime-whisper",
        max_call_seconds=1800,
        silence_seconds=60,
        greeting="Say hello.",
        call_sid=f"CA{ref}{ref}",
        rtc_id=f"rtc_{ref}",
        session_key=MAIN if trust is _OWNER else isolated,
        phase=Phase.TALKING,
        phase_since=started_at,
        status=CallStatus.IN_PROGRESS,
        started_at=started_at,
    )


def _converse(talk: _Talk, random: Random, turns: int) -> None:
    talk.tell(NoData(), random.uniform(2, 9))
    talk.call = talk.call.model_copy(update={"answered_at": talk.at, "joined": True, "greeted": True})
    talk.say(Speaker.ASSISTANT, "Hello! This is Ada.")
    owner = talk.call.trust is _OWNER
    for _ in range(turns // 2):
        question, answer = random.choice(_EXCHANGES)
        talk.say(Speaker.CALLER, question)
        if owner and random.random() < 0.4:
            answered = answer if random.random() < 0.95 else None
            talk.use(ASK_OPENCLAW, f'{{"request":"{question}"}}', answered, random.uniform(*_ASKED_SECONDS))
        cut = random.random() < 0.08
        talk.say(Speaker.ASSISTANT, answer[: len(answer) // 2] if cut else answer, interrupted=cut)


def _over(call: CallRecord, status: CallStatus, reason: EndReason, at: float) -> CallRecord:
    seconds = 0 if call.answered_at is None else round(at - call.answered_at)
    usage = Usage(
        input_text_tokens=900 if seconds else 0,
        input_audio_tokens=40 * seconds,
        cached_audio_tokens=20 * seconds,
        output_text_tokens=4 * seconds,
        output_audio_tokens=9 * seconds,
        transcription_seconds=seconds / 2,
    )
    gone = {"phase": Phase.ENDED, "phase_since": at, "leg_gone": True, "rtc_gone": True, "known_at": at}
    result = {"status": status, "end_reason": reason, "ended_at": at, "usage": usage}
    return call.model_copy(update=gone | result | {"cost_usd": round(seconds * 0.0017, 6)})
