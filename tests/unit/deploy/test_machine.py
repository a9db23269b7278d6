"""What `frontdesk doctor` calls wrong, and that it says what to do about it."""

from pathlib import Path

import pytest

from deploy.commands.machine import DoctorCheck, disk, glibc, memory, python
from deploy.commands.server_checks import clock

LINUX = ("Linux", "x86_64", ("glibc", "2.36"))


@pytest.mark.parametrize(
    ("check", "state"),
    [
        (python((3, 11)), "ok"),
        (python((3, 13)), "ok"),
        (python((3, 10)), "fail"),
        (python((3, 14)), "fail"),
        (glibc(*LINUX), "ok"),
        (glibc("Linux", "x86_64", ("glibc", "2.31")), "warn"),
        (glibc("Linux", "x86_64", ("", "")), "warn"),
        (glibc("Darwin", "arm64", ("", "")), "warn"),
        (disk(5_000, Path("/x")), "ok"),
        (disk(500, Path("/x")), "warn"),
        (disk(100, Path("/x")), "fail"),
        (memory(2_000), "ok"),
        (memory(600), "warn"),
        (memory(100), "fail"),
        (clock("17.10", -0.2), "ok"),
        (clock("17.10", 5), "warn"),
        (clock("17.10", -60), "fail"),
    ],
)
def test_what_is_wrong_comes_with_a_fix(check: DoctorCheck, state: str) -> None:
    assert check.state == state
    assert bool(check.fix) == (state != "ok")
