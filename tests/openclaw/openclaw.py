"""An OpenClaw of a release, with a state folder, a home and ports of its own."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.openclaw.install import Installed
from tests.session_bridge.waiting import until

START_SECONDS = 120
TURN_SECONDS = 120
STOP_SECONDS = 20
TOKEN = "token-of-the-test"

_NO_COST = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}


class TurnFailedError(Exception):
    """OpenClaw did not answer what was typed."""


class OpenClaw:
    """A person's OpenClaw; the gateway runs inside `running`, other commands whenever.

    Args:
        release: which one.
        root: a folder for all it keeps.
        model_url: where its model answers.
    """

    def __init__(self, release: Installed, root: Path, model_url: str) -> None:
        self.release = release
        self.state_dir = root / ".openclaw"
        self.port = free_port()
        self.log = root / "gateway.log"
        self._root = root
        self._process: asyncio.subprocess.Process | None = None
        self.state_dir.mkdir(parents=True, mode=0o700)
        self._config = _config(self.port, model_url, root / "workspace")
        self.configure()

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return f"http://127.0.0.1:{self.port}"

    def configure(self, **sections: Any) -> None:
        """Write `openclaw.json`, with these sections besides what it needs to run."""
        config = self.state_dir / "openclaw.json"
        config.write_bytes(orjson.dumps(self._config | sections))
        config.chmod(0o600)

    @property
    def environment(self) -> dict[str, str]:
        """What its processes get; the key lets newer releases take part in a voice session."""
        return {
            "PATH": self.release.path,
            "HOME": str(self._root),
            "OPENCLAW_STATE_DIR": str(self.state_dir),
            "OPENAI_API_KEY": "sk-never-used",
            "TMPDIR": str(self._root),
            "NODE_COMPILE_CACHE": str(self.release.folder / "compiled"),
            "NO_COLOR": "1",
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the gateway for the length of the block."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        """Start the gateway, and wait until it takes requests."""
        with self.log.open("ab") as log:
            command = [*self.release.command, "gateway", "run", "--port", str(self.port)]
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env=self.environment,
                cwd=self._root,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            await until(self._is_ready, START_SECONDS)
        except BaseException:
            await self.stop()
            raise

    async def kill(self) -> None:
        """End the gateway at this very instruction: asked to stop, a newer one finishes its answers first."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)  # of an older one, the command is not the gateway itself
        await self._process.wait()

    async def stop(self) -> None:
        """Ask the gateway to end, and wait until it has."""
        assert self._process is not None
        await stop(self._process)

    async def turn(self, key: str, text: str) -> str:
        """Type something into a conversation of the running gateway; the agent's answer.

        Raises:
            TurnFailedError: there is none.
        """
        message = {"role": "user", "content": text}
        status, answer = await self._complete({"x-openclaw-session-key": key}, [message])
        if status != 200:
            raise TurnFailedError(f"{status}: {answer.decode()}")
        content: str = orjson.loads(answer)["choices"][0]["message"]["content"]
        return content

    async def local_turn(self, text: str) -> str:
        """Type something into the main conversation while no gateway runs; the agent's answer.

        Raises:
            TurnFailedError: there is none.
        """
        return await self.run("agent", "--local", "--agent", "main", "--message", text, "--json")

    async def run(self, *arguments: str) -> str:
        """Run an `openclaw` command; what it prints.

        Raises:
            TurnFailedError: it failed.
        """
        process = await asyncio.create_subprocess_exec(
            *self.release.command,
            *arguments,
            env=self.environment,
            cwd=self._root,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TURN_SECONDS):
                out, complaint = await process.communicate()
        finally:
            await stop(process)
        if process.returncode != 0:
            raise TurnFailedError(complaint.decode())
        return out.decode()

    async def _is_ready(self) -> bool:
        # A request without a message is refused, and only once the gateway takes requests.
        assert self._process is not None
        assert self._process.returncode is None, self.log.read_text()
        try:
            status, _ = await self._complete({}, [])
        except aiohttp.ClientError:
            return False
        return status == 400

    async def _complete(self, headers: dict[str, str], messages: list[Any]) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {TOKEN}", "x-openclaw-agent-id": "main"} | headers
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(TURN_SECONDS)) as http,
            http.post(
                f"{self.url}/v1/chat/completions",
                json={"model": "openclaw", "messages": messages},
                headers=headers,
            ) as response,
        ):
            return response.status, await response.read()


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end; after too long, end it."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _config(port: int, model_url: str, workspace: Path) -> dict[str, Any]:
    model = {
        "id": "stand-in",
        "name": "stand-in",
        "reasoning": False,
        "input": ["text"],
        "cost": _NO_COST,
        "contextWindow": 200_000,
        "maxTokens": 4096,
    }
    provider = {"baseUrl": model_url, "apiKey": "sk-any", "api": "openai-completions", "models": [model]}
    return {
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": TOKEN},
            "http": {"endpoints": {"chatCompletions": {"enabled": True}}},
        },
        "models": {"mode": "replace", "providers": {"fake": provider}},
        "agents": {
            "defaults": {
                "model": {"primary": "fake/stand-in"},
                "workspace": str(workspace),
                "skipBootstrap": True,
                "heartbeat": {"every": "0m"},
            }
        },
    }
