"""What `frontdesk up` and `status` print: the table of components, where things are, what to type next.

Plain lines without a terminal, no colour with NO_COLOR (rich sees to both). Pure text is made by functions of its own.
"""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from deploy import installation
from deploy.embedded.jars import DownloadProgress
from deploy.embedded.ports import LOOPBACK
from shared.infra.version import distribution_version

LARGE_FILE_BYTES = 2_000_000
BYTES_PER_MB = 1_000_000
TITLE_WIDTH = 18
ADDRESS_WIDTH = 18


def console() -> Console:
    """Where everything for a person goes."""
    return Console(highlight=False, soft_wrap=True, emoji=False, markup=False)


def heading() -> str:
    return f" Frontdesk {distribution_version()}   embedded stack, for development only (open access, loopback)"


def component_line(title: str, port: int, seconds: float, note: str = "") -> str:
    """Row of a server in the table."""
    address = f"{LOOPBACK}:{port}"
    return f"  ✓ {title:<{TITLE_WIDTH}}{address:<{ADDRESS_WIDTH}}{seconds:>5.1f} s{f'   ({note})' if note else ''}"


def ticks(names: Sequence[str], end: str = "") -> str:
    """Row of things that need no address."""
    line = "  " + "  ".join(f"✓ {name}" for name in names)
    return f"{line:<56} {end}" if end else line


def status_lines(status: dict[str, Any]) -> list[str]:
    """The whole table of a stack that runs, as `up` printed it."""
    servers = [row for row in status["components"] if row["kind"] == "server"]
    services = [row for row in status["components"] if row["kind"] == "service"]
    return [
        heading(),
        *(f"  {_mark(row)} {row['title']:<{TITLE_WIDTH}}{row['address']:<{ADDRESS_WIDTH}}{row['state']}" for row in servers),
        "  " + "  ".join(f"{_mark(row)} {row['name']}" for row in services),
        *place_lines(status),
    ]


def _mark(row: dict[str, Any]) -> str:
    return "✓" if row["state"] == "ready" else "✗"


def place_lines(status: dict[str, Any]) -> list[str]:
    """Where everything is, something to try and the next commands."""
    rows = {row["name"]: row for row in status["components"]}
    gateway = f"http://{rows[installation.GATEWAY]['address']}"
    services = [row for row in rows.values() if row["kind"] == "service" and row["name"] != installation.GATEWAY]
    behind = " ".join(row["address"].rpartition(":")[2] for row in services)
    stores = f"{rows['kafka']['address']} · postgresql://{rows['postgres']['address']} · redis://{rows['valkey']['address']}"
    return [
        f"  API        {gateway}/api/v1     docs /docs",
        f"  Metrics    {gateway}/metrics    services: {behind}",
        f"  Stores     {stores}   (passwords: frontdesk env)",
        f"  Data, logs {status['data']} · {status['logs']}/<service>.jsonl",
        *try_it_lines(gateway, status["demo"]),
        next_line(shutil.which("frontdesk") is not None),
    ]


def next_line(on_path: bool) -> str:
    """The next commands, as they can be typed: who came by `make up` has not activated `.venv`."""
    before = "" if on_path else f" (after: . {_activate()})"
    return f" Next{before}: frontdesk demo · frontdesk status · frontdesk logs -f booking · frontdesk down"


def _activate() -> str:
    script = Path(sys.executable).with_name("activate")
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)


def try_it_lines(gateway: str, demo: dict[str, str] | None) -> list[str]:
    """A booking that works as pasted, with ids of the demo clinic."""
    if demo is None:
        return []
    body = f'{{"doctor_id": "{demo["doctor_id"]}", "patient_id": "{demo["patient_id"]}", "date": "\'$(date -u +%F)\'"}}'
    return [f" Try it:  curl -s {gateway}/api/v1/appointments -H 'Content-Type: application/json' -d '{body}'"]


@contextlib.contextmanager
def download_progress(screen: Console) -> Iterator[DownloadProgress]:
    """Progress of Kafka's jars: a bar on a terminal, a line for each large file elsewhere."""
    if not screen.is_terminal:
        yield _plain_progress(screen)
        return
    columns = (TextColumn("  fetching Kafka once, for all stacks"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("jars", total=0)
        size = 0

        @contextlib.contextmanager
        def one(_: str, size_bytes: int) -> Iterator[Any]:
            nonlocal size
            size += size_bytes
            bar.update(task, total=size)
            yield lambda count: bar.advance(task, count)

        yield one


def _plain_progress(screen: Console) -> DownloadProgress:
    @contextlib.contextmanager
    def one(name: str, size_bytes: int) -> Iterator[Any]:
        if size_bytes >= LARGE_FILE_BYTES:
            screen.print(f"  fetching {name}, {size_bytes / BYTES_PER_MB:.1f} MB")
        yield lambda _: None

    return one
