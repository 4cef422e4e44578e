"""What is said and done on a call: small scripts, chosen by the last two digits of the called number."""

from dataclasses import replace

from sandbox.faults import FAULTS
from sandbox.steps import (
    AssistantAsks,
    AssistantEndsCall,
    AssistantRecalls,
    AssistantSays,
    AssistantTells,
    CallerHangsUp,
    CallerIsSilent,
    CallerPresses,
    CallerSays,
    Greets,
    Script,
    Step,
)

_GOODBYE: tuple[Step, ...] = (CallerSays("Great, thank you. Goodbye!"), AssistantEndsCall("Goodbye!"))
_ASKS_FOR_FLIGHT = CallerSays("When does my flight leave?")
_FLIGHT = "When does the flight leave?"
_MAIL = "Are there new messages?"
_MARKUP = "<img src=x onerror='broken=1'></li></ol></article><script>broken=1</script>&lt;&amp;"
_UNANSWERED = AssistantAsks(_FLIGHT, preamble="", waits=False)
_NEVER_MIND = AssistantAsks("never mind", preamble="All right.", refusal="All right.", waits=False)


def _asks(words: str, question: AssistantAsks) -> tuple[Step, ...]:
    return (Greets(), CallerSays(words), question, *_GOODBYE)


def _meanwhile(*steps: Step) -> tuple[Step, ...]:
    """Begin with a question that takes a while, before which the model says nothing."""
    return (Greets(), _ASKS_FOR_FLIGHT, _UNANSWERED, *steps)


_PLAIN: dict[str, Script] = {
    "talk": Script(
        (
            Greets(),
            CallerSays("What's on my calendar today?"),
            AssistantAsks("What is on the calendar today?"),
            CallerSays("When do I have to leave for lunch?"),
            AssistantSays("Leave at half past twelve."),
            *_GOODBYE,
        ),
        happens="three turns, `ask_openclaw`, `end_call`",
    ),
    "greeting": Script((Greets(), CallerHangsUp()), happens="the assistant greets, the caller hangs up"),
    "barge-in": Script(
        (
            Greets(),
            CallerSays("Tell me about the weather."),
            AssistantSays(
                "The weather is going to be pleasant today, with sunshine in the morning, some clouds after"
                " lunch, and a light breeze from the west that will keep the evening rather cool."
            ),
            CallerSays("And tomorrow?", interrupts=True),
            AssistantSays(
                "Tomorrow starts with rain in the whole area, and there may be thunder in the afternoon, so"
                " you had better take an umbrella with you when you leave the house."
            ),
            CallerSays("Stop, that's enough.", interrupts=True, early=True),
            AssistantSays("All right."),
            CallerHangsUp(),
        ),
        happens="the caller talks over the assistant, twice",
    ),
    "mid-sentence": Script(
        (
            Greets(),
            CallerSays("Read me the news, please."),
            AssistantSays(
                "Here are the news of the day: the city council has decided to build a new bridge, and the"
                " works are going to start in the spring of next year."
            ),
            CallerHangsUp(mid_sentence=True),
        ),
        happens="the caller hangs up while the assistant speaks",
    ),
    "busy": Script(outcome="busy", happens="the line is busy"),
    "no-answer": Script(outcome="no-answer", happens="nobody picks up"),
    "endless": Script(
        (Greets(),),
        repeated=(
            CallerSays("Please tell me another one."),
            AssistantSays("Two cats meet on a roof. One says miaow. The other says: you took my words."),
        ),
        happens="a talk without end",
    ),
    "silent": Script(
        (Greets(), CallerIsSilent()),
        happens="the caller says nothing; with `idle_timeout_ms` in the session, the model asks now and then",
    ),
    "keys": Script(
        (
            Greets(),
            CallerPresses("12#"),
            CallerSays("I have typed in my number."),
            AssistantSays("Thank you."),
            CallerHangsUp(),
        ),
        happens="the caller presses keys of the telephone",
    ),
    "markup": Script(
        (
            Greets(),
            CallerSays(f"What does {_MARKUP} mean?"),
            AssistantAsks(f"What does {_MARKUP} mean?", preamble=f"One moment {_MARKUP}"),
            *_GOODBYE,
        ),
        happens="everybody says HTML that would do something if it were taken for such",
    ),
}

_ASKING: dict[str, Script] = {
    "slow-answer": Script(
        _asks("When does my flight leave?", AssistantAsks(_FLIGHT, preamble="")),
        happens="the model asks without a word, and the answer takes 12 s",
    ),
    "slower-answer": Script(
        _asks("Make the report and send it to Sam.", AssistantAsks("Make the report, send it to Sam.")),
        happens="the model says that it looks, and the answer takes 45 s",
    ),
    "two-questions": Script(
        _asks("My flight, and new messages?", AssistantAsks(_FLIGHT, also=(_MAIL,))),
        happens="the model asks two things at once, one of them slow",
    ),
    "still-there": Script(
        _meanwhile(
            CallerSays("Are you still there?", after=3),
            AssistantSays("Yes, I'm still looking."),
            AssistantTells(),
            *_GOODBYE,
        ),
        happens="the caller asks whether somebody is there while a question runs",
    ),
    "never-mind": Script(
        _meanwhile(
            CallerSays("Never mind.", after=3),
            _NEVER_MIND,
            CallerSays("What's two and two?"),
            AssistantSays("Four."),
            *_GOODBYE,
        ),
        happens="the caller drops a question that runs; the model asks `never mind`",
    ),
    "something-else": Script(
        _meanwhile(
            CallerSays("No, check my mail instead.", after=3),
            AssistantAsks(_MAIL, preamble="Sure."),
            *_GOODBYE,
        ),
        happens="the caller asks for something else while a question runs",
    ),
    "one-more": Script(
        _meanwhile(
            CallerSays("And check my mail, please.", after=3),
            AssistantAsks(_FLIGHT, preamble="Both, then.", also=(_MAIL,)),
            *_GOODBYE,
        ),
        happens="the caller asks for one thing more while a question runs; the model asks both",
    ),
    "gone-meanwhile": Script(
        (
            Greets(),
            _ASKS_FOR_FLIGHT,
            AssistantAsks(_FLIGHT, waits=False),
            CallerSays("I have to go. Bye!"),
            CallerHangsUp(),
        ),
        happens="the caller hangs up while a question runs",
    ),
    "over-filler": Script(
        _meanwhile(
            CallerSays("Take your time.", interrupts=True),
            AssistantSays("Thank you."),
            AssistantTells(),
            *_GOODBYE,
        ),
        happens="the caller talks over the first words while a question runs",
    ),
    "with-answer": Script(
        _meanwhile(
            CallerSays("And is it raining there?", with_answer=True),
            AssistantSays("It is dry in Berlin."),
            AssistantTells(),
            *_GOODBYE,
        ),
        happens="the caller begins to speak in the moment the answer comes",
    ),
    "long-answer": Script(
        _asks("What do I have to do?", AssistantAsks("List everything that is open.")),
        happens="the answer is a long piece of markdown",
    ),
    "orders": Script(
        _asks("What does the web page say?", AssistantAsks("What does the web page say?")),
        happens="the answer holds orders to the model, which it tells like any other",
    ),
    "empty-answer": Script(
        _asks("Is there anything new?", AssistantAsks("Say nothing at all.")),
        happens="the answer is empty",
    ),
    "broken-answer": Script(
        _asks("Is the backup complete?", AssistantAsks("Is the backup complete?")),
        happens="the answer breaks off in the middle",
    ),
    "recall": Script(
        (Greets(), CallerSays("What did I just write you?"), AssistantRecalls(), *_GOODBYE),
        happens="the caller asks what they wrote last, in the chat or on the phone",
    ),
    "errand": Script(
        (
            Greets(),
            CallerSays("What did I just write you?"),
            AssistantRecalls(),
            CallerSays("Right, check that against my flight."),
            AssistantAsks(_FLIGHT, preamble=""),
            *_GOODBYE,
        ),
        happens="the chat is recalled, then a slow question asked without a word",
    ),
}

SCRIPTS: dict[str, Script] = _PLAIN | _ASKING

BY_LAST_DIGITS: dict[str, str] = {
    "01": "greeting",
    "02": "barge-in",
    "03": "mid-sentence",
    "04": "busy",
    "05": "no-answer",
    "06": "endless",
    "07": "silent",
    "08": "keys",
    "09": "recall",
    "10": "slow-answer",
    "11": "slower-answer",
    "12": "two-questions",
    "13": "still-there",
    "14": "never-mind",
    "15": "something-else",
    "16": "one-more",
    "17": "gone-meanwhile",
    "18": "over-filler",
    "19": "with-answer",
    "20": "long-answer",
    "21": "orders",
    "22": "empty-answer",
    "23": "talk",
    "24": "errand",
    "25": "broken-answer",
    "26": "markup",
}
"""Last two digits of the called number -> script; every other number plays `talk`."""


def for_number(number: str) -> Script:
    """Choose the script for a called number, and what goes wrong in it."""
    for name, fault in FAULTS.items():
        if fault.digits == number[-2:]:
            return with_fault(name)
    return SCRIPTS[BY_LAST_DIGITS.get(number[-2:], "talk")]


def with_fault(name: str, script: str | None = None) -> Script:
    """Give a script in which something goes wrong: the fault's own script, or another one."""
    return replace(SCRIPTS[script or FAULTS[name].script], fault=name)
