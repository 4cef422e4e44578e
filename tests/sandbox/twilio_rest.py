"""Plain requests to Twilio's REST, with whatever fields a test likes."""

from typing import Any

from aiohttp import ClientSession

from tests.sandbox.voice_server import VoiceServer

OWN = "+14155550100"


class Rest:
    """Ask the account for what it has, and post forms to it; a slash in front leads to other parts."""

    def __init__(self, http: ClientSession, root: str, account: str) -> None:
        self._http, self._root = http, root
        self._base = f"{root}/2010-04-01/Accounts/{account}"

    async def post(self, path: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        pairs = [
            (name, one)
            for name, value in fields.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        async with self._http.post(self._url(path), data=pairs) as response:
            return response.status, await response.json()

    async def account(self) -> tuple[int, dict[str, Any]]:
        async with self._http.get(f"{self._base}.json") as response:
            return response.status, await response.json()

    async def get(self, path: str, **query: str) -> tuple[int, dict[str, Any]]:
        async with self._http.get(self._url(path), params=query) as response:
            return response.status, await response.json()

    async def delete(self, path: str) -> int:
        async with self._http.delete(self._url(path)) as response:
            return response.status

    def _url(self, path: str) -> str:
        return self._root + path if path.startswith("/") else f"{self._base}/{path}"


def form(voice_server: VoiceServer, to: str, **fields: Any) -> dict[str, Any]:
    """Fill in the form that creates a call; fields change it."""
    return {
        "To": to,
        "From": OWN,
        "Url": f"{voice_server.url}/voice/twiml?call=1",
        "StatusCallback": f"{voice_server.url}/webhook?call=1",
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        **fields,
    }
