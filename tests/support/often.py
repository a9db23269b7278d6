"""`make test-often`: the whole suite ten times over, which finds what fails now and then. It goes on where it was stopped.

Five runs by themselves, two each beside another one on the same machine, three that begin at five to midnight (UTC) by a clock
that is put forward. How each ended is a line of `.test-often/<commit>.jsonl`, with its output beside it. A commit that has failed
once is not mended by another try: what was found is mended in a new commit, which begins at the first run.
"""

import datetime as dt
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".test-often"
PLAN = ("alone",) * 5 + ("beside",) * 2 + ("midnight",) * 3
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"
PRELOADED, CLOCK = Path("/etc/ld.so.preload"), Path("/etc/faketimerc")


@dataclass(frozen=True)
class Result:
    """How one run ended: the exit code, the seconds that it took, and pytest's last line."""

    number: int
    kind: str
    code: int
    seconds: int
    last: str


def main() -> int:
    """Plays what is left of the plan on the commit that is checked out; says how many of all runs were green."""
    if _git("status", "--porcelain"):
        raise SystemExit("There are changes that are not committed, and results are kept by commit: commit them first.")
    commit = _git("rev-parse", "--short=12", "HEAD")
    results = FOLDER / f"{commit}.jsonl"
    FOLDER.mkdir(exist_ok=True)
    done = results.read_text().splitlines() if results.exists() else []
    for number, kind in list(enumerate(PLAN, 1))[len(done) :]:
        result = _run(number, kind, FOLDER / f"{commit}-{number}")
        with results.open("a") as lines:
            lines.write(json.dumps(asdict(result)) + "\n")
    ended = [Result(**json.loads(line)) for line in results.read_text().splitlines()]
    for one in ended:
        colour = "red" if one.code else "green"
        sys.stdout.write(f"{one.number:2} {one.kind:8} {colour:5} {one.seconds:5} s  {one.last}\n")
    return int(any(one.code for one in ended))


def _run(number: int, kind: str, output: Path) -> Result:
    """One run of the plan; beside another one, both have to be green."""
    began = time.monotonic()
    command = _at_five_to_midnight(output) if kind == "midnight" else ["make", "test"]
    logs = [output.with_suffix(f".{name}.log") for name in ("first", "second")[: 2 if kind == "beside" else 1]]
    with_logs = [(subprocess.Popen(command, cwd=ROOT, stdout=log.open("w"), stderr=subprocess.STDOUT), log) for log in logs]
    codes = [process.wait() for process, _ in with_logs]
    lasts = [_last_line(log) for log in logs]
    return Result(number, kind, max(codes, key=abs), round(time.monotonic() - began), "; ".join(lasts))


def _at_five_to_midnight(output: Path) -> Sequence[str]:
    """The command in a mount namespace in which every program loads libfaketime. Needs root, and the package of that name."""
    [library, *_] = Path("/").glob(FAKETIME.lstrip("/")) or [None]
    if library is None or shutil.which("unshare") is None:
        raise SystemExit("A clock that is put forward needs root, unshare and libfaketime (apt-get install libfaketime).")
    now = dt.datetime.now(dt.UTC)
    forward = (now.replace(hour=23, minute=55, second=0) - now) % dt.timedelta(days=1)
    contents = {PRELOADED: str(library), CLOCK: f"+{forward.seconds}s"}
    script = []
    for target, text in contents.items():
        target.touch()
        source = output.with_suffix(f".{target.name}")
        source.write_text(f"{text}\n")
        script.append(f"mount --bind {source} {target}")
    return ["unshare", "--mount", "bash", "-c", " && ".join([*script, "exec make test"])]


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if " passed" in line or " failed" in line]
    return lines[-1].strip("= ") if lines else "no last line of pytest"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
