import pytest

from services.session_bridge.domain.session_key import Callers, OpenClaw, agent_of, as_kept
from shared.openclaw_config import DmScope, SessionRules

NUMBER = "+15551234567"
LINKS = {"bob": ["telegram:43"], "Alice": ["telegram:42", NUMBER]}
OWNER = Callers("main", frozenset({NUMBER}))


def key(rules: SessionRules, release: tuple[int, int, int] | None = None, *existing: str) -> str:
    return OWNER.key(NUMBER, "CA1", OpenClaw(rules, release, existing))


@pytest.mark.parametrize(
    ("scope", "plain", "linked"),
    [
        ("main", "agent:main:main", "agent:main:main"),
        ("per-peer", f"agent:main:direct:{NUMBER}", "agent:main:direct:alice"),
        ("per-channel-peer", f"agent:main:voice:direct:{NUMBER}", "agent:main:voice:direct:alice"),
        (
            "per-account-channel-peer",
            f"agent:main:voice:default:direct:{NUMBER}",
            "agent:main:voice:default:direct:alice",
        ),
    ],
)
def test_an_owner_has_the_key_openclaw_itself_would_use(scope: DmScope, plain: str, linked: str) -> None:
    assert key(SessionRules(dm_scope=scope)) == plain
    assert key(SessionRules(dm_scope=scope, identity_links=LINKS)) == linked


def test_a_link_to_nobody_is_none() -> None:
    links = {" ": [NUMBER], "alice": [NUMBER]}
    assert key(SessionRules(dm_scope="per-peer", identity_links=links)) == "agent:main:direct:alice"


def test_a_link_may_name_the_channel() -> None:
    links = {"alice": [f"voice:{NUMBER}"]}
    assert key(SessionRules(dm_scope="per-peer", identity_links=links)) == "agent:main:direct:alice"


@pytest.mark.parametrize(
    ("release", "existing", "word"),
    [
        ((2026, 2, 2), (), "dm"),
        ((2026, 2, 12), (), "direct"),
        ((2026, 7, 35), ("agent:main:dm:42",), "direct"),
        (None, ("agent:main:dm:42",), "dm"),
        (None, ("agent:main:dm:42", "agent:main:direct:42"), "direct"),
        (None, (), "direct"),
    ],
)
def test_the_release_or_else_the_keys_in_use_say_dm_or_direct(
    release: tuple[int, int, int] | None, existing: tuple[str, ...], word: str
) -> None:
    assert key(SessionRules(dm_scope="per-peer"), release, *existing) == f"agent:main:{word}:{NUMBER}"


@pytest.mark.parametrize(
    ("release", "existing", "name"),
    [
        ((2026, 2, 2), (), "home"),
        ((2026, 7, 35), (), "main"),
        ((2026, 7, 35), ("agent:main:home",), "home"),
        (None, ("agent:main:home", "agent:main:main"), "main"),
    ],
)
def test_the_main_key_counts_where_openclaw_honours_it(
    release: tuple[int, int, int] | None, existing: tuple[str, ...], name: str
) -> None:
    assert key(SessionRules(main_key="Home"), release, *existing) == f"agent:main:{name}"


def test_everybody_else_is_isolated() -> None:
    assert Callers("main").key(NUMBER, "CA1", OpenClaw()) == f"agent:main:voice:direct:{NUMBER}"
    assert Callers("work").key("anonymous", "CA1", OpenClaw()) == "agent:work:voice:direct:anonymous-CA1"


def test_a_number_the_user_mapped_goes_where_the_user_said() -> None:
    callers = Callers("main", frozenset({NUMBER}), {NUMBER: "agent:work:telegram:direct:42"})
    assert agent_of(callers.key(NUMBER, "CA1", OpenClaw())) == "work"


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("agent:main:voice:direct:anonymous-CA1", "agent:main:voice:direct:anonymous-ca1"),
        ("agent:main:Matrix:channel:!Room:x.org", "agent:main:Matrix:channel:!Room:x.org"),
        ("agent:main:signal:group:AbC=", "agent:main:signal:group:AbC="),
    ],
)
def test_a_key_is_looked_up_as_openclaw_spells_it(key: str, kept: str) -> None:
    assert as_kept(key) == kept
