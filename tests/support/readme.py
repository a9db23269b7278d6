"""The README as a newcomer pastes it: its shell blocks by section, and how they are run. Called by tests of `up` and compose."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BETWEEN_BLOCKS = "\f"

_SECTION = re.compile(r"^##+ ", re.MULTILINE)
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^\$ (.*)$", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """Text of each section by its heading."""
    return {section.partition("\n")[0]: section for section in _SECTION.split(text)}


def shell_blocks(text: str) -> dict[str, str]:
    """The shell block of each section that has one, by the section's heading."""
    found = {heading: _BLOCK.search(section) for heading, section in sections(text).items()}
    return {heading: block[1] for heading, block in found.items() if block}


def typed_lines(heading: str) -> list[str]:
    """What is to be typed after a prompt in a section of the README."""
    return _TYPED.findall(sections(README)[heading])


def paste(blocks: dict[str, str], environment: dict[str, str], seconds: float) -> dict[str, str]:
    """Output of blocks pasted into one shell one after the other."""
    output = run(f"printf '{BETWEEN_BLOCKS}'\n".join(blocks.values()), environment, seconds)
    return dict(zip(blocks, output.split(BETWEEN_BLOCKS), strict=True))


def run(commands: str, environment: dict[str, str], seconds: float) -> str:
    """Output of commands that say nothing on stderr and end well."""
    done = subprocess.run(
        ["bash", "-c", commands],
        cwd=ROOT, env=environment, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def responses(output: str) -> list[tuple[str, Any]]:
    """Head and body of each answer of `curl -si`."""
    answers = re.split(r"(?=^HTTP/)", output.replace("\r\n", "\n"), flags=re.MULTILINE)
    parts = [answer.partition("\n\n") for answer in answers if answer]
    return [(head.lower(), json.loads(body)) for head, _, body in parts]
