"""`frontdesk` as operations call it, knowing the servers by their addresses only.

Run in this process: a hundred interpreters would cost more than all that they are asked. `tests/unit/deploy` starts real ones.
"""

import asyncio
import json
from typing import Any

from typer.testing import CliRunner, Result

from deploy.cli import app


class Cli:
    """Runs `frontdesk`, one command at a time; `addresses` are what `frontdesk env` prints."""

    def __init__(self, addresses: dict[str, str]) -> None:
        # No stack runs in this folder: what an address does not say is not found elsewhere.
        self.environment = {"NO_COLOR": "1", "FRONTDESK_HOME": "/nonexistent/frontdesk", **addresses}
        self._runner = CliRunner()

    async def run(self, *arguments: str, **changes: str) -> Result:
        """What became of a command; an error that it let out is raised here."""
        environment = self.environment | changes
        done = await asyncio.to_thread(self._runner.invoke, app, list(arguments), env=environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    async def text(self, *arguments: str, code: int = 0) -> str:
        """What it said to a person, having ended with this code."""
        done = await self.run(*arguments)
        assert done.exit_code == code, (done.stdout, done.stderr)
        return str(done.stdout)

    async def json(self, *arguments: str, code: int = 0) -> Any:
        """What it said as JSON."""
        return json.loads(await self.text(*arguments, code=code))
