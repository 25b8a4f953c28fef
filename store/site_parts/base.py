"""What all parts of a site file share: keys, weekdays, and that no unknown key is taken."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$", max_length=200)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ALWAYS = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Part(BaseModel):
    """A part of the file: no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
