"""What several routes do alike: texts and languages that a search names."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

SearchText = Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
LanguageTag = Annotated[str | None, Query(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


def id_or_text(value: str | None) -> UUID | str | None:
    """What a filter names: an id, or else a text without the space around it."""
    try:
        return value and UUID(value)
    except ValueError:
        return value and value.strip()
