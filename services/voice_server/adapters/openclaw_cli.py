"""The agent asked through the command `openclaw`, where no gateway runs: slowly, but it answers.

The command's exit code 0 says nothing, it is the JSON it prints that counts.
"""

import asyncio
import json
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from pydantic import BaseModel, Field, ValidationError

from services.voice_server.adapters.openclaw_errors import (
    NothingListensError,
    OpenClawFailedError,
    OpenClawRefusedError,
    OpenClawUnreachableError,
)
from services.voice_server.adapters.openclaw_stream import as_kept
from shared.tasks import Tasks

log = structlog.get_logger()

_MOST_BYTES = 1_000_000
_STOP_SECONDS = 1
_LAST_WORDS_SECONDS = 0.5


class OpenClawCommand:
    """Ask the agent through its command, one question at a time: two at once, and one of them fails.

    Args:
        agent_id: which of the user's agents.
        environment: what the command gets; `PATH` says where it is, `OPENCLAW_STATE_DIR` whose agent it is.
    """

    def __init__(self, agent_id: str, environment: Mapping[str, str]) -> None:
        self._agent_id = agent_id
        self._environment = environment
        self._line = asyncio.Lock()

    async def ask(self, session_key: str, request: str) -> str:
        """Ask, and return the whole answer. Cancelling it ends the command and all that it has started.

        Raises:
            OpenClawError: there is no such command, or no answer.
        """
        command = shutil.which("openclaw", path=self._environment.get("PATH"))
        if command is None:
            raise NothingListensError
        async with self._line:
            output, complaints = bytearray(), bytearray()
            log.info("openclaw_command_used")
            try:
                status = await self._run(
                    [command, *self._arguments(session_key, request)], output, complaints
                )
            except (OSError, ValueError) as error:  # no program; too long a request, or one with a NUL
                raise OpenClawUnreachableError(
                    "The command openclaw cannot be run with this question: start OpenClaw's gateway."
                ) from error
        if b"unknown option" in complaints:
            raise OpenClawRefusedError(
                "Without its gateway this release of OpenClaw answers in its main conversation only: "
                "start the gateway."
            )
        return _answer(output.decode(errors="replace"), status)

    def _arguments(self, session_key: str, request: str) -> list[str]:
        # The first releases know no --session-key, and have another way to the main conversation alone.
        is_main = session_key == f"agent:{self._agent_id}:main"
        where = f"--agent={self._agent_id}" if is_main else f"--session-key={session_key}"
        # In one word with its option, a request that begins with a dash is no option itself.
        return ["agent", "--local", "--json", where, f"--message={request}"]

    async def _run(self, command: list[str], output: bytearray, complaints: bytearray) -> int:
        async with Tasks() as tasks, _pipe() as (out, to_out), _pipe() as (err, to_err):
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=DEVNULL,
                    stdout=to_out,
                    stderr=to_err,
                    env=self._environment,
                    cwd="/",  # OpenClaw reads a .env where it is started, and ours is none of its business
                    start_new_session=True,
                )
            finally:
                os.close(to_out)
                os.close(to_err)
            readers = [
                tasks.start(_read(out, output), name="openclaw_output"),
                tasks.start(_read(err, complaints), name="openclaw_complaints"),
            ]
            try:
                status = await process.wait()
                await asyncio.wait(readers, timeout=_LAST_WORDS_SECONDS)
            finally:
                if process.returncode is None:
                    await _end(process)
        return status


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    # Of a pipe of its own, asyncio waits for the end, and a program that was left running may keep it open.
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: protocol, os.fdopen(reading, "rb")
    )
    try:
        yield reader, writing
    finally:
        transport.close()


async def _read(stream: asyncio.StreamReader, into: bytearray) -> None:
    while data := await stream.read(65_536):
        into += data[: _MOST_BYTES - len(into)]


async def _end(process: Process) -> None:
    """End a process with its whole group, if need be by force."""
    try:
        _signal(process, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
    finally:
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


class _Payload(BaseModel):
    text: str | None = None
    is_error: bool = Field(default=False, alias="isError")


class _Meta(BaseModel):
    aborted: bool = False


class _Run(BaseModel):
    payloads: list[_Payload] | None = None
    meta: _Meta | None = None


def _answer(output: str, status: int) -> str:
    run = _Run()
    for said in _objects(output):
        with suppress(ValidationError):
            run = _Run.model_validate(said) if "payloads" in said else run
    if status != 0 or run.payloads is None or (run.meta and run.meta.aborted):
        raise OpenClawFailedError
    return as_kept(
        "\n\n".join(payload.text for payload in run.payloads if payload.text and not payload.is_error)
    )


def _objects(output: str) -> list[dict[str, Any]]:
    """Find the JSON objects among what else was printed."""
    found = []
    for start in re.finditer(r"^\{", output, re.MULTILINE):
        with suppress(ValueError, RecursionError):
            found.append(json.JSONDecoder().raw_decode(output, start.start())[0])
    return found
