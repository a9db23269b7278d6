"""The stack of a data folder as other processes see it: whether it runs, how its components are, its servers; and how to stop it.

The process that runs a stack writes `state.json`; its components are probed, so that the status is of now. Called by
`deploy.commands`, and by `stack` beside this module.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy import installation
from deploy.embedded.environment import base_url
from deploy.embedded.failure import StackError
from deploy.embedded.process import ProcessId
from deploy.embedded.servers import EmbeddedServers
from deploy.embedded.services import probe_http
from deploy.failure import Unreachable
from shared.infra.version import distribution_version

STOP_INTERVAL_SECONDS = 0.2
STOP_TIMEOUT_SECONDS = 140.0
"""Gateway 30 s, services 30 s, Kafka 30 s, Valkey 10 s, PostgreSQL 30 s, should each of them use up its grace."""


def home() -> Path:
    """The data folder: FRONTDESK_HOME, else `.frontdesk` in the working folder."""
    return Path(os.environ.get("FRONTDESK_HOME") or ".frontdesk").absolute()


def places(folder: Path) -> dict[str, str]:
    """Folders for a person: relative to the working folder where that is shorter."""
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return {"data": f"{shown}/data", "logs": f"{shown}/logs"}


def status_of(folder: Path, probe: bool = True) -> dict[str, Any]:
    """What runs in a folder, in the shape of `status --json`. Unless to be probed, components are of state `unknown`."""
    servers = EmbeddedServers(folder)
    state = servers.state.load()
    running = state.supervisor is not None and state.supervisor.find() is not None
    rows = state.components if running else []
    return {
        "version": distribution_version(),
        "running": running,
        "ready": bool(rows),
        "supervisor_pid": state.supervisor.pid if running and state.supervisor else None,
        "components": [_component_status(servers, row, state.processes.get(row["name"]), probe) for row in rows],
        "leftovers": [] if running else servers.state.leftovers(),
        "demo": state.demo,
        **places(folder),
    }


def _component_status(servers: EmbeddedServers, row: dict[str, Any], identity: ProcessId | None, probe: bool) -> dict[str, Any]:
    """The row of a component with its pid and, if it is to be probed, how it is."""
    port = int(row["address"].rpartition(":")[2])
    state = "unknown"
    if probe:
        ours = identity is not None and identity.listens(port)
        state = _state_of(servers, row, port) if ours else "unreachable"
    return {**row, "pid": identity.pid if identity else None, "state": state}


def _state_of(servers: EmbeddedServers, row: dict[str, Any], port: int) -> str:
    """`ready` if the component answers as it should, else `unreachable`."""
    try:
        if row["kind"] == "service":
            probe_http(port)
        else:
            servers.attach()
            getattr(servers.servers, row["name"]).probe()
    except Exception:  # noqa: BLE001  # whatever its client raises: it does not answer
        return "unreachable"
    return "ready"


def stop(folder: Path, purge: bool) -> bool:
    """Stop what runs in a folder, leftovers too; `purge` removes its data. Tells whether anything ran.

    One that has just begun holds the folder's lock and may not have said yet who it is: it is waited for, and ended.
    """
    if not folder.exists():
        return False
    servers, ran, give_up = EmbeddedServers(folder), False, time.monotonic() + STOP_TIMEOUT_SECONDS
    while True:
        ran = _end_supervisor(servers) or ran
        try:
            with running_alone(folder):
                leftovers = servers.state.end_leftovers()
                if purge:
                    servers.purge()
            return ran or bool(leftovers)
        except StackError:
            if time.monotonic() > give_up:
                raise
        time.sleep(STOP_INTERVAL_SECONDS)


def _end_supervisor(servers: EmbeddedServers) -> bool:
    """End who runs the folder, if somebody is known to. Tells whether he ran."""
    supervisor = servers.state.load().supervisor
    if supervisor is None or supervisor.find() is None:
        return False
    supervisor.end(STOP_TIMEOUT_SECONDS)
    return True


@contextlib.contextmanager
def running_alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it goes with the process, however that ends. Raises `StackError` if another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise StackError(f"another process is starting or stopping the stack of {folder}\n  try: frontdesk status") from held
        yield


def running_servers() -> EmbeddedServers:
    """The servers of the stack that runs in the data folder. Raises `Unreachable` if none does."""
    folder = home()
    if not status_of(folder, probe=False)["running"]:
        raise Unreachable("nothing is running\n  try: frontdesk up")
    servers = EmbeddedServers(folder)
    servers.attach()
    return servers


def gateway_url(folder: Path) -> str:
    """Address of the running gateway of a folder."""
    rows = {row["name"]: row for row in EmbeddedServers(folder).state.load().components}
    if installation.GATEWAY not in rows:
        raise StackError(f"nothing runs in {folder}\n  try: frontdesk up")
    return base_url(int(rows[installation.GATEWAY]["address"].rpartition(":")[2]))
