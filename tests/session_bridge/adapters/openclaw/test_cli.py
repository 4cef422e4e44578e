from pathlib import Path

import pytest

from services.session_bridge.adapters.openclaw.cli import OpenClawCommand


def command(path: Path, script: str) -> OpenClawCommand:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return OpenClawCommand(lambda: str(path))


def test_the_release_is_read_from_the_package_without_running_it(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "openclaw", "version": "2026.7.35"}', encoding="utf-8")
    link = tmp_path / "bin"
    link.symlink_to(tmp_path / "openclaw.mjs")
    command(tmp_path / "openclaw.mjs", "exit 1")
    assert OpenClawCommand(lambda: str(link)).release() == (2026, 7, 35)


@pytest.mark.parametrize("package", [None, "{", "[]", '{"name": "other", "version": "1.2.3"}'])
def test_a_command_of_another_make_is_asked(tmp_path: Path, package: str | None) -> None:
    if package is not None:
        (tmp_path / "package.json").write_text(package, encoding="utf-8")
    assert command(tmp_path / "openclaw", "echo OpenClaw 2026.9.6 abc").release() == (2026, 9, 6)


@pytest.mark.parametrize("script", ["exit 1", "echo hello"])
def test_a_command_that_will_not_say_is_no_release(tmp_path: Path, script: str) -> None:
    assert command(tmp_path / "openclaw", script).release() is None


def test_no_command_is_no_release(tmp_path: Path) -> None:
    assert OpenClawCommand(lambda: None).release() is None
    assert OpenClawCommand(lambda: str(tmp_path / "gone")).release() is None
    assert command(tmp_path / "openclaw", "exit 0").release() is None


def test_it_is_asked_once_until_it_changes(tmp_path: Path) -> None:
    path, runs = tmp_path / "openclaw", tmp_path / "runs"
    asked = command(path, f"echo run >> {runs}; echo 2026.7.35")
    assert [asked.release() for _ in range(3)] == [(2026, 7, 35)] * 3
    assert runs.read_text(encoding="utf-8") == "run\n"
    path.write_text("#!/bin/sh\necho 2026.9.6\n", encoding="utf-8")
    assert asked.release() == (2026, 9, 6)
