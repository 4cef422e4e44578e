"""axe-core, which finds what keeps people from using a page: from npm, kept in a cache folder."""

import asyncio
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from dev.browser import Page

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
CACHE = Path(__file__).parents[2] / ".cache" / "axe-core"
INSTALL_SECONDS = 120

_SERIOUS = {"serious", "critical"}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']}).then(({violations}) =>
    violations.map(({id, impact, nodes}) => [impact, `${id}: ${nodes.map((one) => one.html).join(', ')}`]))"""


class NoAxeError(Exception):
    """npm did not bring axe-core, and it is not in the cache."""


def source(cache: Path = CACHE) -> str:
    """Give its code, from the cache or, once, from npm.

    Raises:
        NoAxeError: neither has it, or what npm brought is something else.
    """
    place = cache / f"{VERSION}.js"
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Beside its place and then moved there: what stands in the cache is complete, whoever was first.
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _install(Path(folder))
            (Path(folder) / "node_modules" / "axe-core" / "axe.min.js").rename(place)
    code = place.read_bytes()
    if (found := hashlib.sha256(code).hexdigest()) != SHA256:
        raise NoAxeError(f"{place} is not axe-core {VERSION}: its SHA-256 is {found}.")
    return code.decode()


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoAxeError("There is no axe-core here, and no npm to bring it: apt-get install npm.")
    wanted = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"axe-core@{VERSION}"]
    try:
        subprocess.run(wanted, timeout=INSTALL_SECONDS, capture_output=True, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise NoAxeError(f"There is no axe-core here, and npm does not bring it: {error}") from error


async def findings(page: Page, code: str) -> list[str]:
    """Tell what is seriously or critically wrong with a page as it is now."""
    await asyncio.to_thread(page.chrome.execute_script, code)
    found = await page.read(_RUN, _RULES)
    return [told for impact, told in found if impact in _SERIOUS]
