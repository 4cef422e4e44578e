"""One gateway per release, and one bridge beside it, for all tests; each test has people of its own."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from xdist.scheduler import LoadScopeScheduling

from services.session_bridge.domain.release import SQLITE, parse
from tests.openclaw.bridge import Bridge
from tests.openclaw.install import NEWEST_KNOWN, Installed, install
from tests.openclaw.model import Model, serving
from tests.openclaw.openclaw import OpenClaw
from tests.openclaw.person import Person

Meet = Callable[..., Person]

SHARED = "-shared"
"""Ends the release in the id of a test that has the gateway of all tests."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--releases", default=NEWEST_KNOWN, help="versions of OpenClaw, space separated")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "releases(are=): a test for releases that are so, a function of one")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that wants a release once with each that it is for."""
    marker = metafunc.definition.get_closest_marker("releases")
    versions = [
        version
        for version in metafunc.config.getoption("--releases").split()
        if marker is None or marker.kwargs["are"](parse(version) or SQLITE)
    ]
    with_files = [version for version in versions if (parse(version) or SQLITE) < SQLITE]
    suffix = SHARED if "openclaw" in metafunc.fixturenames else ""
    for fixture, chosen in (("release", versions), ("files_release", with_files)):
        if fixture in metafunc.fixturenames:
            ids = [version + suffix for version in chosen]
            metafunc.parametrize(fixture, chosen, indirect=True, scope="session", ids=ids)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Keep the tests that share a release's gateway in one process: it takes long to start."""
    releases: list[str] = config.getoption("--releases").split()

    class BySharedGateway(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
        def _split_scope(self, nodeid: str) -> str:
            return next((release for release in releases if release + SHARED in nodeid), nodeid)

    return BySharedGateway(config, log)


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> Installed:
    """Give an installed release."""
    return install(request.param)


@pytest.fixture(scope="session")
def files_release(request: pytest.FixtureRequest) -> Installed:
    """Give an installed release that keeps its sessions in files."""
    return install(request.param)


@pytest.fixture(scope="session")
def served() -> Model:
    """Give the stand-in for the model that all gateways ask."""
    return Model()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def model_url(served: Model) -> AsyncIterator[str]:
    """Serve it."""
    async with serving(served) as url:
        yield url


@pytest.fixture
def model(served: Model) -> Model:
    """Give it without what other tests asked."""
    served.requests.clear()
    return served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def openclaw(
    release: Installed, model_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenClaw]:
    """Give an OpenClaw whose gateway runs."""
    made = OpenClaw(release, tmp_path_factory.mktemp(f"openclaw-{release.version}-"), model_url)
    async with made.running():
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bridge(openclaw: OpenClaw, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bridge]:
    """Give a bridge beside it, which in the end finds every test's calls in OpenClaw once and in order."""
    made = Bridge(openclaw, tmp_path_factory.mktemp("bridge-"))
    await made.start()
    yield made
    status, report = await made.verify()
    await made.stop()
    assert status == 0, report


@pytest.fixture
def person(bridge: Bridge, openclaw: OpenClaw, model: Model) -> Person:
    """Give somebody who has neither called nor typed before."""
    return Person(bridge, openclaw, model)


@pytest.fixture
def meet(bridge: Bridge, openclaw: OpenClaw, model: Model) -> Meet:
    """Make people by their number."""
    return lambda number: Person(bridge, openclaw, model, number)
