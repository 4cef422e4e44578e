"""`/`: the page, and under `/web/` what it is made of; read once, open to all, as nothing in it is private.

What the page shows it asks for itself, with the sign-in of its browser.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from shared.operation import OPEN, operation
from shared.problems import NotFoundError

_FOLDER = Path(__file__).parents[1] / "web"
_INDEX = "index.html"

_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_HEADERS: Mapping[str, str] = {
    # Nothing comes from elsewhere, goes elsewhere, or is made of text (https://www.w3.org/TR/CSP3/).
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # an upgrade is seen at once; what has not changed is not sent again
}


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str
    etag: str


def _read(path: Path) -> _File:
    content = path.read_bytes()
    return _File(content, _MEDIA_TYPES[path.suffix], sha256(content).hexdigest()[:16])


_FILES = {path.name: _read(path) for path in _FOLDER.iterdir() if path.suffix in _MEDIA_TYPES}


@operation({200: "text/html", 304: None}, security=OPEN, sends=tuple(_HEADERS))
async def show_page(request: web.Request) -> web.Response:
    """Show the page: who is on the line, what was said, and a form to place a call."""
    return _shown(request, _INDEX)


@operation({200: "*/*", 304: None}, problems=(404,), security=OPEN, sends=tuple(_HEADERS))
async def show_file(request: web.Request) -> web.Response:
    """Show one of the files that the page is made of."""
    return _shown(request, request.match_info["file"])


def _shown(request: web.Request, name: str) -> web.Response:
    file = _FILES.get(name)
    if file is None:
        raise NotFoundError("The page has no such file.")
    seen = any(tag.value in {file.etag, "*"} for tag in request.if_none_match or ())
    response = web.Response(status=304, headers=_HEADERS)
    if not seen:
        response = web.Response(
            body=file.content, content_type=file.media_type, charset="utf-8", headers=_HEADERS
        )
    response.etag = file.etag
    return response
