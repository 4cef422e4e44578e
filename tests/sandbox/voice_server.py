"""The smallest voice server that can hold every conversation of the scripts; it has no defences at all."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from sandbox.app import Sandbox
from shared.tasks import Tasks

SESSION: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "instructions": "You are Ada.",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
            "turn_detection": {"type": "semantic_vad", "eagerness": "auto"},
        },
        "output": {"voice": "marin"},
    },
    "tools": [
        {
            "type": "function",
            "name": name,
            "description": name,
            "parameters": {"type": "object", "properties": {argument: {"type": "string"}}},
        }
        for name, argument in (("ask_openclaw", "request"), ("end_call", "reason"))
    ],
}

GREETING = {"instructions": 'Say exactly "Hi, this is Ada."', "metadata": {"purpose": "greeting"}}


class VoiceServer:
    """Accept every call, greet, ask the agent, hang up; keep all that came in.

    Attributes:
        webhook_answers: statuses to answer OpenAI's next webhooks with; afterwards 200.
        decides: what is done with a ringing call.
        twiml: the TwiML of every call; its content type and status beside it.
        webhooks: headers and body of OpenAI's webhooks.
        forms: full URL, form and signature of all that Twilio posted.
        frames: what the sidebands brought.
        closed: the codes they ended with.
    """

    def __init__(self, sandbox: Sandbox, http: ClientSession, tasks: Tasks) -> None:
        self.sandbox = sandbox
        self.url = ""
        self.session: dict[str, Any] = SESSION
        self.decides = "accept"
        self.webhook_answers: list[int] = []
        project = sandbox.world.settings.openai_project_id
        self.twiml = (
            f'<Response><Dial callerId="+14155550100" timeLimit="600">'
            f"<Sip>sip:{project}@sip.api.openai.com;transport=tls?X-Openclaw-Call=out_7f3a&amp;X-B=2</Sip>"
            "</Dial></Response>"
        )
        self.twiml_type, self.twiml_status = "text/xml", 200
        self.webhooks: list[tuple[dict[str, str], bytes]] = []
        self.forms: list[tuple[str, dict[str, str], str]] = []
        self.frames: list[dict[str, Any]] = []
        self.closed: list[int | None] = []
        self._http = http
        self._tasks = tasks
        self.app = web.Application()
        self.app.router.add_post("/webhook", self._webhook)
        self.app.router.add_post("/voice/{way}", self._voice)

    @property
    def events(self) -> list[dict[str, str]]:
        """The forms of status callbacks."""
        return [form for url, form, _ in self.forms if "/webhook" in url]

    def types(self) -> list[str]:
        """The types of the frames, in order of arrival."""
        return [frame["type"] for frame in self.frames]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The frames of one type."""
        return [frame for frame in self.frames if frame["type"] == kind]

    async def post(self, call_id: str, verb: str, body: Any = None) -> int:
        """Post to call control; the answer's status."""
        url = f"{self.sandbox.url}/v1/realtime/calls/{call_id}/{verb}"
        async with self._http.post(url, json=body, headers=self._key()) as response:
            return response.status

    async def attach(self, call_id: str) -> ClientWebSocketResponse:
        """Open a sideband."""
        url = f"{self.sandbox.url}/v1/realtime?call_id={call_id}"
        return await self._http.ws_connect(url, headers=self._key())

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.sandbox.world.settings.openai_api_key.get_secret_value()}"}

    async def _webhook(self, request: web.Request) -> web.Response:
        if "webhook-id" not in request.headers:
            return await self._posted(request)
        body = await request.read()
        self.webhooks.append((dict(request.headers), body))
        if self.webhook_answers and (status := self.webhook_answers.pop(0)) != 200:
            return web.Response(status=status, headers={"Location": "/elsewhere"})
        call_id = json.loads(body)["data"]["call_id"]
        self._tasks.start(self._decide(call_id), name="decide")
        return web.Response()

    async def _voice(self, request: web.Request) -> web.Response:
        await self._posted(request)
        return web.Response(text=self.twiml, content_type=self.twiml_type, status=self.twiml_status)

    async def _posted(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        url = self.url + request.raw_path
        self.forms.append((url, form, request.headers["X-Twilio-Signature"]))
        self.sandbox.world.watch.changed()
        return web.Response(status=204)

    async def _decide(self, call_id: str) -> None:
        if self.decides == "reject":
            await self.post(call_id, "reject", {"status_code": 486})
        elif self.decides == "accept" and await self.post(call_id, "accept", self.session) == 200:
            await self._talk(call_id)

    async def _talk(self, call_id: str) -> None:
        socket = await self.attach(call_id)
        await socket.send_json({"type": "response.create", "event_id": "ev_greet", "response": GREETING})
        ending: str | None = None
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            self.frames.append(frame)
            self.sandbox.world.watch.changed()
            if frame["type"] == "response.done":
                ending = await self._call_tools(socket, frame["response"]) or ending
            if frame["type"] == "output_audio_buffer.stopped" and frame["response_id"] == ending:
                await self.post(call_id, "hangup")
        self.closed.append(socket.close_code)
        self.sandbox.world.watch.changed()

    async def _call_tools(self, socket: ClientWebSocketResponse, response: dict[str, Any]) -> str | None:
        for item in response["output"]:
            if item["type"] == "function_call" and item["name"] == "end_call":
                return str(response["id"])
            if item["type"] == "function_call":
                answer = await self._ask(json.loads(item["arguments"])["request"])
                output = {"type": "function_call_output", "call_id": item["call_id"]}
                output["output"] = json.dumps({"ok": True, "answer": answer})
                await socket.send_json(
                    {"type": "conversation.item.create", "event_id": "ev_out", "item": output}
                )
                await socket.send_json({"type": "response.create", "event_id": "ev_resp"})
        return None

    async def _ask(self, question: str) -> str:
        token = self.sandbox.world.settings.openclaw_gateway_token.get_secret_value()
        async with self._http.post(
            f"{self.sandbox.url}/v1/chat/completions",
            json={"model": "openclaw", "messages": [{"role": "user", "content": question}]},
            headers={"Authorization": f"Bearer {token}", "x-openclaw-session-key": "agent:main:main"},
        ) as response:
            answer = await response.json()
        return str(answer["choices"][0]["message"]["content"])


@asynccontextmanager
async def voice_server_for(sandbox: Sandbox) -> AsyncIterator[VoiceServer]:
    """Serve a voice server and tell the sandbox where it is."""
    async with ClientSession() as http, Tasks() as tasks:
        server = VoiceServer(sandbox, http, tasks)
        runner = web.AppRunner(server.app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = sandbox.public_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield server
        finally:
            await runner.cleanup()
