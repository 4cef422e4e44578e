"""What the documents say is what the code does."""

import re
import subprocess
from pathlib import Path

import pytest

from dev import tables
from dev.diagram import PAGE, page_with_states
from dev.stack import NEUTRAL
from services.session_bridge.settings import BridgeSettings
from services.voice_server.settings import VoiceSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_picture_of_the_states_is_drawn_from_the_transition_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_states(page), "run `python -m dev.diagram`"


def test_the_tables_of_the_sandbox_are_drawn_from_it() -> None:
    page = tables.PAGE.read_text(encoding="utf-8")
    assert page == tables.page_with_tables(page), "run `python -m dev.tables`"


def test_the_settings_that_hold_in_the_sandbox_are_listed() -> None:
    listed = tables.PAGE.read_text(encoding="utf-8").partition("With `make run`, of")[2].partition("\n\n")[0]
    services = {name.upper() for name in VoiceSettings.model_fields} - {"LOG_LEVEL", "LOG_FORMAT"}
    assert set(re.findall(r"`([A-Z_]+)`", listed)) == set(NEUTRAL) & services


def test_the_example_settings_name_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {found[1].lower() for line in lines if (found := re.match(r"(?:# ?)?([A-Z][A-Z0-9_]+)=", line))}
    settings = set(VoiceSettings.model_fields) | set(BridgeSettings.model_fields)
    assert named - {"uid", "gid"} == settings


def test_the_tour_in_the_readme_leads_through_at_most_eight_files_that_exist() -> None:
    tour = README.partition("## The code in eight files")[2].partition("\n## ")[0]
    files = re.findall(r"^\d\. .*?\]\(([^)]+\.py)\)", tour, re.MULTILINE)
    assert 1 <= len(files) <= 8
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_locked_requirements_name_no_host(file: str) -> None:
    assert not re.search(r"https?://", (ROOT / file).read_text(encoding="utf-8"))


def test_make_help_lists_every_target_of_the_readme() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"`make ([a-z-]+)`", README))
    assert targets <= {line.split()[0] for line in listed.splitlines()}
