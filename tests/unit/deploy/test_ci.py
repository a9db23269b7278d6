"""`.ci/run` cannot leave out the containers where they are required, and the workflow requires them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SECONDS = 20


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but `.ci/run`, beside a `docker` that does not answer and a `make` that notes its targets."""
    made, tools = tmp_path / "checkout", tmp_path / "tools"
    (made / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", made / ".ci" / "run")
    tools.mkdir()
    for tool, does in {"docker": "exit 1", "make": 'echo "$@" >>made'}.items():
        (tools / tool).write_text(f"#!/bin/sh\n{does}\n")
        (tools / tool).chmod(0o755)
    return made


def run(checkout: Path, **given: str) -> int:
    """How `.ci/run` ends."""
    tools = f"{checkout.parent / 'tools'}{os.pathsep}{os.environ['PATH']}"
    inherited = {name: value for name, value in os.environ.items() if name != "REQUIRE_DOCKER"}
    command = ["bash", str(checkout / ".ci" / "run")]
    return subprocess.run(command, env=inherited | {"PATH": tools} | given, timeout=SECONDS, check=False).returncode


def test_without_docker_the_rest_is_run(checkout: Path) -> None:
    assert run(checkout) == 0
    assert (checkout / "made").read_text().splitlines() == ["venv", "lint types", "bench-short", "test"]


def test_without_docker_nothing_passes_where_it_is_required(checkout: Path) -> None:
    assert run(checkout, REQUIRE_DOCKER="1") == 1
    assert not (checkout / "made").exists()


def test_the_workflow_requires_it() -> None:
    (file,) = (ROOT / ".github" / "workflows").iterdir()
    (step,) = [step for step in yaml.safe_load(file.read_text())["jobs"]["test"]["steps"] if step.get("run") == "bash .ci/run"]
    assert step["env"]["REQUIRE_DOCKER"] == "1"
