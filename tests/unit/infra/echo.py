"""A service without stores that sends back what it is sent; `test_run_service.py` starts it as a module."""

from fastapi import FastAPI, Request, Response

from shared.infra.api import create_api
from shared.infra.health import Readiness
from shared.infra.run_service import run_service
from shared.infra.settings import ServiceSettings

NAME = "echo"


def create_app(settings: ServiceSettings) -> FastAPI:
    """The application of one process."""
    app = create_api("Echo", NAME, "0.0.0", Readiness({}), docs=False)

    @app.post("/echo")
    async def post_echo(request: Request) -> Response:
        return Response(await request.body())

    return app


if __name__ == "__main__":
    run_service(NAME, ServiceSettings, create_app)
