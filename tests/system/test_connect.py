"""`connect` and `smoke`, as their user runs them."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dev.stack import ROOT
from tests.system.conftest import Stack, a_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")

THEIRS = {"phone_number": "+14155550199", "voice_url": "https://theirs.example.com", "sid": "PN" + "9" * 32}
PBX = {"originations": [{"sip_url": "sip:me@pbx.example.com"}], "sid": "TK" + "9" * 32}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with a_stack(tmp_path_factory.mktemp("connect"), 8) as one:
        yield one


async def accounts(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = await stack.get(f"{stack.sandbox_url}/sandbox/accounts")
    return found


async def set_up(stack: Stack, **changed: Any) -> dict[str, Any]:
    async with stack.http.patch(f"{stack.sandbox_url}/sandbox/accounts", json=changed) as answer:
        assert answer.status == 200, await answer.text()
    return await accounts(stack)


async def run(stack: Stack, folder: Path, *words: str, **changed: str) -> tuple[int, str]:
    """Run a command of the voice server by the settings of the stack; its exit status and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.voice_server", *words),
        env=stack.environment(**{"PYTHONPATH": str(ROOT), "DATA_DIR": str(folder), **changed}),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


@pytest.mark.parametrize("way", ["--webhook", "--trunk"])
@pytest.mark.parametrize(
    "ours",
    [
        {"trunk_sid": None, "voice_url": "https://demo.twilio.com/welcome", "status_callback": ""},
        {
            "trunk_sid": None,
            "voice_application_sid": "AP" + "1" * 32,
            "voice_url": "https://demo.twilio.com/welcome",
            "status_callback": "",
        },
        {"trunk_sid": PBX["sid"]},
    ],
    ids=["fresh", "application", "elsewhere"],
)
async def test_a_number_is_connected_once_and_put_back_and_no_other_is_touched(
    stack: Stack, tmp_path: Path, way: str, ours: dict[str, Any]
) -> None:
    before = await set_up(stack, numbers=[ours, THEIRS], trunks=[PBX])
    status, told = await run(stack, tmp_path, "connect", way)
    assert (status, await accounts(stack)) == (1, before), "nothing is changed unasked"
    assert "To change:" in told
    status, told = await run(stack, tmp_path, "connect", way, "--yes")
    assert (status, "Connected." in told) == (0, True), told
    after = await accounts(stack)
    assert after["numbers"][0] != before["numbers"][0]
    assert (after["numbers"][1], after["trunks"][0]) == (before["numbers"][1], before["trunks"][0])
    status, told = await run(stack, tmp_path, "connect", way)
    assert (status, "nothing is to change" in told, await accounts(stack)) == (0, True, after), told
    status, told = await run(stack, tmp_path, "connect", "--undo", "--yes")
    assert (status, await accounts(stack)) == (0, before), told
    status, told = await run(stack, tmp_path, "connect", "--undo", "--yes")
    assert (status, "nothing to undo" in told) == (1, True)


async def test_openais_webhook_is_made_where_there_is_none_and_its_secret_shown(
    stack: Stack, tmp_path: Path
) -> None:
    await set_up(stack, numbers=[{}], trunks=[{}], webhook_endpoints=[])
    status, told = await run(stack, tmp_path, "connect", "--trunk", "--yes", OPENAI_WEBHOOK_SECRET="")
    assert status == 0, told
    [made] = (await accounts(stack))["webhook_endpoints"]
    assert made["event_types"] == ["realtime.call.incoming"]
    assert f"OPENAI_WEBHOOK_SECRET={made['secret']}" in told


async def test_what_cannot_be_connected_says_why(stack: Stack, tmp_path: Path) -> None:
    await set_up(stack, numbers=[THEIRS], trunks=[], webhook_endpoints=[{}])
    status, told = await run(stack, tmp_path, "connect", "--yes")
    assert (status, "is not a number of this account" in told) == (1, True)
    status, told = await run(stack, tmp_path, "connect", "--sideways")
    assert (status, "--webhook | --trunk" in told) == (2, True)


async def test_one_call_to_the_owner_is_followed_into_openclaw(stack: Stack, tmp_path: Path) -> None:
    await set_up(stack, numbers=[{}], trunks=[{}], webhook_endpoints=[{}])
    status, told = await run(stack, tmp_path, "smoke", OWNER_NUMBERS="+14155550123")
    assert status == 0, told
    assert "You: What's on my calendar today?" in told
    assert re.search(r"is in OpenClaw: [78] turns in agent:main:main", told)


@pytest.mark.parametrize(
    ("owners", "words"), [("+14155550104", "came to nothing: busy"), ("", "set OWNER_NUMBERS")]
)
async def test_a_call_that_comes_to_nothing_says_so(
    stack: Stack, tmp_path: Path, owners: str, words: str
) -> None:
    status, told = await run(stack, tmp_path, "smoke", OWNER_NUMBERS=owners)
    assert (status, words in told) == (1, True), told
