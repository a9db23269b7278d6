"""What is shown of a benchmark: every figure beside its limit, and a picture that can be read."""

import re
from xml.etree import ElementTree

import pytest

from benchmarks import plot, report
from benchmarks.figures import Load
from benchmarks.measured import Measured


def load(per_second: int) -> Load:
    return Load(1.0, [10.0] * per_second, others=0, all_answers=per_second, asked=per_second, cpu_seconds=0.1)


@pytest.fixture
def measured() -> Measured:
    """Two rounds: with 256 in flight 4 and 6 times the monolith."""
    made = Measured((1, 256), pgbench=[2_000.0, 1_000.0], idle_cores=0.1)
    for level, ours, theirs in ((1, (50, 40), (100, 100)), (256, (1_200, 600), (300, 100))):
        made.loads["frontdesk", level] = [load(rate) for rate in ours]
        made.loads["monolith", level] = [load(rate) for rate in theirs]
        made.cost_us["frontdesk", level] = [{"gateway": 500.0, "postgres": 100.0, "monolith": 3.0}] * 2
        made.cost_us["monolith", level] = [{"gateway": 9.0, "postgres": 200.0, "monolith": 3_000.0}] * 2
    return made


def test_each_figure_stands_beside_its_limit(measured: Measured) -> None:
    speed = report.tables(measured).split("\n\n")[0].splitlines()
    assert speed[2] == "| 1 | 45 (40-50) |  | 100 | 0.5 (0.4-0.5) |  | 1,500 (1,000-2,000) | 0.03 (0.03-0.04) |"
    assert speed[3].split(" | ")[1:6] == [
        "900 (600-1,200)", "≥ 1,000: not reached", "200 (100-300)", "5.0 (4.0-6.0)", "≥ 5.0: reached",
    ]  # fmt: skip


def test_a_bookings_cost_is_that_of_who_takes_part(measured: Measured) -> None:
    costs = report.tables(measured).split("\n\n")[2]
    assert "| frontdesk | 600 | gateway 500, postgres 100 |" in costs
    assert "| monolith | 3,200 | monolith 3,000, postgres 200 |" in costs


def test_the_picture_has_a_line_for_each_and_stays_within_its_frame(measured: Measured) -> None:
    picture = ElementTree.fromstring(plot.svg(measured))
    texts = [node.text for node in picture.iter() if node.tag.endswith("text")]
    assert {"frontdesk", "monolith", "pgbench", "clients in flight"} <= set(texts)
    for node in picture.iter():
        x, y = (float(node.get(name) or node.get(f"c{name}") or 0) for name in ("x", "y"))
        assert 0 <= x <= plot.WIDTH and 0 <= y <= plot.HEIGHT
        assert all(0 <= float(number) <= plot.WIDTH for number in re.findall(r"[\d.]+", node.get("d", "")))
