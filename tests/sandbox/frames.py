"""The judge of sideband frames: OpenAI's own types, each frame against exactly the class of its `type`.

The package's union cannot judge: it builds some class from whatever it is given.
"""

import typing
from collections.abc import Iterator
from typing import Any

from openai import BaseModel
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import TypeAdapter

UNDOCUMENTED = {"obfuscation"}
"""Fields that are on the wire and not in the package."""


def _classes() -> Iterator[tuple[str, TypeAdapter[BaseModel]]]:
    union, *_ = typing.get_args(RealtimeServerEvent)
    for one in typing.get_args(union):
        (kind,) = typing.get_args(one.model_fields["type"].annotation)
        yield kind, TypeAdapter(one)


CLASSES = dict(_classes())


def check(frame: dict[str, Any]) -> None:
    """Fail unless the frame is strictly of its type, with no field nobody has ever seen."""
    event = CLASSES[frame["type"]].validate_python(frame, strict=True)
    assert set(event.model_extra or ()) <= UNDOCUMENTED, frame
