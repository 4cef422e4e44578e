import json
from pathlib import Path

import pytest

from shared.openclaw_config import ConfigFile, OpenClawConfig, OpenClawConfigError, read


def written(folder: Path, text: str) -> OpenClawConfig:
    """Read a configuration file of that text."""
    (folder / "openclaw.json").write_text(text, encoding="utf-8")
    return read(folder)


def test_without_a_file_all_is_as_openclaw_has_it_by_default(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert (config.gateway.port, config.session.dm_scope, config.session.main_key) == (18789, "main", "main")
    assert written(tmp_path, "{}") == config


def test_json5_is_read_and_what_is_not_ours_ignored(tmp_path: Path) -> None:
    config = written(
        tmp_path,
        """{
          // the user's own
          gateway: {port: 19001, auth: {mode: 'token', token: 'secret',}},
          session: {dmScope: "per-peer", identityLinks: {ada: ["telegram:42"]}, reset: {atHour: 5}},
          agents: {list: [{id: "main"}]},
        }""",
    )
    assert (config.gateway.port, config.gateway.auth.token) == (19001, "secret")
    assert (config.session.dm_scope, config.session.identity_links) == ("per-peer", {"ada": ["telegram:42"]})
    assert config.session.reset is not None
    assert config.session.reset.at_hour == 5


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"session": {"dmScope": "anyone"}}', '{"gateway": {"port": "x"}}']
)
def test_a_file_that_cannot_be_understood_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(OpenClawConfigError, match=r"openclaw\.json: "):
        written(tmp_path, text)


def test_a_folder_in_the_files_place_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "openclaw.json").mkdir()
    with pytest.raises(OpenClawConfigError, match=r"openclaw\.json"):
        read(tmp_path)


def test_a_fault_does_not_give_away_what_is_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(OpenClawConfigError, match=r"gateway\.port") as caught:
        written(tmp_path, '{"gateway": {"port": "sesame"}}')
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "token", ['["sesame"]', '{"source": "env", "id": "TOKEN"}', '"${TOKEN}"', '"a-${TOKEN}"']
)
def test_a_secret_that_is_only_referred_to_is_not_known(tmp_path: Path, token: str) -> None:
    text = '{"gateway": {"auth": {"token": TOKEN}}, "session": {"dmScope": "per-peer"}}'
    config = written(tmp_path, text.replace("TOKEN", token, 1))
    assert config.gateway.auth.token is None
    assert config.session.dm_scope == "per-peer"


def test_a_rule_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "session.json5").write_text("{dmScope: 'per-peer', mainKey: 'home'}", encoding="utf-8")
    config = written(tmp_path, '{"session": {"$include": "./session.json5", "mainKey": "work"}}')
    assert (config.session.dm_scope, config.session.main_key) == ("per-peer", "work")


def test_an_included_file_that_is_not_there_is_no_default(tmp_path: Path) -> None:
    with pytest.raises(OpenClawConfigError, match=r"session\.json5, which cannot be read"):
        written(tmp_path, '{"session": {"$include": "./session.json5"}}')


@pytest.mark.parametrize(
    ("rule", "value"),
    [("mainKey", "${KEY}"), ("dmScope", "${KEY}"), ("identityLinks", {"ada": ["telegram:${KEY}"]})],
)
def test_a_rule_that_only_openclaw_can_know_is_named(tmp_path: Path, rule: str, value: object) -> None:
    with pytest.raises(OpenClawConfigError, match=rf"session\.{rule} refers to an environment variable"):
        written(tmp_path, json.dumps({"session": {rule: value}}))


def test_a_reset_that_only_other_releases_know_does_not_hide_the_rest(tmp_path: Path) -> None:
    text = '{"session": {"dmScope": "per-peer", "reset": {"mode": "none", "atHour": 24, "idleMinutes": 0.5}}}'
    assert written(tmp_path, text).session.dm_scope == "per-peer"


def test_a_reset_after_infinite_silence_is_as_wrong_as_openclaw_finds_it(tmp_path: Path) -> None:
    with pytest.raises(OpenClawConfigError, match=r"session\.idleMinutes"):
        written(tmp_path, '{"session": {"idleMinutes": Infinity}}')


def test_a_configuration_is_parsed_again_when_one_of_its_files_has_changed_and_only_then(
    tmp_path: Path,
) -> None:
    config = ConfigFile(tmp_path)
    assert config.read().gateway.port == 18789
    (tmp_path / "openclaw.json").write_text("{gateway: {$include: './gateway.json5'}}", encoding="utf-8")
    for port in (1, 22):
        (tmp_path / "gateway.json5").write_text(f"{{port: {port}}}", encoding="utf-8")
        assert config.read().gateway.port == port
        assert config.read() is config.read()
    (tmp_path / "gateway.json5").unlink()
    with pytest.raises(OpenClawConfigError, match=r"gateway\.json5"):
        config.read()
