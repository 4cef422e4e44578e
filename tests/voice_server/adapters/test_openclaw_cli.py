"""The agent asked by command, where there is no gateway: a script of the test plays `openclaw`."""

import asyncio
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.voice_server.adapters.openclaw import OpenClaw, gateway_client
from services.voice_server.adapters.openclaw_cli import OpenClawCommand
from services.voice_server.adapters.openclaw_errors import (
    NothingListensError,
    OpenClawFailedError,
    OpenClawRefusedError,
    OpenClawSilentError,
    OpenClawSlowError,
    OpenClawUnreachableError,
)
from services.voice_server.adapters.openclaw_stream import LONGEST_ANSWER
from shared.tasks import Tasks
from tests.voice_server.serving import Answer, free_port, scripted, until

KEY, MAIN = "agent:main:telegram:direct:42", "agent:main:main"
RUN = {"payloads": [{"text": "Half past twelve.", "mediaUrl": None}], "meta": {"aborted": False}}

Openclaw = Callable[[str], OpenClawCommand]


@pytest.fixture
def openclaw(tmp_path: Path) -> Openclaw:
    """Install a command `openclaw` that runs this Python; what it was started with is in `started`."""

    def install(program: str) -> OpenClawCommand:
        script = tmp_path / "openclaw"
        script.write_text(
            f"#!{sys.executable}\n"
            "import json, os, signal, subprocess, sys, time\n"
            f"folder = {str(tmp_path)!r}\n"
            "with open(f'{folder}/started', 'a') as file:\n"
            "    seen = [sys.argv[1:], dict(os.environ), os.getcwd(), os.getpid()]\n"
            "    print(json.dumps(seen), file=file, flush=True)\n"
            f"{program}\n"
        )
        script.chmod(stat.S_IRWXU)
        return OpenClawCommand("main", {"PATH": str(tmp_path), "OPENCLAW_STATE_DIR": "/the/state"})

    return install


def prints(value: object) -> str:
    return f"print({json.dumps(value, indent=2)!r})"


def started(folder: Path) -> list[Any]:
    """Tell with what the command was started so far: arguments, environment, folder, pid."""
    try:
        return [json.loads(line) for line in (folder / "started").read_text().splitlines()]
    except FileNotFoundError:
        return []


async def has_begun(folder: Path, name: str) -> int:
    """Wait for a file the command writes its pid into."""

    async def written() -> bool:
        return (folder / name).exists() and (folder / name).read_text().endswith("\n")

    await until(written)
    return int((folder / name).read_text())


def state(pid: int) -> str | None:
    """Tell what a process does; None if there is none, not even a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None


async def is_over(pid: int) -> bool:
    return state(pid) in {None, "Z"}


@pytest.mark.parametrize(
    "request_", ["--help", "-v", "--profile x", "; touch /tmp/x $(id) 'a' \"b\"", "two\nlines", "Größe?"]
)
async def test_the_request_is_one_word_with_its_option_whatever_it_looks_like(
    openclaw: Openclaw, tmp_path: Path, request_: str
) -> None:
    assert await openclaw(prints(RUN)).ask(KEY, request_) == "Half past twelve."
    ((arguments, environment, folder, _),) = started(tmp_path)
    assert arguments == ["agent", "--local", "--json", f"--session-key={KEY}", f"--message={request_}"]
    assert (environment["OPENCLAW_STATE_DIR"], folder) == ("/the/state", "/")


async def test_the_main_conversation_is_named_as_every_release_knows_it(
    openclaw: Openclaw, tmp_path: Path
) -> None:
    await openclaw(prints(RUN)).ask(MAIN, "When?")
    assert started(tmp_path)[0][0] == ["agent", "--local", "--json", "--agent=main", "--message=When?"]


async def test_a_release_that_cannot_find_another_conversation_is_said_to_need_its_gateway(
    openclaw: Openclaw,
) -> None:
    command = openclaw("sys.exit(\"error: unknown option '--session-key=agent:main:x'\")")
    with pytest.raises(OpenClawRefusedError, match="start the gateway"):
        await command.ask(KEY, "When?")


@pytest.mark.parametrize(
    "output",
    [
        f"print('[model-fetch] {{'); {prints(RUN)}; print('{{\"level\": \"info\"}}'); print('{{done')",
        prints({"payloads": [{"text": "Half past"}, {"text": None}, {"text": "twelve."}]}),
        prints({"payloads": [{"text": "no", "isError": True}, {"text": "Half past twelve."}]}),
        f"sys.stderr.write('x' * 3_000_000); {prints(RUN)}",
        f"{prints(RUN)}; sys.stdout.flush(); subprocess.Popen(['/bin/sleep', '5'])",
        f"{prints(RUN)}; sys.stdout.flush(); subprocess.Popen(['/bin/sleep', '5'], start_new_session=True)",
    ],
)  # fmt: skip
async def test_what_is_printed_besides_and_left_running_does_no_harm(openclaw: Openclaw, output: str) -> None:
    async with asyncio.timeout(4):
        answer = await openclaw(output).ask(KEY, "When?")
    assert answer.split() == ["Half", "past", "twelve."]


async def test_half_a_character_costs_only_itself(openclaw: Openclaw) -> None:
    answer = await openclaw(prints({"payloads": [{"text": "Half past twelve \ud83d."}]})).ask(KEY, "When?")
    assert answer == "Half past twelve \ufffd."


async def test_of_a_very_long_answer_the_beginning_is_kept(openclaw: Openclaw) -> None:
    long = RUN | {"payloads": [{"text": "x" * (LONGEST_ANSWER + 1)}]}
    assert (
        await openclaw(prints(long)).ask(KEY, "When?") == "x" * LONGEST_ANSWER + " … (the rest is left out)"
    )


@pytest.mark.parametrize(
    "program",
    [
        "",
        "print('Half past twelve.')",
        f"{prints(RUN)}; sys.exit(1)",
        f"{prints(RUN)}; sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)",
        prints({"ok": False, "error": {"message": "secret detail"}}),
        prints(RUN | {"meta": {"aborted": True}}),
        prints(RUN | {"payloads": None}),
        prints(RUN | {"payloads": "Half past twelve."}),
        prints(RUN)[:-20] + "')",
        "print('{\"payloads\":' * 100_000)",
        "print('x' * 3_000_000)",
        "sys.stdout.buffer.write(b'{\\xff}')",
    ],
)
async def test_what_is_no_answer_is_a_failure_also_with_exit_code_0(openclaw: Openclaw, program: str) -> None:
    with pytest.raises(OpenClawFailedError) as failed:
        await openclaw(program).ask(KEY, "When?")
    assert "secret" not in str(failed.value)


async def test_no_words_are_no_answer(openclaw: Openclaw) -> None:
    with pytest.raises(OpenClawSilentError):
        await openclaw(prints({"payloads": []})).ask(KEY, "When?")


@pytest.mark.parametrize("request_", ["a\0b", "x" * 1_000_000])
async def test_a_question_that_no_command_can_take_is_refused_in_a_sentence(
    openclaw: Openclaw, request_: str
) -> None:
    with pytest.raises(OpenClawUnreachableError, match="start OpenClaw's gateway"):
        await openclaw(prints(RUN)).ask(KEY, request_)


async def test_no_command_is_said_to_be_no_gateway(tmp_path: Path) -> None:
    with pytest.raises(NothingListensError, match="or start it"):
        await OpenClawCommand("main", {"PATH": str(tmp_path)}).ask(KEY, "When?")


async def test_one_command_runs_at_a_time_whatever_the_conversation(
    openclaw: Openclaw, tmp_path: Path
) -> None:
    command = openclaw(
        "held = os.open(f'{folder}/held', os.O_CREAT | os.O_EXCL)\n"
        f"time.sleep(0.05); os.unlink(f'{{folder}}/held'); {prints(RUN)}"
    )
    assert (
        await asyncio.gather(*(command.ask(key, "When?") for key in (KEY, MAIN, "agent:main:x")))
        == ["Half past twelve."] * 3
    )


IGNORES_TERM = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.mark.parametrize("manners", ["", IGNORES_TERM])
async def test_cancelling_ends_the_command_with_all_that_it_has_started(
    openclaw: Openclaw, tmp_path: Path, tasks: Tasks, monkeypatch: pytest.MonkeyPatch, manners: str
) -> None:
    monkeypatch.setattr("services.voice_server.adapters.openclaw_cli._STOP_SECONDS", 0.2)
    command = openclaw(
        f"{manners}\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;'\n"
        f"    '{IGNORES_TERM}; print(flush=True); time.sleep(60)'], stdout=-1)\n"
        "child.stdout.readline()\n"
        "print(child.pid, file=open(f'{folder}/child', 'w'), flush=True)\n"
        "time.sleep(60)"
    )
    asking = tasks.start(command.ask(KEY, "When?"), name="asking")
    child = await has_begun(tmp_path, "child")
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    ((*_, pid),) = started(tmp_path)
    assert state(pid) is None
    await until(lambda: is_over(child))


async def test_the_command_is_asked_only_where_no_gateway_has_ever_been(
    openclaw: Openclaw, tmp_path: Path
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    told: list[str] = []
    async with scripted(Answer(503)) as peer, gateway_client() as http:
        agent = OpenClaw(http, lambda: (told[-1], None), "main", openclaw(prints(RUN)))
        told.append(nowhere)
        assert await agent.ask(KEY, "When?") == "Half past twelve."
        for address, kind in ((peer.url, OpenClawUnreachableError), (nowhere, NothingListensError)):
            told.append(address)
            with pytest.raises(kind):
                await agent.ask(KEY, "When?")
    assert len(started(tmp_path)) == 1


async def test_without_leave_no_command_is_asked() -> None:
    async with gateway_client() as http:
        agent = OpenClaw(http, lambda: (f"http://127.0.0.1:{free_port()}", None), "main")
        with pytest.raises(NothingListensError):
            await agent.ask(KEY, "When?")


async def test_a_command_that_takes_too_long_is_ended(openclaw: Openclaw, tmp_path: Path) -> None:
    command = openclaw("time.sleep(60)")
    async with gateway_client() as http:
        agent = OpenClaw(
            http, lambda: (f"http://127.0.0.1:{free_port()}", None), "main", command, patience_seconds=0.5
        )
        with pytest.raises(OpenClawSlowError):
            await agent.ask(KEY, "When?")
    assert [state(pid) for *_, pid in started(tmp_path)] == [None]
