"""The files that are written out of the code: settings, HTTP API, messages. `make docs` writes them, a test finds a drift.

Nothing is started and no store is connected: the gateway's application is made with placeholders that get into no document.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy import installation
from deploy.reference import asyncapi
from deploy.reference.settings import env_example, settings_tables
from services.gateway.app import create_app
from services.gateway.settings import Settings


def openapi() -> dict[str, Any]:
    """The OpenAPI document of the public API."""
    return create_app(Settings.from_environment(_placeholders())).openapi()


def _placeholders() -> dict[str, str]:
    """What the gateway's settings need: addresses where nobody listens, and keys that sign nothing."""
    keys = installation.named(installation.GATEWAY).key_settings.values()
    return {
        "FRONTDESK_POSTGRES__URL": "postgresql://nobody@127.0.0.1/none",
        "FRONTDESK_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
        **dict.fromkeys(keys, "signs nothing at all"),
        **{spec.url_setting: "http://127.0.0.1:1" for spec in installation.called_by_gateway()},
    }


def _json(document: Callable[[], dict[str, Any]]) -> Callable[[], str]:
    return lambda: json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


FILES: dict[str, Callable[[], str]] = {
    ".env.example": env_example,
    "docs/settings.md": settings_tables,
    "docs/openapi.json": _json(openapi),
    "docs/asyncapi.json": _json(asyncapi.document),
}
"""Each by its path from the root of the repository."""


def write(root: Path) -> None:
    """Write all of them."""
    for path, text in FILES.items():
        (root / path).write_text(text(), encoding="utf-8")
