"""The commands of the embedded stack: start, stop, look at it, prepare its stores."""

import os
import shlex
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from deploy import addresses, environment
from deploy.commands.machine import missing_packages
from deploy.commands.output import out
from deploy.databases import SERVICES
from deploy.embedded import report
from deploy.embedded.stack import Stack, gateway_url, home, migrate, running_servers, status_of, stop
from deploy.exit_codes import FAILED, OK, UNREACHABLE
from deploy.failure import Failure, NotThere

SUPERVISOR_LOG = "supervisor.log"
READY_TIMEOUT_SECONDS = 240.0
POLL_SECONDS = 0.2


def up(port: int, detach: bool) -> int:
    """Run the stack until it is stopped, or only print the table if it runs already."""
    folder = home()
    if status_of(folder, probe=False)["running"]:
        return _print_running(folder)
    if missing := missing_packages():
        raise Failure(
            f"the embedded servers are not installed: {', '.join(missing)}\n  try: make venv, or: docker compose up --wait"
        )
    if detach:
        return _detach(folder, port)
    Stack(folder, port).run()
    return OK


def down(purge: bool, as_json: bool) -> int:
    """Stop the stack."""
    stopped = stop(home(), purge)
    out({"stopped": stopped, "purged": purge}, as_json, ["stopped" if stopped else "nothing was running", *_kept(purge)])
    return OK


def _kept(purge: bool) -> list[str]:
    return ["data removed" if purge else f"data is kept in {home()}"]


def status(as_json: bool) -> int:
    """What runs where; 4 if nothing does, 1 if something does not answer."""
    found = status_of(home())
    if not found["running"]:
        left = f", but an earlier run left {', '.join(found['leftovers'])}" if found["leftovers"] else ""
        out(found, as_json, [f"nothing is running{left}; try: frontdesk up"])
        return UNREACHABLE
    out(found, as_json, report.status_lines(found) if found["ready"] else ["starting; see: frontdesk logs"])
    return OK if found["ready"] and all(row["state"] == "ready" for row in found["components"]) else FAILED


def run_migrations(as_json: bool) -> int:
    """Roles, databases and schemas of the running stack."""
    migrated = migrate(running_servers())
    out({"migrated": migrated}, as_json, [f"newest schema: {', '.join(migrated) or 'no service has migrations'}"])
    return OK


def seed(as_json: bool) -> int:
    """The demo clinic of the running stack."""
    from deploy.seed import seed as make

    demo = make(gateway_url(running_servers().folder))
    lines = [f"doctors  {' '.join(demo.doctor_ids)}", f"patients {' '.join(demo.patient_ids)}"]
    lines += [f"gone     {what}" for what in demo.missing]
    out(asdict(demo), as_json, lines)
    return OK


def env(service: str | None, as_json: bool) -> int:
    """Addresses of the stack, or the settings of one service, as a shell can read them."""
    if service is not None and service not in SERVICES:
        raise NotThere(f"no service is called {service}; there are: {', '.join(SERVICES)}")
    values = addresses.of_embedded_stack() if service is None else _settings(service)
    out(values, as_json, [f"export {name}={shlex.quote(value)}" for name, value in values.items()])
    return OK


def _settings(service: str) -> dict[str, str]:
    servers = running_servers()
    return environment.settings_of(service, service, servers, servers.state.load().ports)


def logs(component: str | None, follow: bool) -> int:
    """Print logs, of one component or of all."""
    from deploy.embedded.logs import files, print_logs

    folder = home() / "logs"
    known = sorted(files(folder))
    if component is not None and component not in known:
        raise NotThere(f"no log is called {component}; there are: {', '.join(known) or 'none'}")
    print_logs(folder, component, follow)
    return OK


def _print_running(folder: Path) -> int:
    """`up` again: wait if it is still starting, print the table."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while (found := status_of(folder))["running"] and not found["ready"] and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if not found["ready"]:
        raise Failure(f"the stack that was starting in {folder} did not become ready\n  try: frontdesk logs supervisor")
    screen = report.console()
    for line in report.status_lines(found):
        screen.print(line)
    return OK


def _detach(folder: Path, port: int) -> int:
    """Start the supervisor in a session of its own and show what it prints until it is ready or has failed."""
    log = folder / "logs" / SUPERVISOR_LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        shown = output.tell()
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "up", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "FRONTDESK_HOME": str(folder), "PYTHONUNBUFFERED": "1", "PYTHONPATH": _import_path()},
        )
    ready = False
    while not ready and child.poll() is None:
        found = status_of(folder, probe=False)
        ready = found["ready"] and found["supervisor_pid"] == child.pid
        shown = _show(log, shown)
        time.sleep(POLL_SECONDS)
    _show(log, shown)
    return OK if ready else child.returncode or FAILED


def _import_path() -> str:
    return environment.process_environment({})["PYTHONPATH"]


def _show(log: Path, start: int) -> int:
    """Print what a log has from a position on; the position after it."""
    with log.open("rb") as file:
        file.seek(start)
        new = file.read()
    sys.stdout.write(new.decode(errors="replace"))
    sys.stdout.flush()
    return start + len(new)
