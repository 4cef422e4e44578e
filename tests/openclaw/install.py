"""Real OpenClaw releases, each with the Node it needs, both from npm, kept in a cache folder.

A release is installed beside its place and then moved there: what stands in the cache is complete.
`python -m tests.openclaw.install 2026.7.35 newest` sees to it that these are there and prints their versions.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

CACHE = Path(__file__).parents[2] / ".cache" / "openclaw"
NEWEST_KNOWN = "2026.9.6"
NODE = {"2026.2.2": "22"}
NODE_OF_THE_OTHERS = "24"
ASK_SECONDS = 30
INSTALL_SECONDS = 900

_OVERRIDES = {"libsignal": "2.0.1"}
"""2026.2.2 wants this one by git, from where nothing else comes; only WhatsApp uses it."""


class CannotInstallError(Exception):
    """npm did not install a release that is not in the cache."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A release on disk."""

    version: str
    folder: Path

    @property
    def dist(self) -> Path:
        """The folder of its bundles."""
        return self.folder / "node_modules" / "openclaw" / "dist"

    @property
    def node(self) -> str:
        """Its Node."""
        return str(self.folder / "node_modules" / "node" / "bin" / "node")

    @property
    def path(self) -> str:
        """The PATH on which `openclaw` is this release, and `node` its Node."""
        modules = self.folder / "node_modules"
        return os.pathsep.join((str(modules / ".bin"), str(modules / "node" / "bin"), os.defpath))

    @property
    def command(self) -> list[str]:
        """The command `openclaw`, without a search for it."""
        return [self.node, str(self.dist.with_name("openclaw.mjs"))]


def main() -> None:
    """Install what the arguments name; stdout gets the versions, stderr what is done or went wrong."""
    versions = dict.fromkeys(newest() if wanted == "newest" else wanted for wanted in sys.argv[1:])
    try:
        for version in versions:
            install(version)
    except CannotInstallError as error:
        sys.exit(f"Real OpenClaw releases cannot be tested here. {error}")
    sys.stdout.write(" ".join(versions) + "\n")


def newest() -> str:
    """Ask npm for its latest release; the newest one known here when npm cannot be asked."""
    try:
        answer = _npm(["view", "openclaw", "version"], Path.cwd(), seconds=ASK_SECONDS)
    except CannotInstallError:
        return NEWEST_KNOWN
    return answer.strip() or NEWEST_KNOWN


def install(version: str, cache: Path = CACHE) -> Installed:
    """Give a release, from the cache or, once, from npm.

    Raises:
        CannotInstallError: it is not in the cache, and npm did not bring it.
    """
    place = cache / version
    if not place.exists():
        sys.stderr.write(f"Installing OpenClaw {version} from npm\n")
        unfinished = cache / f"{version}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        package = {"name": "openclaw-under-test", "private": True, "overrides": _OVERRIDES}
        (unfinished / "package.json").write_bytes(orjson.dumps(package))
        for wanted in (f"node@{NODE.get(version, NODE_OF_THE_OTHERS)}", f"openclaw@{version}"):
            _npm(["install", "--no-audit", "--no-fund", wanted], unfinished, seconds=INSTALL_SECONDS)
        unfinished.rename(place)
    return Installed(version, place)


def _npm(arguments: list[str], folder: Path, *, seconds: float) -> str:
    """Run npm under the machine's own Node; what it starts finds the Node installed in the folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotInstallError("There is no npm here: install it (apt-get install npm).")
    environment = _environment(folder / "node_modules" / "node" / "bin")
    try:
        done = subprocess.run(
            [node, str(Path(npm).resolve()), *arguments],
            cwd=folder,
            env=environment,
            timeout=seconds,
            capture_output=True,
            text=True,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotInstallError(f"npm {' '.join(arguments)}: no end after {seconds:.0f} s.") from error
    except subprocess.CalledProcessError as error:
        last = "\n".join(error.stderr.splitlines()[-12:])
        raise CannotInstallError(
            f"npm {' '.join(arguments)} failed, and it is not in {CACHE}.\n{last}"
        ) from error
    return done.stdout


def _environment(node: Path) -> Mapping[str, str]:
    inherited = dict(os.environ)  # noqa: TID251 - npm's own settings: its registry, a proxy, certificates
    return inherited | {"PATH": os.pathsep.join((str(node), inherited.get("PATH", os.defpath)))}


if __name__ == "__main__":
    main()
