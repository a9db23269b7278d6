"""All services and stores in one view, for people and for monitors: 503 while any of them is down. The probes are elsewhere."""

import asyncio

from fastapi import APIRouter, Request, Response

from services.gateway.gateway import gateway_of
from services.gateway.openapi import clinic as shown
from services.gateway.openapi import operations as doc
from services.gateway.owners.client import AVAILABILITY, BOOKING, QUEUE, Owners
from services.gateway.schemas import HealthView
from shared.infra.health import Readiness

CHECK_SECONDS = 2.0
REPLIES = "replies"
"""The check of the gateway's own consumer."""


def overview_router(own: Readiness, spare: Readiness) -> APIRouter:
    """The route of the overview. `own` are the gateway's checks, `spare` those of stores that readiness does without."""
    router = APIRouter(tags=["System"])

    @router.get(
        "/health",
        operation_id="get_health",
        response_model=HealthView,
        responses=doc.answers(200, shown.HEALTH) | doc.also(503, shown.SICK, "Something is down"),
    )
    async def get_health(request: Request) -> Response:
        """How every service and every store is."""
        view = await overview(own, spare, gateway_of(request).owners)
        return Response(view.model_dump_json(), 200 if view.status == "ok" else 503, media_type="application/json")

    return router


async def overview(own: Readiness, spare: Readiness, owners: Owners) -> HealthView:
    """Asks all services and all stores at once."""
    names = (AVAILABILITY, BOOKING, QUEUE)
    reports = asyncio.gather(own.report(), spare.report())
    states = await asyncio.gather(*(_state(owners, name) for name in names))
    gateway, others = await reports
    stores = {name: result for name, result in {**gateway, **others}.items() if name != REPLIES}
    services = {"gateway": gateway.get(REPLIES, "ok"), **dict(zip(names, states, strict=True))}
    ok = all(state == "ok" for state in (*services.values(), *stores.values()))
    return HealthView(status="ok" if ok else "unavailable", services=services, stores=stores)


async def _state(owners: Owners, name: str) -> str:
    """`ok`, `draining`, the checks that the service names as failed, or the class of the error if it does not answer."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            report = await owners.readiness(name)
    except Exception as error:  # noqa: BLE001 - whatever it was, the service does not answer as it should
        return f"failed: {type(error).__name__}"
    if report.get("status") == "ready":
        return "ok"
    if report.get("status") == "draining":
        return "draining"
    checks = report.get("checks")
    down = [check for check, result in checks.items() if result != "ok"] if isinstance(checks, dict) else []
    return f"unavailable: {', '.join(down)}" if down else "unavailable"
