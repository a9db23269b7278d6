"""`frontdesk migrate`: brings the databases of the stack that runs here to the newest schema."""

from deploy.commands.output import out
from deploy.embedded.running import running_servers
from deploy.exit_codes import OK
from deploy.stores.migrations import prepare_and_migrate


def migrate(as_json: bool) -> int:
    """Roles, databases and schemas of the running stack."""
    servers = running_servers()
    migrated = prepare_and_migrate(servers.postgres_dsn(), servers.secrets)
    out({"migrated": migrated}, as_json, [f"newest schema: {', '.join(migrated) or 'no service has migrations'}"])
    return OK
