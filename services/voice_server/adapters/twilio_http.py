"""Twilio's own client over our connections: with a real timeout, and without repeating anything by itself."""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from twilio.base.exceptions import TwilioException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

_OWN = ".twilio.com"


class NeverSentError(TwilioException):
    """No connection was made, so nothing can have happened."""


class NoAnswerError(TwilioException):
    """The request was sent, and no answer came."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How we show Twilio who we are: the auth token, or an API key of the account."""

    account_sid: str
    username: str
    password: str


def client(
    http: aiohttp.ClientSession,
    credentials: Credentials,
    base_url: str,
    timeout_seconds: float,
    is_answer: Callable[[Any], bool] = lambda _: True,
) -> Client:
    """Make Twilio's client.

    Args:
        http: the client to use; it must not limit connections.
        credentials: how we show who we are.
        base_url: of Twilio's main API, in whichever region; or of a stand-in that plays all its hosts.
        timeout_seconds: how long one request may take.
        is_answer: tells from its JSON whether a good answer is one; else there was none.
    """
    return Client(
        credentials.username,
        credentials.password,
        account_sid=credentials.account_sid,
        http_client=_Http(http, base_url, timeout_seconds, is_answer),
    )


def where(url: str, base_url: str) -> str:
    """Tell where a request goes that Twilio's client would send to one of its hosts."""
    asked, base = urlsplit(url), urlsplit(base_url)
    if not (base.hostname or "").endswith(_OWN):
        return base_url + url[url.index(asked.path, len("https://")) :]
    product = (asked.hostname or "").partition(".")[0]
    return url.replace(asked.netloc, base.netloc.replace("api.", f"{product}.", 1), 1)


class _Http(AsyncHttpClient):
    """Sends what Twilio's client says, and tells what was never sent from what was never answered."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        timeout_seconds: float,
        is_answer: Callable[[Any], bool],
    ) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=True, timeout=timeout_seconds)
        self._http = http
        self._base_url = base_url
        self._takes = is_answer

    async def request(  # type: ignore[override]  # twilio declares its async client as a sync one
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is twilio's
        allow_redirects: bool = False,
    ) -> Response:
        sent = dict(headers or {})
        if auth:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        target = where(url, self._base_url)
        limit = aiohttp.ClientTimeout(total=timeout or self.timeout)
        try:
            async with self._http.request(
                method,
                target,
                params=params,
                data=data,
                headers=sent,
                timeout=limit,
                allow_redirects=allow_redirects,
            ) as answer:
                text = await answer.text(errors="replace")
                if answer.status in {200, 201} and not self._is_answer(text):
                    raise NoAnswerError("the answer is of another form")
                return Response(answer.status, text, answer.headers)
        except aiohttp.ClientConnectorError as error:
            raise NeverSentError(str(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswerError(type(error).__name__) from error

    def _is_answer(self, text: str) -> bool:
        try:
            return self._takes(orjson.loads(text))
        except orjson.JSONDecodeError:
            return False
