"""After `forget` nothing of a person is found in the folder of the data, however one looks."""

from pathlib import Path

import aiohttp
import pytest

from dev.programs import OWNER, Ports
from dev.stack import Program
from sandbox.settings import SandboxSettings
from tests.system.conftest import Stack, a_stack

STAYS = "+14155550102"
"""Somebody else, who is not forgotten. Their script is another."""

SAID = ("calendar", "half past twelve", "dentist")
ENDLESS = "+14155550106"


def traces(folder: Path, *words: str) -> list[str]:
    """Look for words in every byte of every file: pages in use, free pages, the log and its index."""
    files = {file: file.read_bytes().lower() for file in folder.rglob("*") if file.is_file()}
    return [
        f"{word} in {file.name}"
        for file, content in files.items()
        for word in words
        for form in (word.encode(), word.encode().hex().encode())
        if form in content
    ]


def kept_apart(programs: list[Program]) -> None:
    """Keep the data where OpenClaw's, which is not ours to forget, is not."""
    for program in programs:
        place = {"DATA_DIR": f"{program.folder}/kept", "OWNER_NUMBERS": f"{OWNER},{STAYS}"}
        program.environment = {**program.environment, **place}


async def talked(stack: Stack) -> list[str]:
    """Have two calls, with the one who is to be forgotten, and with another; their ids."""
    calls = [await stack.call(OWNER), await stack.call(STAYS)]
    for call_id in calls:
        await stack.until_synced(call_id)
    return calls


@pytest.mark.parametrize("services", ["running", "stopped", "killed"])
async def test_neither_number_nor_words_are_left_on_the_disk(tmp_path: Path, services: str) -> None:
    async with a_stack(tmp_path, 8, kept_apart) as stack:
        kept = tmp_path / "kept"
        gone, stays = await talked(stack)
        ours, theirs = await stack.turns(gone), await stack.turns(stays)
        words = [OWNER.lower(), *SAID]
        assert {trace.partition(" in ")[0] for trace in traces(kept, *words)} == set(words)
        for program in (stack.voice, stack.bridge) if services != "running" else ():
            assert program.process
            if services == "killed":
                program.process.kill()
                await program.process.wait()
            await program.stop()

        status, told, complaint = await stack.command("forget", OWNER, "--yes")
        assert (status, complaint) == (0, "")
        assert "1 call in the voice server, 1 call in the session bridge" in told
        assert "OpenClaw has what was said in agent:main:main" in told
        assert f"Twilio's log has {gone}" in told
        assert traces(kept, *words, gone.lower()) == []

        for program in (stack.bridge, stack.voice) if services != "running" else ():
            await program.start()
        assert ours != theirs
        assert await stack.turns(stays) == theirs
        assert [one["call_id"] for one in (await stack.get(f"{stack.voice.url}/history"))["calls"]] == [stays]
        sessions = (await stack.get(f"{stack.bridge.url}/sessions"))["sessions"]
        assert [one["callId"] for one in sessions] == [stays]
        again = await stack.command("forget", OWNER, "--yes")
        assert again[0] == 0
        assert "0 calls in the voice server, 0 calls in the session bridge" in again[1]


async def test_whoever_is_on_the_line_is_not_forgotten_until_the_call_is_over(tmp_path: Path) -> None:
    async with a_stack(tmp_path, 8, kept_apart) as stack:
        call_id = await stack.call(ENDLESS)
        await stack.until_said(call_id, 2)
        status, told, complaint = await stack.command("forget", ENDLESS, "--yes")
        assert (status, told) == (1, "")
        assert f"The call {call_id} with this person is not over. End it (DELETE /call/{call_id}" in complaint
        await stack.until_said(call_id, 4)
        async with stack.http.delete(f"{stack.voice.url}/call/{call_id}") as answer:
            assert answer.status == 200
        await stack.until_synced(call_id)
        assert (await stack.command("forget", ENDLESS, "--yes"))[0] == 0
        assert traces(tmp_path / "kept", ENDLESS) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((OWNER,), "Nothing was done; without a terminal say --yes."),
        (("0123", "--yes"), "not a phone number"),
        ((OWNER, "--yes"), "The voice server does not answer at"),
    ],
)
async def test_what_keeps_it_from_forgetting_is_said(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    settings = SandboxSettings(port=1)
    nobody = Program(
        "nobody", ("-m", "services.voice_server"), "", {"VOICE_SERVER_URL": "http://127.0.0.1:9"}
    )
    async with aiohttp.ClientSession() as http:
        stack = Stack(http, tmp_path, nobody, nobody, settings, Ports())
        status, told, complaint = await stack.command("forget", *arguments)
    assert (status, told) == (1 if "answer" in why else 2, "")
    assert why in complaint
    assert traces(tmp_path, "") == [], "not even an empty file"
