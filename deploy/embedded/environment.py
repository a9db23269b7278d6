"""The environment of a service process, from where the servers are and which secrets they have.

Nothing else of the caller's `FRONTDESK_…` names gets in: a service refuses names that it does not know.
Called by `services` beside this module, by `frontdesk env`, and by tests that start services.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import deploy
from deploy import installation
from deploy.embedded.backend import Backend
from deploy.embedded.ports import LOOPBACK
from deploy.stores.databases import app_dsns, role_names

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
"""What of the caller's environment a child may see besides its settings."""


def settings_of(service: str, instance: str, servers: Backend, http_ports: Mapping[str, int]) -> dict[str, str]:
    """Settings of one instance; `http_ports` are those of the first instance of each service and of this one."""
    passwords = servers.secrets.passwords(role_names())
    settings = {
        "ENVIRONMENT": "development",
        "FRONTDESK_LOG_LEVEL": os.environ.get("FRONTDESK_LOG_LEVEL", "info"),
        "FRONTDESK_INSTANCE": instance,
        "FRONTDESK_DRAIN_SECONDS": "0",
        "FRONTDESK_HTTP__HOST": LOOPBACK,
        "FRONTDESK_HTTP__PORT": str(http_ports[instance]),
        "FRONTDESK_POSTGRES__URL": app_dsns(servers.postgres_dsn(), passwords)[service],
        "FRONTDESK_KAFKA__BOOTSTRAP_SERVERS": servers.kafka_bootstrap,
        "FRONTDESK_REDIS__URL": servers.redis_url,
    }
    keys = installation.named(service).key_settings
    settings |= {f"{setting}_FILE": str(servers.secrets.path(key)) for key, setting in keys.items()}
    if service == installation.GATEWAY:
        settings |= {spec.url_setting: base_url(http_ports[spec.name]) for spec in installation.called_by_gateway()}
    return settings


def process_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Whole environment of a child that runs `python -m services.<name>` out of this code."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    code = str(Path(deploy.__file__).parent.parent)
    path = os.pathsep.join(part for part in (os.environ.get("PYTHONPATH"), code) if part)
    # Safe path: the working folder is no place to import from.
    return {**inherited, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", **settings}


def base_url(port: int) -> str:
    """HTTP address of a port of the loopback address."""
    return f"http://{LOOPBACK}:{port}"
