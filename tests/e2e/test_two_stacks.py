"""Two systems started at the same moment on one machine: each has ports, processes and data of its own."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from deploy.embedded.ports import any_free
from deploy.exit_codes import OK
from tests.support.shell import own_environment

pytestmark = [pytest.mark.slow, pytest.mark.embedded]

START_SECONDS = 110
FRONTDESK = Path(sys.executable).with_name("frontdesk")


class Home:
    """A data folder, and the commands of who works in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="frontdesk-home-"))
        self.folder.chmod(0o755)  # PostgreSQL may run under another account than ours
        inherited = own_environment()
        self._environment = inherited | {"FRONTDESK_HOME": str(self.folder), "NO_COLOR": "1"}
        self.port = any_free()

    def begin(self, *command: str) -> "subprocess.Popen[str]":
        """A command that is under way."""
        return subprocess.Popen(
            [str(FRONTDESK), *command], env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def status(self) -> dict[str, str]:
        """Address of each component that answers."""
        said, _ = self.begin("status", "--json").communicate(timeout=START_SECONDS)
        return {row["name"]: row["address"] for row in json.loads(said)["components"] if row["state"] == "ready"}


@pytest.fixture
def homes() -> Iterator[list[Home]]:
    made = [Home(), Home()]
    yield made
    for end in [one.begin("down", "--purge") for one in made]:
        end.communicate(timeout=START_SECONDS)
    for one in made:
        shutil.rmtree(one.folder, ignore_errors=True)


def test_two_systems_that_start_together_have_nothing_in_common(homes: list[Home]) -> None:
    starts = [home.begin("up", "--detach", "--port", str(home.port)) for home in homes]
    for start in starts:
        said, _ = start.communicate(timeout=START_SECONDS)
        assert start.returncode == OK, said
    ours, theirs = (home.status() for home in homes)
    assert len(ours) == len(theirs) == 7, "every component answers, and is the one that its own stack has started"
    assert not set(ours.values()) & set(theirs.values())
    made = httpx2.post(f"http://{ours['gateway']}/api/v1/doctors", json={"name": "Dr One", "code": "ONLY-HERE"}, timeout=30)
    assert made.status_code == 201
    here, there = (
        httpx2.get(f"http://{addresses['gateway']}/api/v1/doctors", params={"q": "ONLY-HERE"}, timeout=30).json()["items"]
        for addresses in (ours, theirs)
    )
    assert (len(here), there) == (1, [])
