import pytest

from services.session_bridge.domain.choice import Evidence, Store, choose

OLD, NEW = (2026, 7, 35), (2026, 8, 1)


@pytest.mark.parametrize(
    ("seen", "store", "why"),
    [
        (
            Evidence(has_sqlite=True, has_files=True, gateway=OLD, installed=OLD),
            Store.GATEWAY,
            "openclaw-agent.sqlite",
        ),
        (Evidence(takes_transcripts=True, gateway=NEW, has_files=True), Store.GATEWAY, "gateway (2026.8.1)"),
        (
            Evidence(installed=NEW, has_files=True, gateway=OLD),
            Store.GATEWAY,
            "installed OpenClaw is 2026.8.1",
        ),
        (Evidence(wrote=NEW, has_files=True), Store.GATEWAY, "2026.8.1 wrote openclaw.json"),
        (Evidence(has_files=True, installed=OLD), Store.JSONL, "session files"),
        (Evidence(gateway=OLD, gateway_reads_files=True), Store.JSONL, "gateway is OpenClaw 2026.7.35"),
        (Evidence(gateway_reads_files=True), Store.JSONL, "gateway is OpenClaw of unknown release"),
        (Evidence(installed=OLD), Store.JSONL, "installed OpenClaw is 2026.7.35"),
        (Evidence(wrote=OLD), None, "start it once"),
        (Evidence(), None, "start it once"),
    ],
)
def test_the_first_rule_that_applies_chooses_the_store_and_says_why(
    seen: Evidence, store: Store | None, why: str
) -> None:
    choice = choose("auto", seen)
    assert choice.store is store
    assert why in choice.why


@pytest.mark.parametrize("setting", list(Store))
def test_the_users_word_counts_more_than_what_is_to_be_seen(setting: Store) -> None:
    assert choose(setting, Evidence(has_files=True, installed=NEW)) == (setting, f"OPENCLAW_STORE={setting}")


def test_a_gateway_that_keeps_files_is_given_no_transcripts_whatever_the_user_says() -> None:
    store, why = choose("gateway", Evidence(gateway=OLD, gateway_reads_files=True))
    assert store is None
    assert "set OPENCLAW_STORE=auto" in why


def test_files_beside_a_sqlite_store_are_refused_whatever_the_user_says() -> None:
    store, why = choose("jsonl", Evidence(has_sqlite=True))
    assert store is None
    assert "set OPENCLAW_STORE=auto" in why
