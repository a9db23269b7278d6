"""Messages for tests. What a test does not name is as the services would say it."""

from datetime import datetime
from typing import Any, TypeVar

from shared.contracts.envelope import Message, following
from shared.infra.ids import new_id

M = TypeVar("M", bound=Message)


def caused(kind: type[M], cause: Message, *, occurred_at: datetime | None = None, **fields: Any) -> M:
    """A message that follows from `cause`, at the same instant unless told otherwise."""
    envelope: dict[str, Any] = {**following(cause, message_id=new_id(), occurred_at=occurred_at or cause.occurred_at)}
    return kind(**{**envelope, **fields})
