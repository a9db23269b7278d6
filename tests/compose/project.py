"""One composed system of a test session: a project, a port and an image of its own, gone afterwards with its volumes.

What fails or takes too long says how each container is, and the last lines of its log. Made by `tests/compose/conftest.py`.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence

from deploy import installation
from tests.support.readme import ROOT

SERVICES = installation.names()

STORES = ("kafka", "postgres", "redis")
LAST_LINES = "20"
# Those of a machine with two cores that does much else; on an idle one it is ready within a minute.
UP_SECONDS = 900.0
COMMAND_SECONDS = 120.0


class Project:
    """The containers, what is done to them, and how they are asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "COMPOSE_"))}
        self.image = f"frontdesk:test-{port}"
        own = {"COMPOSE_PROJECT_NAME": f"frontdesk-test-{port}", "PORT": str(port), "FRONTDESK_IMAGE": self.image}
        self.environment: Mapping[str, str] = inherited | own

    def type(self, line: str, seconds: float = UP_SECONDS) -> str:
        """What a line prints that a person types."""
        return self.run(shlex.split(line), seconds)

    def compose(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
        """What `docker compose …` prints."""
        return self.run(("docker", "compose", *arguments), seconds)

    def run(self, command: Sequence[str], seconds: float) -> str:
        """What a command prints that ends well and in time."""
        try:
            return self._finished(command, seconds)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = b"".join(part if isinstance(part, bytes) else (part or "").encode() for part in (error.stdout, error.stderr))
            raise AssertionError(f"{error}\n{said.decode(errors='replace')}\n{self.state()}") from None

    def _finished(self, command: Sequence[str], seconds: float) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT, env=self.environment, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def state(self) -> str:
        """How each container is, and the last lines that it logged."""
        looks = (("ps", "--all"), ("logs", "--no-color", "--tail", LAST_LINES))
        try:
            return "\n".join(self._finished(("docker", "compose", *look), COMMAND_SECONDS) for look in looks)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return f"and its state could not be told: {error}"

    def containers(self) -> dict[str, str]:
        """Id of each container that runs, by its name."""
        lines = self.compose("ps", "--format", "{{.Name}} {{.ID}}").splitlines()
        return dict(line.split() for line in lines)

    def revision(self, container: str) -> str:
        """What the image that it runs was built from."""
        label = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
        return self.run(("docker", "inspect", "--format", label, container), COMMAND_SECONDS).strip()

    def kill(self, service: str) -> None:
        """`kill -9` of the first container of a service. Docker takes it for somebody's wish and does not start it again."""
        self.compose("kill", "--signal", "SIGKILL", service)

    def start(self, service: str) -> None:
        """Brings it back."""
        self.compose("start", service)

    def python(self, service: str, code: str, index: int = 1) -> str:
        """What a piece of Python prints in a container."""
        return self.compose("exec", "--no-TTY", "--index", str(index), service, "python", "-c", code)

    def messages(self, service: str, kind: str, index: int) -> float:
        """How many messages of a type a replica has processed, by its own count."""
        look = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/metrics', timeout=5).read().decode())"
        lines = [line for line in self.python(service, look, index).splitlines() if line.startswith("frontdesk_messages_total{")]
        return sum(float(line.split()[-1]) for line in lines if f'type="{kind}"' in line and 'outcome="processed"' in line)

    def remove(self) -> None:
        """Everything that it left."""
        self.compose("--profile", "tools", "down", "--volumes", "--remove-orphans", "--timeout", "5")
        self.run(("docker", "image", "rm", "--force", self.image), COMMAND_SECONDS)


ALL = (*SERVICES, *STORES)
