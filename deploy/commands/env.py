"""`frontdesk env`: the addresses of the stack that runs here, or the settings of one of its services, as shell variables."""

import shlex

from deploy import installation
from deploy.commands.output import out
from deploy.embedded.addresses import of_embedded_stack
from deploy.embedded.environment import settings_of
from deploy.embedded.running import running_servers
from deploy.exit_codes import OK


def env(service: str | None, as_json: bool) -> int:
    """Print variables; those of the addresses are read by all other commands."""
    values = of_embedded_stack() if service is None else _settings(service)
    out(values, as_json, [f"export {name}={shlex.quote(value)}" for name, value in values.items()])
    return OK


def _settings(service: str) -> dict[str, str]:
    installation.named(service)
    servers = running_servers()
    return settings_of(service, service, servers, servers.state.load().ports)
