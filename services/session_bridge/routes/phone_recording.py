"""`/phone/history/{id}/recording`: a call's recording, passed on from the voice server as it comes."""

from aiohttp import web
from pydantic import BaseModel, Field

from services.session_bridge.adapters.voice_server import Told, VoiceServerError
from services.session_bridge.keys import VOICE_SERVER
from services.session_bridge.routes.phone import PREFIX, PhoneCallPath
from shared.operation import operation

routes = web.RouteTableDef()

_WAV = "audio/wav"


class PhoneRecordingHeaders(BaseModel):
    """Which part of a recording is wanted (RFC 9110, section 14.2)."""

    range: str | None = Field(None, alias="Range")
    if_range: str | None = Field(None, alias="If-Range")


@routes.get(f"{PREFIX}/history/{{id}}/recording")
@operation({200: _WAV, 206: _WAV}, problems=(404, 416, 502, 503, 504))
async def phone_recording(
    request: web.Request, path: PhoneCallPath, headers: PhoneRecordingHeaders
) -> web.StreamResponse:
    """Play what was recorded of a call, or a part of it."""
    wanted = headers.model_dump(by_alias=True, exclude_none=True)
    async with request.app[VOICE_SERVER].recording(request.method, path.id, wanted) as played:
        if isinstance(played, Told):
            return web.Response(status=played.status, body=played.body, content_type=played.media_type)
        response = web.StreamResponse(status=played.status, headers=played.headers)
        response.content_type = played.media_type
        await response.prepare(request)
        try:
            async for piece in played.pieces:
                await response.write(piece)
        except ConnectionError:  # who listened has gone
            return response
        except VoiceServerError:
            # The status is sent; only a connection cut short says that the rest is missing.
            if request.transport:
                request.transport.abort()
            return response
        await response.write_eof()
        return response
