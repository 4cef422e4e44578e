"""Lists as Twilio's REST answers them: everything on one page."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web


def page(request: web.Request, name: str, found: Sequence[Any]) -> dict[str, Any]:
    """Answer a list as `api.twilio.com` does."""
    span = {"page": 0, "page_size": 50, "start": 0, "end": max(0, len(found) - 1), "uri": request.path_qs}
    links = {"first_page_uri": request.path_qs, "next_page_uri": None, "previous_page_uri": None}
    return {name: found, **links, **span}


def page_with_meta(request: web.Request, name: str, found: Sequence[Any]) -> dict[str, Any]:
    """Answer a list as Twilio's other hosts do."""
    url = str(request.url)
    links = {"url": url, "first_page_url": url, "next_page_url": None, "previous_page_url": None}
    return {name: found, "meta": {"page": 0, "page_size": 50, "key": name, **links}}
