"""`GET /integration-test`: proves on a running installation that everything works together. Nowhere but in that environment."""

import httpx2
from fastapi import APIRouter, Request, Response

from services.gateway.http.paths import API
from services.gateway.selftest.round import Round
from shared.infra.clockwork import Clock

router = APIRouter(include_in_schema=False)

STEP_SECONDS = 40.0
"""Longer than the longest wait for a command."""


@router.get("/integration-test")
async def run_integration_test(request: Request) -> Response:
    """Runs a full round through this very application: 200 with all steps, or 503 that names the one that failed."""
    transport = httpx2.ASGITransport(request.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://gateway{API}", timeout=STEP_SECONDS) as http:
        view = await Round(http, Clock()).run()
    return Response(view.model_dump_json(), 200 if view.status == "ok" else 503, media_type="application/json")
