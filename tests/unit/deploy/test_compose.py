"""What makes the containers hard to misuse stays in `docker-compose.yml` and `deploy/Dockerfile`, line by line."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import addresses, installation
from deploy.compose.secrets import readers
from deploy.embedded import kafka as embedded_kafka
from deploy.installation import ServiceSpec
from shared.contracts.versions import Version
from shared.infra.version import distribution_version
from tests.unit.deploy.fifth import FIFTH

SERVICES = installation.names()

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
INSTRUCTIONS = DOCKERFILE.replace("\\\n", " ").splitlines()
STORES = {"postgres": "postgres:17", "kafka": "apache/kafka:4.2.0", "redis": "redis:8"}
ONE_SHOTS = ("secrets", "setup", "seed", "ready")
TOOLS = ("tools", "psql")
LONG_RUNNING = (*STORES, *SERVICES)
KEYS = {
    *(
        "build",
        "cap_drop",
        "command",
        "cpus",
        "depends_on",
        "dns_opt",
        "entrypoint",
        "environment",
        "healthcheck",
        "image",
        "init",
    ),
    *(
        "logging",
        "mem_limit",
        "network_mode",
        "networks",
        "pids_limit",
        "ports",
        "profiles",
        "pull_policy",
        "read_only",
        "restart",
    ),
    *("scale", "security_opt", "shm_size", "stop_grace_period", "tmpfs", "user", "volumes"),
}
IN_MEMORY = {
    "postgres": ["/tmp:size=64m"],
    "kafka": ["/tmp:size=128m,exec", "/etc/kafka/secrets:size=64k", "/mnt/shared/config:size=64k"],
    "redis": ["/tmp:size=1m", "/data:size=1m"],
}
HEALTH = {
    "postgres": (["pg_isready", "--quiet", "--host=127.0.0.1", "--username=postgres"], "180s"),
    "kafka": (["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9092"], "180s"),
    "redis": (["redis-cli", "ping"], "60s"),
}
every_container = pytest.mark.parametrize("name", CONTAINERS)


def test_every_container_is_known_here() -> None:
    assert set(CONTAINERS) == {*LONG_RUNNING, *ONE_SHOTS, *TOOLS}


@every_container
def test_a_container_gets_no_rights(name: str) -> None:
    container = CONTAINERS[name]
    assert container["cap_drop"] == ["ALL"] and "cap_add" not in container
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["read_only"] is True
    assert container["tmpfs"] == IN_MEMORY.get(name, ["/tmp:size=16m"])
    assert container.keys() <= KEYS, "a key that is new here gives away no right of the host's: privileged, pid, userns_mode, …"


@every_container
def test_a_container_has_limits(name: str) -> None:
    container = CONTAINERS[name]
    assert container["mem_limit"] in {"256m", "512m", "1g"}
    assert 0 < container["cpus"] <= 1, "more than a host may have refuses to start there"
    assert 0 < container["pids_limit"] <= 512
    assert container["stop_grace_period"] == "35s"
    assert container["dns_opt"] == ["timeout:1", "attempts:2"], "or a store that is down holds up what asks another"
    assert container["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


@every_container
def test_a_container_comes_back_unless_it_is_done(name: str) -> None:
    assert CONTAINERS[name]["restart"] == ("unless-stopped" if name in LONG_RUNNING else "no")


@every_container
def test_no_container_runs_as_root(name: str) -> None:
    ours = CONTAINERS[name]["image"].startswith("${FRONTDESK_IMAGE:-frontdesk:")
    runs_as = {"postgres": "postgres", "redis": "redis", "psql": "10001:10001"}
    # Our image and Kafka's name their user themselves.
    assert CONTAINERS[name].get("user") == runs_as.get(name)
    assert ours or name in {*STORES, "psql"}


@every_container
def test_nothing_secret_is_in_the_file(name: str) -> None:
    given = CONTAINERS[name].get("environment", {})
    secret = re.compile(r"PASS|KEY|SECRET|TOKEN|://[^/]*:[^/]*@", re.IGNORECASE)
    assert [
        f"{key}={value}" for key, value in given.items() if secret.search(f"{key}={value}") and "/run/secrets/" not in value
    ] == []


def test_a_container_reads_its_own_secrets_only() -> None:
    read_only = {
        name: [v for v in container.get("volumes", []) if ":/run/secrets" in v] for name, container in CONTAINERS.items()
    }
    assert {name: mounts for name, mounts in read_only.items() if mounts} == {
        "postgres": ["secrets-postgres:/run/secrets:ro"],
        **{service: [f"secrets-{service}:/run/secrets:ro"] for service in SERVICES},
        **{tool: ["secrets-tools:/run/secrets:ro"] for tool in TOOLS},
    }
    writers = [name for name, container in CONTAINERS.items() if any(":/secrets/" in v for v in container.get("volumes", []))]
    assert writers == ["secrets", "setup"]
    assert CONTAINERS["setup"]["volumes"] == ["secrets-setup:/secrets/setup:ro"]


def test_only_the_gateway_is_reached_from_outside_and_only_from_this_host() -> None:
    assert {name: container["ports"] for name, container in CONTAINERS.items() if "ports" in container} == {
        "gateway": ["127.0.0.1:${PORT:-8000}:8000"]
    }
    assert COMPOSE["networks"] == {"inside": {"internal": True}, "door": {}}
    elsewhere = {name: container["networks"] for name, container in CONTAINERS.items() if container["networks"] != ["inside"]}
    assert elsewhere == {"gateway": ["inside", "door"], "secrets": []}
    assert {name: container["network_mode"] for name, container in CONTAINERS.items() if "network_mode" in container} == {
        "secrets": "none"
    }


@pytest.mark.parametrize("name", STORES)
def test_a_store_is_the_version_that_is_promised_and_says_how_it_is(name: str) -> None:
    assert CONTAINERS[name]["image"] == STORES[name]
    command, start = HEALTH[name]
    often = {"interval": "2s", "timeout": "5s", "retries": 5, "start_period": start}
    assert CONTAINERS[name]["healthcheck"] == {"test": ["CMD", *command], **often}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_when_what_it_needs_is_healthy(name: str) -> None:
    needed = {other: dependency["condition"] for other, dependency in CONTAINERS[name]["depends_on"].items()}
    assert needed.items() >= {"setup": "service_completed_successfully", **dict.fromkeys(STORES, "service_healthy")}.items()
    called = [spec.name for spec in installation.called_by_gateway()]
    assert (name != "gateway") or needed.items() >= dict.fromkeys(called, "service_healthy").items()
    assert "healthcheck" not in CONTAINERS[name], "the image's own"
    assert CONTAINERS[name]["command"] == ["python", "-m", f"services.{name}"]


def lacking(spec: ServiceSpec) -> list[str]:
    """What the file lacks of a service that the table has."""
    own, gateway, tools = (CONTAINERS.get(name, {}) for name in (spec.name, "gateway", "tools"))
    address, volume = f"http://{spec.name}:8000", f"secrets-{spec.name}"
    keys = {f"{setting}_FILE": f"/run/secrets/{key}" for key, setting in spec.key_settings.items()}
    there = {
        "command": own.get("command") == ["python", "-m", f"services.{spec.name}"],
        "secrets": own.get("volumes") == [f"{volume}:/run/secrets:ro"],
        "keys": keys.items() <= own.get("environment", {}).items(),
        "volume": volume in COMPOSE["volumes"] and f"{volume}:/secrets/{spec.name}" in CONTAINERS["secrets"]["volumes"],
        "gateway": not spec.called_by_gateway or gateway["environment"].get(spec.url_setting) == address,
        "gateway waits": not spec.called_by_gateway or spec.name in gateway["depends_on"],
        "tools": not spec.takes_imports or tools["environment"].get(spec.url_variable) == address,
    }
    return [what for what, is_there in there.items() if not is_there]


@pytest.mark.parametrize("spec", installation.SERVICES, ids=lambda spec: spec.name)
def test_a_service_has_its_block(spec: ServiceSpec) -> None:
    assert lacking(spec) == []


def test_a_service_without_its_block_is_found() -> None:
    assert lacking(FIFTH) == ["command", "secrets", "keys", "volume", "gateway", "gateway waits", "tools"]


def test_the_gateway_is_told_of_no_service_that_it_does_not_call() -> None:
    given = CONTAINERS["gateway"]["environment"].items()
    told = {name for name, value in given if str(value).startswith("http://")}
    assert told == {spec.url_setting for spec in installation.called_by_gateway()}


def test_the_image_has_a_folder_for_each_reader_of_secrets(tmp_path: Path) -> None:
    """The image's instruction as it is, but for the place and for the owner, who is not here."""
    mounted = {volume.rpartition("/")[2] for volume in CONTAINERS["secrets"]["volumes"]}
    assert mounted == set(readers())
    [instruction] = [line for line in INSTRUCTIONS if line.startswith("RUN readers=")]
    command = instruction.removeprefix("RUN ").replace("-o 10001 -g 10001", "").replace("/secrets/", f"{tmp_path}/")
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run(["sh", "-c", command], env={"PATH": path, "PYTHONPATH": str(ROOT)}, check=True, timeout=60)
    modes = {folder.name: folder.stat().st_mode & 0o777 for folder in tmp_path.iterdir()}
    assert modes == {reader: 0o755 if reader == "postgres" else 0o700 for reader in readers()}


def test_what_ends_is_waited_for() -> None:
    """`docker compose up --wait` takes a container that ended for a failure unless a service waits for its end."""
    waited = {
        other
        for container in CONTAINERS.values()
        for other, dependency in container.get("depends_on", {}).items()
        if dependency["condition"] == "service_completed_successfully"
    }
    assert waited == {"secrets", "setup", "seed"}
    assert CONTAINERS["ready"]["scale"] == 0
    assert all(CONTAINERS[tool]["profiles"] == ["tools"] for tool in TOOLS)


def test_data_outlives_its_container() -> None:
    kept = {volume.partition(":")[0] for container in CONTAINERS.values() for volume in container.get("volumes", [])}
    assert kept == set(COMPOSE["volumes"])
    assert set(COMPOSE["volumes"].values()) == {None}, "none is a folder of the host"
    assert "postgres-data:/var/lib/postgresql/data" in CONTAINERS["postgres"]["volumes"]
    assert "kafka-data:/var/lib/kafka/data" in CONTAINERS["kafka"]["volumes"]
    assert CONTAINERS["kafka"]["environment"]["KAFKA_LOG_DIRS"].startswith("/var/lib/kafka/data/")


def test_kafka_is_set_as_on_the_embedded_stack() -> None:
    """What concerns addresses, and the machine that it has for itself, differs."""
    embedded = {name: str(value) for name, value in embedded_kafka.settings(Path("/data"), 9092, 9093).items()}
    composed = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in CONTAINERS["kafka"]["environment"].items()
        if name.startswith("KAFKA_") and not name.startswith(("KAFKA_HEAP", "KAFKA_LOG4J"))
    }
    own = {"controller.quorum.voters", "listeners", "advertised.listeners", "log.dirs", "num.network.threads", "num.io.threads"}
    assert {k: v for k, v in composed.items() if k not in own} == {k: v for k, v in embedded.items() if k not in own}


def test_kafka_writes_no_logs_into_its_memory() -> None:
    """`LOG_DIR` is there: a file an hour of each logger, and those of the collector, would fill it within weeks."""
    given = CONTAINERS["kafka"]["environment"]
    levels = dict(pair.split("=") for pair in given["KAFKA_LOG4J_LOGGERS"].split(","))
    kafka, cleaner = "org.apache.kafka", "org.apache.kafka.storage.internals.log"
    files = ("state.change.logger", "kafka.authorizer.logger", f"{kafka}.controller", f"{cleaner}.Cleaner")
    cleaners = (f"{cleaner}.LogCleaner", f"{cleaner}.LogCleaner$$CleanerThread")
    assert levels == dict.fromkeys(("kafka", kafka, *files, *cleaners), "WARN")
    assert given["KAFKA_LOG4J_ROOT_LOGLEVEL"] == "WARN"
    assert given["EXTRA_ARGS"] == "-name kafkaServer", "without -loggc, which the script adds by itself"
    assert given["LOG_DIR"].startswith("/tmp/")


def test_a_line_of_the_log_of_postgres_begins_apart_from_its_prefix() -> None:
    assert "-clog_line_prefix=%m [%p] %u@%d " in CONTAINERS["postgres"]["command"]


def test_the_image_is_built_of_locked_packages_by_two_stages() -> None:
    assert [line for line in INSTRUCTIONS if line.startswith("FROM ")] == [
        "FROM python:3.13-slim AS builder",
        "FROM python:3.13-slim",
    ]
    installs = [line for line in INSTRUCTIONS if "pip" in line and " install " in line]
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installs)
    assert "requirements.lock" in installs[0]
    assert "# syntax=" not in DOCKERFILE


def test_the_image_runs_as_a_numeric_user_and_asks_itself_how_it_is() -> None:
    runtime = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^\s*USER .*$", runtime, re.MULTILINE | re.IGNORECASE) == ["USER 10001:10001"]
    assert re.findall(r"^\s*HEALTHCHECK .*$", runtime, re.MULTILINE | re.IGNORECASE) == [
        "HEALTHCHECK --interval=4s --timeout=4s --start-period=180s --retries=3 "
        'CMD ["python", "-m", "deploy.compose.healthcheck"]'
    ]
    assert {"PYTHONSAFEPATH=1", "PYTHONUNBUFFERED=1"} <= set(runtime.split())
    assert "pip" not in re.sub(r"^#.*$", "", runtime, flags=re.MULTILINE)
    assert not re.search(r"^(ARG|ENV) .*(PASS|SECRET|TOKEN|KEY)", DOCKERFILE, re.MULTILINE)


def test_the_image_says_what_it_is() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', DOCKERFILE))
    assert labels.keys() == {"title", "description", "version", "revision", "licenses"}
    assert labels["version"] == distribution_version()
    assert CONTAINERS["booking"]["image"] == f"${{FRONTDESK_IMAGE:-frontdesk:{distribution_version()}}}"
    assert Version.PRESENT == distribution_version()
    assert CONTAINERS["booking"]["environment"]["FRONTDESK_OLDEST_VERSION"] == f"${{FRONTDESK_OLDEST_VERSION:-{Version.PRESENT}}}"


def test_the_context_of_the_build_is_a_list_of_what_is_needed() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    files = ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "README.md", "LICENSE")
    folders = ("deploy", "services", "shared")
    assert lines == ["*", *(f"!{name}" for name in (*files, *folders)), "**/__pycache__"]
    assert {name: container["build"]["context"] for name, container in CONTAINERS.items() if "build" in container} == {
        "secrets": "."
    }


def test_the_override_opens_the_integration_test_and_nothing_else() -> None:
    override = yaml.safe_load((ROOT / "docker-compose.integration.yml").read_text())
    assert override == {"services": {"gateway": {"environment": {"ENVIRONMENT": "integration-test"}}}}
    assert CONTAINERS["gateway"]["environment"]["ENVIRONMENT"] == "development"


def test_tools_know_where_everything_is_that_they_ask() -> None:
    given = {name.removesuffix("_FILE") for name in CONTAINERS["tools"]["environment"]}
    assert given == {*addresses.variables(), "FRONTDESK_HOME"}
    assert {CONTAINERS["tools"]["environment"][spec.url_variable] for spec in installation.import_owners()} == {
        f"http://{spec.name}:8000" for spec in installation.import_owners()
    }
