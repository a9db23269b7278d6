"""The headers of answers, as the OpenAPI document tells of them: which there are, and which answers may carry which.

Used by `operations.py`; `app.py` puts `HEADERS` among the document's components. A test holds real answers to it.
"""

from collections.abc import Iterable
from typing import Any

from services.gateway.http.headers import IDEMPOTENCY_KEY
from shared.contracts import internal

ALWAYS = ("Request-Id",)
OF_REGISTRATIONS = (internal.REPLAYED,)
OF_COMMANDS = ("Command-Id", "Preference-Applied", *OF_REGISTRATIONS)
OF_RUNNING = ("Command-Id", "Preference-Applied", "Location", "Retry-After")
WAY_BACK = ("Location", IDEMPOTENCY_KEY)
"""Of a command of which nobody knows whether it arrived."""


def _header(description: str, example: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}, "example": example}


HEADERS = {
    "Request-Id": _header("The correlation id: the client's own `Request-Id`, or one that was made", "desk-7.42"),
    "Command-Id": _header("The id of the command", "0195a1de-0000-7000-8000-000000000006", format="uuid"),
    "Location": _header(
        "What was made, or where the command is told of", "/api/v1/appointments/0195a1de-0000-7000-8000-000000000003"
    ),
    "ETag": _header("The version of what is answered, for `If-Match`", '"v1"'),
    "Vary": _header("The answer depends on that header of the request", "Accept-Language"),
    "Link": _header('The next page, `rel="next"`', '</api/v1/doctors?limit=50&cursor=WyJhZGEtb3NlaSJd>; rel="next"'),
    "Retry-After": _header("Seconds to wait before asking again", "2"),
    "Preference-Applied": _header("What was made of `Prefer`", "wait=5"),
    internal.REPLAYED: _header("`true`: the stored answer of a request that was sent before", "true"),
    IDEMPOTENCY_KEY: _header("The key to send the same request again with", "0195a1de00007000800000000000000a"),
}


def references(names: Iterable[str]) -> dict[str, Any]:
    """The `headers` of an answer in the document."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ALWAYS, *names)}


def of_refusal(status: int, *, command: bool, keyed: bool) -> tuple[str, ...]:
    """What a problem may carry; of a `keyed` request that is to be repeated the key."""
    again = ("Retry-After",) if status == 503 else ()
    if command:
        return (*again, *OF_COMMANDS, *(WAY_BACK if again else ()))
    return (*again, *((IDEMPOTENCY_KEY,) if keyed and status >= 500 else ()))
