"""A headless Chromium, and a page in it as people meet it: by role and name, waiting for what is to come."""

import asyncio
import json
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import which
from typing import Any, Literal

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

WITHIN_SECONDS = 45
LOOK_SECONDS = 0.02

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--window-size=1280,900", "--hide-scrollbars"),
)
LOGS = {"browser": "ALL", "performance": "ALL"}

_OURS = ("about:", "blob:", "data:")
_NO_LIMIT = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


class NoBrowserError(Exception):
    """There is no Chromium here: apt-get install --no-install-recommends chromium chromium-driver."""


class NotSeenError(AssertionError):
    """What was waited for is not to be seen."""


def programs() -> tuple[str, str]:
    """Find Chromium and its driver.

    Raises:
        NoBrowserError: it is not installed.
    """
    browser, driver = which("chromium"), which("chromedriver")
    if browser is None or driver is None:
        raise NoBrowserError(NoBrowserError.__doc__)
    return browser, driver


@contextmanager
def chromium() -> Iterator[Chrome]:
    """Run a Chromium with a profile of its own, which is gone at the end of the block.

    Raises:
        NoBrowserError: it is not installed.
    """
    browser, driver = programs()
    options = ChromeOptions()
    options.binary_location = browser
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", LOGS)
    # With its path given, nothing is looked for on the net.
    chrome = Chrome(options, Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


class Page:
    """What is shown at an address, to somebody who has never been there.

    Whatever is looked for is waited for.

    Attributes:
        pardoned: words of complaints that are no fault, since whoever uses the page has provoked them.
    """

    def __init__(self, chrome: Chrome, url: str) -> None:
        """Begin with a browser that knows nothing of earlier pages."""
        self.url = url
        self.pardoned: list[str] = []
        self.chrome = chrome

    async def open(self) -> None:
        """Come with an empty browser, on a wide screen."""
        await asyncio.to_thread(self.chrome.get, "about:blank")
        await self.devtools("Network.clearBrowserCookies")
        await self.devtools("Network.clearBrowserCache")
        await self.devtools("Emulation.clearDeviceMetricsOverride")
        await self.online()
        await self.colours("light")
        await self.complaints()
        await asyncio.to_thread(self.chrome.get, self.url)

    async def reload(self) -> None:
        """Load it again, as its user would."""
        await asyncio.to_thread(self.chrome.refresh)

    async def devtools(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol; what it answers."""
        answer: dict[str, Any] = await asyncio.to_thread(self.chrome.execute_cdp_cmd, command, arguments)
        return answer

    async def read(self, script: str, *arguments: Any) -> Any:
        """Evaluate an expression in the page; `arguments` are there under that name."""
        return await asyncio.to_thread(self.chrome.execute_script, f"return ({script})", *arguments)

    async def until(
        self, script: str, *arguments: Any, wanted: Any = ..., within: float = WITHIN_SECONDS
    ) -> Any:
        """Wait until an expression is true, or just what is wanted; its value.

        Raises:
            NotSeenError: it has not become so in time; the message tells what it was last.
        """
        return await _until(
            lambda: self._look(script, arguments),
            lambda seen: bool(seen) if wanted is ... else bool(seen == wanted),
            within,
            f"{script} {list(arguments)}" + ("" if wanted is ... else f"\nwanted: {wanted}"),
        )

    async def find(self, role: str, name: str, within: str = "html") -> WebElement:
        """Find the one thing of this role and name, as a screen reader has them, in what a selector finds.

        Raises:
            NotSeenError: there is none, or more than one.
        """
        found: list[WebElement] = await _until(
            lambda: self._by_name(role, name, within),
            lambda seen: len(seen) == 1,
            WITHIN_SECONDS,
            f"one {role} {name!r} in {within}",
        )
        return found[0]

    async def there_is(self, role: str, name: str, within: str = "html") -> bool:
        """Tell whether there is such a thing now."""
        return bool(await self._by_name(role, name, within))

    async def click(self, role: str, name: str, within: str = "html") -> None:
        """Click on something."""
        element = await self.find(role, name, within)
        await asyncio.to_thread(element.click)

    async def click_at(self, selector: str) -> None:
        """Click on what a selector finds first."""
        element = await self.until("document.querySelector(arguments[0])", selector)
        await asyncio.to_thread(element.click)

    async def fill(self, name: str, text: str, role: str = "textbox", within: str = "html") -> None:
        """Type into a field that has this name, instead of what is in it."""
        element = await self.find(role, name, within)
        await asyncio.to_thread(element.clear)
        await asyncio.to_thread(element.send_keys, text)

    async def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        await asyncio.to_thread(ActionChains(self.chrome, duration=0).send_keys(*keys).perform)

    async def focus(self) -> tuple[str, str]:
        """Tell the role and name of what has the focus."""
        element = await asyncio.to_thread(lambda: self.chrome.switch_to.active_element)
        role = await asyncio.to_thread(lambda: element.aria_role)
        return role, await asyncio.to_thread(lambda: element.accessible_name)

    async def offline(self) -> None:
        """Lose the network."""
        await self.devtools("Network.emulateNetworkConditions", offline=True, **_NO_LIMIT)

    async def online(self) -> None:
        """Have a network again."""
        await self.devtools("Network.emulateNetworkConditions", offline=False, **_NO_LIMIT)

    async def screen(self, width: int, height: int, *, scale: float = 1, mobile: bool = False) -> None:
        """Show the page on a screen of this size in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile}
        await self.devtools("Emulation.setDeviceMetricsOverride", **size)

    async def colours(self, scheme: Literal["light", "dark"]) -> None:
        """Prefer light or dark colours."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.devtools("Emulation.setEmulatedMedia", features=[feature])

    async def picture(self) -> bytes:
        """Take a picture of what is on the screen: a PNG."""
        return b64decode((await self.devtools("Page.captureScreenshot"))["data"])

    async def complaints(self) -> list[str]:
        """Tell what is not as it should be since this was last asked.

        That is what the browser complains about (errors, breaches of the page's policy), and whatever was
        asked of anybody but the page's own server.
        """
        console, network = await asyncio.to_thread(lambda: [self._log(name) for name in LOGS])
        told = [f"{entry['level']} {entry['source']}: {entry['message']}" for entry in console]
        asked = (json.loads(entry["message"])["message"] for entry in network)
        urls = [
            one["params"]["request"]["url"] for one in asked if one["method"] == "Network.requestWillBeSent"
        ]
        foreign = [f"asked elsewhere: {url}" for url in urls if not url.startswith((self.url, *_OURS))]
        return [one for one in told if not any(words in one for words in self.pardoned)] + foreign

    async def _look(self, script: str, arguments: tuple[Any, ...]) -> Any:
        try:
            return await self.read(script, *arguments)
        except WebDriverException as error:
            return _NotYet(error.msg)  # what is looked at is not there, or the page is being loaded

    async def _by_name(self, role: str, name: str, within: str) -> list[WebElement]:
        return await asyncio.to_thread(self._accessible, role, name, within)

    def _accessible(self, role: str, name: str, within: str) -> list[WebElement]:
        ask = self.chrome.execute_cdp_cmd
        try:
            root = ask("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
            part = ask("DOM.querySelector", {"nodeId": root, "selector": within})
            nodes = ask("Accessibility.queryAXTree", {**part, "role": role, "accessibleName": name})["nodes"]
            ids = [node["backendDOMNodeId"] for node in nodes if not node["ignored"]]
            return [self._element(backend_id) for backend_id in ids]
        except WebDriverException:
            return []  # the page is being loaded, or what has been found is gone

    def _log(self, name: str) -> list[dict[str, Any]]:
        return list(self.chrome.get_log(name))  # type: ignore[no-untyped-call]

    def _element(self, backend_id: int) -> WebElement:
        """Make one known to the driver, which knows nothing of what DevTools has found."""
        found = self.chrome.execute_cdp_cmd("DOM.resolveNode", {"backendNodeId": backend_id})["object"]
        keep = {"objectId": found["objectId"], "functionDeclaration": "function() { window.found = this; }"}
        self.chrome.execute_cdp_cmd("Runtime.callFunctionOn", keep)
        element: WebElement = self.chrome.execute_script("return window.found")
        return element


class _NotYet(str):
    """Why nothing could be seen."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


async def _until(look: Callable[[], Any], enough: Callable[[Any], bool], within: float, what: str) -> Any:
    deadline = time.monotonic() + within
    while True:
        seen = await look()
        if enough(seen):
            return seen
        if time.monotonic() > deadline:
            raise NotSeenError(f"Not seen within {within} s: {what}\nseen last: {seen}")
        await asyncio.sleep(LOOK_SECONDS)
