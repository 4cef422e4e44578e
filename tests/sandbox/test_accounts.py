"""The page about the sandbox tells of changes to the accounts that can be made."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sandbox.accounts import Accounts

_PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
_CHANGES = re.findall(r"^\| .+ \| `(\{\".+\})` \| ", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("change", _CHANGES)
def test_every_change_that_is_told_of_can_be_made(change: str) -> None:
    accounts = TypeAdapter(Accounts)
    at_first = Accounts()
    assert accounts.validate_python(asdict(at_first)) == at_first
    assert accounts.validate_python(asdict(at_first) | json.loads(change)) != at_first


def test_the_page_tells_of_twenty_changes_and_more() -> None:
    assert len(_CHANGES) > 20
