"""The pages and examples for running it name what there is: metrics, settings, alerts, files, secrets."""

import json
import re
from pathlib import Path

import pytest

from services.session_bridge.settings import BridgeSettings
from services.voice_server.settings import VoiceSettings
from tests.shared.prometheus import documented

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / "operations.md", ROOT / "docs" / "security.md"]
DASHBOARD, ALERTS = ROOT / "docs" / "deploy" / "grafana.json", ROOT / "docs" / "deploy" / "alerts.yml"
METRICS = documented(ROOT / "docs" / "metrics.md", "openclaw_")


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def metrics(file: Path) -> set[str]:
    named = set(re.findall(r"openclaw_(?:phone|bridge)_\w+", text(file)))
    return {name if name in METRICS else re.sub(r"_(bucket|sum|count)$", "", name) for name in named}


@pytest.mark.parametrize("file", [DASHBOARD, ALERTS, *PAGES], ids=lambda file: file.name)
def test_every_metric_that_is_named_is_documented(file: Path) -> None:
    assert metrics(file) <= METRICS


def test_the_dashboard_shows_every_metric_of_both_services() -> None:
    stuck_or_overdue = {"openclaw_phone_outbox_stuck_calls", "openclaw_bridge_sessions_overdue"}
    assert metrics(DASHBOARD) == METRICS
    assert stuck_or_overdue < metrics(ALERTS)


def test_the_panels_of_the_dashboard_have_ids_and_places_of_their_own() -> None:
    panels = json.loads(text(DASHBOARD))["panels"]
    squares = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(squares) == len(set(squares))
    assert max(x for x, _ in squares) < 24


def test_every_alert_is_explained() -> None:
    named = re.findall(r"- alert: (\w+)", text(ALERTS))
    explained = re.findall(r"^\| `(Phone\w+)`", text(PAGES[0]), re.MULTILINE)
    assert sorted(named) == sorted(explained)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    example = text(ROOT / ".env.example")
    known = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) | {"GUNICORN_CMD_ARGS"}
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)", text(page))) <= known


def test_it_is_told_of_every_secret_how_it_is_changed() -> None:
    fields = VoiceSettings.model_fields | BridgeSettings.model_fields
    secrets = {name.upper() for name, field in fields.items() if "Secret" in str(field)}
    rows = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)?) \|", text(PAGES[0]), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"[A-Z_]+", row)}
    assert secrets <= told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", text(page)):
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", text(target), re.MULTILINE) if heading else []
        names = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
        assert not heading or heading in names, link
