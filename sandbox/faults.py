"""How the two networks misbehave: each fault by name, and by the last two digits of the called number."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong in one call.

    Attributes:
        peer: who misbehaves.
        digits: the last two digits of the called number that choose it.
        happens: what goes wrong, in one sentence.
        script: what is said meanwhile.
    """

    peer: Literal["openai", "twilio"]
    digits: str
    happens: str
    script: str = "talk"


FAULTS: dict[str, Fault] = {
    "sideband-drops": Fault("openai", "30", "The sideband breaks off in mid-call; the call itself goes on."),
    "sideband-keeps-dropping": Fault("openai", "31", "The sideband breaks off again and again.", "endless"),
    "sideband-restarted": Fault(
        "openai",
        "32",
        "OpenAI closes the sideband in mid-call with 1001, going away; the call itself goes on.",
    ),
    "sideband-failed": Fault(
        "openai", "33", "OpenAI closes the sideband in mid-call with 1011, an error; the call itself goes on."
    ),
    "sideband-falls-silent": Fault(
        "openai",
        "34",
        "From mid-call on the sideband carries nothing more, though the socket stays open.",
        "endless",
    ),
    "sideband-drops-tool-call": Fault(
        "openai", "69", "The sideband breaks off while the owner's question is being put; the call goes on."
    ),
    "sideband-late": Fault(
        "openai", "35", "The sideband is not found three times before it can be attached."
    ),
    "sideband-never": Fault("openai", "36", "The call is accepted, but its sideband is never found."),
    "session-expired": Fault(
        "openai",
        "37",
        "OpenAI ends the call at its own time limit: `session_expired`, then close 1001.",
        "endless",
    ),
    "webhook-doubled": Fault(
        "openai", "38", "The webhook of the call is delivered twice at once, with the same id."
    ),
    "webhook-doubled-anew": Fault(
        "openai", "39", "The webhook of the call is delivered twice at once, each with an id of its own."
    ),
    "webhook-after-hang-up": Fault(
        "openai", "40", "The webhook arrives when the caller has hung up already."
    ),
    "webhook-of-live-too": Fault("openai", "41", "The Live API announces the same call as well."),
    "accept-slow": Fault("openai", "42", "`accept` takes three seconds."),
    "accept-failed": Fault("openai", "43", "`accept` answers 500 to the first attempt."),
    "accept-failed-but-taken": Fault(
        "openai", "44", "`accept` answers 500 to the first attempt, yet the call is taken."
    ),
    "accept-busy": Fault("openai", "45", "`accept` answers 429 to the first attempt."),
    "accept-refused": Fault("openai", "46", "`accept` answers 400 to every attempt."),
    "reject-failed": Fault("openai", "47", "`reject` answers 500 to the first attempt."),
    "hangup-failed": Fault("openai", "48", "`hangup` answers 500 to the first three attempts.", "endless"),
    "hangup-slow": Fault("openai", "49", "`hangup` takes three seconds.", "endless"),
    "done-doubled": Fault("openai", "50", "Every `response.done` arrives twice."),
    "done-missing": Fault("openai", "51", "No `response.done` arrives.", "barge-in"),
    "done-late": Fault(
        "openai",
        "52",
        "The `response.done` of a cut answer arrives after the next answer has begun.",
        "barge-in",
    ),
    "events-unknown": Fault("openai", "53", "Events arrive whose type nobody knows."),
    "fields-unknown": Fault("openai", "54", "Every event has a field that nobody knows."),
    "names-former": Fault("openai", "55", "Events bear their names from before general availability."),
    "frames-malformed": Fault("openai", "56", "Text frames arrive that are no events."),
    "frames-binary": Fault("openai", "57", "Binary frames arrive."),
    "frame-huge": Fault("openai", "58", "A frame of 20 MB arrives."),
    "transcript-never": Fault("openai", "59", "What the caller says is never transcribed."),
    "transcript-failed": Fault("openai", "60", "What the caller says cannot be transcribed."),
    "transcript-empty": Fault("openai", "61", "What the caller says is transcribed as nothing."),
    "transcript-late": Fault(
        "openai", "62", "What the caller says is known only when the answer to it has ended."
    ),
    "usage-bare": Fault("openai", "63", "The tokens of a response are told without their modalities."),
    "arguments-broken": Fault("openai", "64", "The arguments of a tool call are no JSON."),
    "function-unknown": Fault("openai", "65", "The model calls a tool that nobody has offered."),
    "functions-parallel": Fault("openai", "66", "The model makes three tool calls at once."),
    "model-speaks-first": Fault(
        "openai",
        "67",
        "The model begins to speak before the greeting is asked for, which is refused for a while.",
    ),
    "caller-never-heard": Fault(
        "openai", "68", "The call is taken, and the caller is never heard.", "silent"
    ),
    "callbacks-doubled": Fault(
        "twilio", "70", "Every status callback arrives twice at once, with the same idempotency token."
    ),
    "callbacks-doubled-anew": Fault(
        "twilio", "71", "Every status callback arrives twice at once, each with a token of its own."
    ),
    "callbacks-reordered": Fault(
        "twilio", "72", "The status callbacks come when the call is over, in the order of `callback_order`."
    ),
    "callbacks-middle-lost": Fault("twilio", "73", "Of the status callbacks only the first and last arrive."),
    "callbacks-lost": Fault("twilio", "74", "No status callback arrives."),
    "callbacks-slow": Fault("twilio", "75", "Every status callback arrives ten seconds late."),
    "callbacks-answer-lost": Fault(
        "twilio", "76", "The first answer to each status callback is lost; it is repeated if `rp=rt` asks so."
    ),
    "callbacks-unknown-status": Fault(
        "twilio", "77", "The callbacks in the middle of the call bear a `CallStatus` that nobody knows."
    ),
    "twiml-fetched-twice": Fault(
        "twilio", "78", "The TwiML is fetched twice at once; the second answer counts."
    ),
    "create-failed-but-placed": Fault("twilio", "79", "`Calls.create` answers 500, yet the call is placed."),
    "create-failed": Fault("twilio", "80", "`Calls.create` answers 500, and nothing is placed."),
    "create-late-but-placed": Fault(
        "twilio", "81", "The call is placed, but `Calls.create` answers only after `late_answer_seconds`."
    ),
    "create-cut-but-placed": Fault(
        "twilio", "82", "The call is placed, but the connection breaks before `Calls.create` answers."
    ),
    "create-cut": Fault(
        "twilio", "83", "The connection breaks before `Calls.create` answers; nothing is placed."
    ),
    "create-busy-once": Fault("twilio", "84", "`Calls.create` answers 429 to the first attempt."),
    "create-busy": Fault("twilio", "85", "`Calls.create` answers 429 to every attempt."),
    "create-slow": Fault("twilio", "86", "`Calls.create` answers only when the person has picked up."),
    "queued-long": Fault("twilio", "87", "The call waits in Twilio's queue for a minute (`queue_time`)."),
    "rings-for-ever": Fault(
        "twilio", "88", "The telephone rings beyond every timeout, and no final callback comes.", "no-answer"
    ),
    "hang-up-failed": Fault(
        "twilio", "89", "The first request to end the call is answered with 500.", "endless"
    ),
    "hang-up-busy": Fault(
        "twilio", "90", "The first two requests to end the call are answered 429.", "endless"
    ),
    "status-stale": Fault(
        "twilio",
        "91",
        "No status callback arrives, and REST tells each status ten seconds late.",
        "no-answer",
    ),
    "leg-vanishes": Fault(
        "twilio", "92", "The person's leg ends in mid-call without a callback; OpenAI's goes on.", "silent"
    ),
    "invite-lost": Fault(
        "twilio", "93", "The person picks up, but OpenAI answers the INVITE with SIP 4xx (alert 13224)."
    ),
    "time-limit": Fault(
        "twilio",
        "94",
        "Twilio ends the call ten seconds after the answer, whatever was asked for.",
        "endless",
    ),
    "number-invalid": Fault("twilio", "95", "Twilio calls the number invalid (error 21211)."),
    "region-forbidden": Fault("twilio", "96", "The account may not dial that region (error 21215)."),
    "number-blocked": Fault("twilio", "97", "Twilio has blocked the number (error 21216)."),
    "trial-unverified": Fault(
        "twilio", "98", "A trial account may not dial an unverified number (error of `trial_code`)."
    ),
}
"""Every fault by its name. OpenAI's have the digits 30-69, Twilio's 70-98."""
