"""Open access, the only mode so far: every request acts for the default clinic, as one and the same principal.

A route that acts for a clinic has a parameter `caller: ByApiCaller`. FastAPI resolves it once a request.
"""

from typing import Annotated

from fastapi import Depends, Request

from services.gateway.access.caller import ApiCaller
from services.gateway.gateway import gateway_of
from services.gateway.http.headers import check_if_match
from shared.infra.asgi import outgoing_headers

OPEN = "open"
"""The one principal of open access."""

JUDGED_BY_OWNERS = ("If-Match", "Accept-Language")
CHANGING = ("PUT", "PATCH", "DELETE")
"""What `If-Match` is for."""


async def _caller(request: Request) -> ApiCaller:
    """Asynchronous only because FastAPI runs any other dependency in a thread."""
    if request.method in CHANGING:
        await check_if_match(request)
    passed_on = outgoing_headers(request)
    for name in JUDGED_BY_OWNERS:
        if values := request.headers.getlist(name):
            # What is not ASCII matches no version and no language: that something stood there is enough.
            passed_on[name] = ", ".join(values).encode("ascii", "replace").decode()
    return ApiCaller(gateway_of(request).clinics.clinic.id, OPEN, OPEN, request.state.correlation_id, passed_on)


ByApiCaller = Annotated[ApiCaller, Depends(_caller)]
"""Of every route that acts for a clinic."""
