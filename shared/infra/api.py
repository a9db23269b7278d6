"""Makes the FastAPI application of a service: middleware, problems and probes are there before its first route.

Called by each service's `app.py`, which adds its routers.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from shared.contracts.problems import Code
from shared.infra.asgi import MAX_BODY_BYTES, RequestMiddleware
from shared.infra.health import Readiness, health_router
from shared.infra.metrics import BUILD_INFO
from shared.infra.problems import Problem, install_problem_handlers, problem_responses

_NO_TELEMETRY = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI would look for a tracer at every request; what we measure is in `metrics.py`."""


def create_api(
    title: str,
    service: str,
    version: str,
    readiness: Readiness,
    *,
    docs: bool,
    max_body_bytes: int = MAX_BODY_BYTES,
    components: Mapping[str, Any] | None = None,
    **options: Any,
) -> FastAPI:
    """An application without routes of its own. `docs` serves `/docs` and `/redoc` from own files; `options` are FastAPI's.

    `components` is what the OpenAPI document shares besides schemas. The server finds `readiness` in the application's state.
    """
    options = {"title": title, "version": version, "redirect_slashes": False, "telemetry": _NO_TELEMETRY, **options}
    app = FastAPIOffline(**options) if docs else FastAPI(docs_url=None, redoc_url=None, openapi_url=None, **options)
    app.add_middleware(RequestMiddleware, max_body_bytes=max_body_bytes)
    install_problem_handlers(app)
    add_routes(app, health_router(readiness))
    app.state.readiness = readiness
    _extend_document(app, components or {})
    BUILD_INFO.labels(version=version, service=service).set(1)
    return app


def add_routes(app: FastAPI, *routers: APIRouter) -> None:
    """Adds the routes of these routers, whose own prefixes make the whole path. A request is matched in their order.

    `include_router` would make each route a second time, at the first request, and look through the routers before their routes.
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def _extend_document(app: FastAPI, components: Mapping[str, Any]) -> None:
    """Adds `components` and the schema of a problem to the OpenAPI document, once FastAPI has made it."""
    framework = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = framework()
            document.setdefault("components", {}).update(components)
            _use_problems(document)
        return framework()

    app.openapi = openapi  # type: ignore[method-assign]  # the framework's own way to extend the document


def _use_problems(document: dict[str, Any]) -> None:
    """Puts problems where FastAPI describes its own validation errors. In place, once: FastAPI keeps the document."""
    schemas = document["components"].setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    refused = problem_responses(Code.VALIDATION_FAILED)[422]
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        answer = operation["responses"].get("422", {})
        if "HTTPValidationError" in str(answer):
            operation["responses"]["422"] = refused
