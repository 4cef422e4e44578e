import pytest

from services.session_bridge.adapters.openclaw import lenient


@pytest.mark.parametrize("text", ['{"a": "\\ud83d"}', '{"a": "\\ud83e\\udd9e"}', '{"a": [1, null]}'])
def test_what_javascript_reads_is_read_and_written_back(text: str) -> None:
    value = lenient.loads(text.encode())
    assert lenient.loads(lenient.dumps(value)) == value


@pytest.mark.parametrize("text", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        lenient.loads(text)
