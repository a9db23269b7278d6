"""Kafka's jars: fetched once into a cache that all stacks of a user share, complete or absent.

What was fetched is compared with the hashes of `kafka.sha256`, so a broken or a different jar never runs. Kafka logs
through slf4j-simple: beside log4j's artifacts their bill of materials would drag kafka-clients down to 3.9.1.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tenacity import Retrying, stop_after_attempt, wait_exponential

KAFKA_VERSION = "4.2.0"
COORDINATES = (f"org.apache.kafka:kafka_2.13:jar:{KAFKA_VERSION}:compile", "org.slf4j:slf4j-simple:jar:1.7.36:compile")
HASHES = Path(__file__).with_name("kafka.sha256")
ATTEMPTS = 4

# Called with each download: its name and size in bytes; yields what is to be called with each chunk's bytes.
DownloadProgress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def kafka_jars(progress: DownloadProgress | None = None) -> list[Path]:
    """Paths of Kafka's jars; the first call of a user downloads them (about 100 files, half a minute)."""
    folder = cache_folder() / f"kafka-{KAFKA_VERSION}"
    if not folder.exists():
        with only_one(folder.with_name(f"{folder.name}.lock")):
            if not folder.exists():
                _fetch(folder, progress)
    return sorted(folder.glob("*.jar"))


def cached() -> bool:
    """Whether no download is needed."""
    return (cache_folder() / f"kafka-{KAFKA_VERSION}").exists()


def cache_folder() -> Path:
    """Cache of this user, shared by all stacks."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "frontdesk"


@contextlib.contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Two stacks that start together do once what is behind this lock."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(folder: Path, progress: DownloadProgress | None) -> None:
    """Download into a folder beside it and rename that; what an earlier try got in whole is not fetched again."""
    repository = folder.with_name(f"{folder.name}.repository")
    partial = folder.with_name(f"{folder.name}.partial")
    retrying = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=wait_exponential(max=10), reraise=True)
    jars = retrying(_resolve_whole, repository, progress)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for jar in jars:
        jar.rename(partial / jar.name)
    partial.rename(folder)
    shutil.rmtree(repository)


def _resolve_whole(repository: Path, progress: DownloadProgress | None) -> list[Path]:
    """One try; what it leaves when it fails is sorted out by the next."""
    hashes = pinned_hashes()
    _drop_broken(repository, hashes)
    jars = _resolve(repository, progress)
    verify(jars, hashes)
    return jars


def _resolve(repository: Path, progress: DownloadProgress | None) -> list[Path]:
    """All jars, transitive ones too, downloaded into a repository folder."""
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(resolver=PythonResolver(progress_callback=progress), repo_cache=repository, timeout=30)
    inputs, transitive = context.resolver.resolve([context.create_dependency(name) for name in COORDINATES])
    needed = [found.artifact for found in [*inputs, *transitive] if found.scope in ("compile", "runtime")]
    return [artifact.resolve() for artifact in needed]


def _drop_broken(repository: Path, hashes: dict[str, str]) -> None:
    """Forget what an interrupted try left: jars that are not whole, and the (small) descriptions of all."""
    for description in repository.rglob("*.pom"):
        description.unlink()
    for jar in repository.rglob("*.jar"):
        if sha256_of(jar) != hashes.get(jar.name):
            jar.unlink()


def verify(jars: list[Path], hashes: dict[str, str]) -> None:
    """Raise unless exactly the pinned jars are there, byte for byte."""
    found = {jar.name: sha256_of(jar) for jar in jars}
    wrong = sorted(name for name in found.keys() | hashes.keys() if found.get(name) != hashes.get(name))
    if wrong:
        raise RuntimeError(f"downloaded jars differ from {HASHES.name}: {', '.join(wrong)}")


def pinned_hashes() -> dict[str, str]:
    """Name and SHA-256 of each jar, in the format of `sha256sum`."""
    pairs = (line.split() for line in HASHES.read_text().splitlines())
    return {name: digest for digest, name in pairs}


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
