"""All services and stores in one view, for people and for monitors: 503 while any of them is down. The probes are elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response

from services.gateway import documents as doc
from services.gateway.owners import AVAILABILITY, BOOKING, QUEUE, Owners
from services.gateway.schemas import HealthView
from shared.infra.health import Check, Readiness

CHECK_SECONDS = 2.0

Ask = Callable[[], Awaitable[Mapping[str, Check]]]


def overview_router(readiness: Readiness, owners: Callable[[], Owners]) -> APIRouter:
    """The route of the overview. `readiness` holds the gateway's own checks."""
    router = APIRouter(tags=["System"])

    @router.get(
        "/health",
        operation_id="get_health",
        response_model=HealthView,
        responses={
            200: {"content": {"application/json": {"example": doc.HEALTH.model_dump()}}},
            503: {"model": HealthView, "description": "Something is down"},
        },
    )
    async def get_health() -> Response:
        """How every service and every store is."""
        view = await overview(readiness, owners())
        return Response(view.model_dump_json(), 200 if view.status == "ok" else 503, media_type="application/json")

    return router


async def overview(readiness: Readiness, owners: Owners) -> HealthView:
    """Asks everybody at once."""
    names = (AVAILABILITY, BOOKING, QUEUE)
    own, *others = await asyncio.gather(readiness.report(), *(_state(owners, name) for name in names))
    stores = {name: result for name, result in own.items() if name != REPLIES}
    services = {"gateway": _own(own), **dict(zip(names, others, strict=True))}
    ok = all(state == "ok" for state in (*services.values(), *stores.values()))
    return HealthView(status="ok" if ok else "unavailable", services=services, stores=stores)


REPLIES = "replies"
"""The check of the gateway's own consumer."""


def _own(report: Mapping[str, str]) -> str:
    return report.get(REPLIES, "ok")


async def _state(owners: Owners, name: str) -> str:
    """`ok`, or what the service says is down, or why it says nothing."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            report = await owners.readiness(name)
    except Exception as error:  # noqa: BLE001 - whatever it was, the service does not answer as it should
        return f"failed: {type(error).__name__}"
    if report.get("status") == "ready":
        return "ok"
    checks = report.get("checks")
    down = [check for check, result in checks.items() if result != "ok"] if isinstance(checks, dict) else []
    return f"unavailable: {', '.join(down)}" if down else "unavailable"
