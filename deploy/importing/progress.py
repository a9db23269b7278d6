"""Shows a person how far an import is, on stderr: a bar by bytes on a terminal, a plain line every few seconds elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.importing.transfer import Tally

PLAIN_SECONDS = 5.0
ShowProgress = Callable[[Tally], None]


@contextlib.contextmanager
def shown(title: str, total_bytes: int | None) -> Iterator[ShowProgress]:
    """Yields what is to be called after every chunk. `total_bytes` is None if the size is not known."""
    screen = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False, markup=False)
    if not screen.is_terminal:
        yield _plain(screen, title, total_bytes)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(title, total=total_bytes)
        yield lambda tally: bar.update(task, completed=tally.read_bytes, description=f"{title}, {tally.lines:,} lines")


def _plain(screen: Console, title: str, total_bytes: int | None) -> ShowProgress:
    shown_at = time.monotonic()

    def show(tally: Tally) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= PLAIN_SECONDS:
            shown_at = time.monotonic()
            part = f", {100 * tally.read_bytes // total_bytes} %" if total_bytes else ""
            screen.print(f"{title}, {tally.lines:,} lines{part}")

    return show
