"""The result of a benchmark as an SVG, without a library: bookings a second by clients in flight, both axes logarithmic.

A line for each who answered, through the medians, with the spread of the rounds; pgbench is a band. Called by `bookings.py`.
"""

from __future__ import annotations

import math

from benchmarks.figures import Spread
from benchmarks.measured import Measured
from benchmarks.report import MONOLITH, SYSTEM, rates

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 120, 24, 48
COLOURS = {SYSTEM: "#1f6feb", MONOLITH: "#d1242f", "pgbench": "#8c959f"}


class Axis:
    """Places values between two powers of a base on a line of pixels."""

    def __init__(self, values: list[float], base: int, first_px: float, last_px: float) -> None:
        self.low = math.floor(math.log(min(values), base))
        self.high = max(math.ceil(math.log(max(values), base)), self.low + 1)
        self.base, self.first_px, self.last_px = base, first_px, last_px

    def __call__(self, value: float) -> float:
        share = (math.log(value, self.base) - self.low) / (self.high - self.low)
        return self.first_px + share * (self.last_px - self.first_px)

    @property
    def ticks(self) -> list[int]:
        return [self.base**power for power in range(self.low, self.high + 1)]


def svg(measured: Measured) -> str:
    """The picture."""
    lines = {name: [Spread.of(rates(measured, name, level)) for level in measured.in_flight] for name in (SYSTEM, MONOLITH)}
    pgbench = Spread.of(measured.pgbench)
    x = Axis([float(level) for level in measured.in_flight], 4, LEFT, WIDTH - RIGHT)
    ends = [edge for spreads in (*lines.values(), [pgbench]) for spread in spreads for edge in (spread.low, spread.high)]
    y = Axis(ends, 10, HEIGHT - BOTTOM, TOP)
    parts = [*_grid(x, y), _band(pgbench, x, y), _name("pgbench", x.last_px, y(pgbench.median))]
    for name, spreads in lines.items():
        parts += _line(name, [(x(level), spread) for level, spread in zip(measured.in_flight, spreads, strict=True)], y)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *parts, "</svg>\n"])


def _grid(x: Axis, y: Axis) -> list[str]:
    across = [
        f'<path d="M{LEFT} {y(tick):.0f}H{WIDTH - RIGHT}" stroke="#d0d7de"/>'
        f'<text x="{LEFT - 8}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick:,}</text>'
        for tick in y.ticks
    ]
    below = [f'<text x="{x(tick):.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick}</text>' for tick in x.ticks]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [
        *across, *below,
        f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">clients in flight</text>',
        f'<text x="{LEFT}" y="{TOP - 8}" text-anchor="middle">bookings/s</text>',
    ]  # fmt: skip


def _band(spread: Spread, x: Axis, y: Axis) -> str:
    top, height = y(spread.high), max(1.0, y(spread.low) - y(spread.high))
    return (
        f'<rect x="{x.first_px}" y="{top:.1f}" width="{x.last_px - x.first_px}" height="{height:.1f}" '
        f'fill="{COLOURS["pgbench"]}" opacity="0.5"/>'
    )


def _line(name: str, points: list[tuple[float, Spread]], y: Axis) -> list[str]:
    colour = COLOURS[name]
    path = "L".join(f"{at:.1f} {y(spread.median):.1f}" for at, spread in points)
    spreads = [
        f'<path d="M{at:.1f} {y(spread.low):.1f}V{y(spread.high):.1f}" stroke="{colour}"/>'
        f'<circle cx="{at:.1f}" cy="{y(spread.median):.1f}" r="3" fill="{colour}"/>'
        for at, spread in points
    ]
    last, spread = points[-1]
    return [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *spreads, _name(name, last, y(spread.median))]


def _name(name: str, at_x: float, at_y: float) -> str:
    return f'<text x="{at_x + 8:.0f}" y="{at_y + 4:.0f}" fill="{COLOURS[name]}">{name}</text>'
