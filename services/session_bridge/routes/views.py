"""How answers of the bridge look: camelCase; and how calls are named when they are asked for."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

CallId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
"""A call's id: Twilio's `CA…` or OpenAI's `rtc_…`."""


class Answer(BaseModel):
    """An answer in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)
