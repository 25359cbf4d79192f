"""Charts for the docs: up to four panels in one SVG, on a ground of its own so that it reads in
light and in dark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 1120, 900
_INK, _QUIET, _GOOD, _BAD = "#14263f", "#5a6a80", (31, 119, 96), (192, 72, 40)
COLOURS = ("#b8561b", "#1f5fa8", "#1f7760", "#7a3f98")
_PANEL_W, _PANEL_H = 400, 280
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve; ``dashed`` for the second family, ``dots`` for what was simulated beside a formula."""

    name: str
    points: Points
    colour: str
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    across: str
    up: str
    lines: Sequence[Line]
    low: float
    high: float
    ticks: Sequence[float]
    """On the upright axis."""
    legend: tuple[float, float] = (_PANEL_W - 150, 14)


@dataclass(frozen=True, slots=True)
class HeatMap:
    """``cells`` by (column, row); a number below 0 is where honest work pays less."""

    title: str
    across: str
    up: str
    columns: Sequence[float]
    rows: Sequence[float]
    cells: Mapping[tuple[float, float], float]


def draw(title: str, panels: Sequence[Chart | HeatMap], foot: Sequence[str]) -> str:
    """An SVG document."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" fill="{_INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        x, y = 90 + (number % 2) * 540, 66 + (number // 2) * 410
        parts.append(f'<g transform="translate({x},{y})">')
        parts += _chart(panel) if isinstance(panel, Chart) else _heat_map(panel)
        parts.append("</g>")
    for number, line in enumerate(foot):
        at = HEIGHT - 14 - 17 * (len(foot) - 1 - number)
        parts.append(_text(40, at, line, size=12, fill=_QUIET))
    return "\n".join([*parts, "</svg>", ""])


def _frame(title: str, across: str, up: str) -> list[str]:
    return [
        _text(0, -18, title, size=15, weight="bold"),
        _text(_PANEL_W / 2, _PANEL_H + 40, across, anchor="middle"),
        f'<g transform="rotate(-90)">{_text(-_PANEL_H / 2, -52, up, anchor="middle")}</g>',
    ]


def _chart(chart: Chart) -> list[str]:
    wide = [x for line in chart.lines for x, _ in line.points]
    left, right = min(wide), max(wide)

    def x_of(value: float) -> float:
        return (value - left) / (right - left) * _PANEL_W

    def y_of(value: float) -> float:
        inside = min(max(value, chart.low), chart.high)
        return _PANEL_H - (inside - chart.low) / (chart.high - chart.low) * _PANEL_H

    parts = _frame(chart.title, chart.across, chart.up)
    for tick in chart.ticks:
        stroke = _INK if tick == 0 else "#d8dee8"
        y = y_of(tick)
        parts.append(f'<path d="M0,{y:.1f} H{_PANEL_W}" stroke="{stroke}" fill="none"/>')
        parts.append(_text(-8, y + 4, f"{tick:g}", anchor="end", size=12))
    for x in sorted({round(x, 2) for x in wide if round(x * 100) % 10 == 0}):
        parts.append(_text(x_of(x), _PANEL_H + 18, f"{x * 100:.0f} %", anchor="middle", size=12))
    for number, line in enumerate(chart.lines):
        parts += _curve(line, x_of, y_of)
        parts += _legend(line, chart.legend[0], chart.legend[1] + 18 * number)
    return parts


def _curve(line: Line, x_of: Callable[[float], float], y_of: Callable[[float], float]) -> list[str]:
    at = [(x_of(x), y_of(y)) for x, y in line.points]
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{line.colour}"/>' for x, y in at]
    if line.dots:
        return dots
    path = " L".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dash = ' stroke-dasharray="6 4"' if line.dashed else ""
    return [f'<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>']


def _legend(line: Line, x: float, y: float) -> list[str]:
    if not line.name:
        return []
    dash = ' stroke-dasharray="6 4"' if line.dashed else ""
    mark = f'<path d="M{x},{y - 4} h22" stroke="{line.colour}" stroke-width="2"{dash}/>'
    return [mark, _text(x + 30, y, line.name, size=12)]


def _heat_map(heat: HeatMap) -> list[str]:
    parts = _frame(heat.title, heat.across, heat.up)
    w, h = _PANEL_W / len(heat.columns), _PANEL_H / len(heat.rows)
    most = max(abs(value) for value in heat.cells.values())
    for i, column in enumerate(heat.columns):
        parts.append(_text((i + 0.5) * w, _PANEL_H + 18, f"{column * 100:g} %", anchor="middle", size=12))
        for j, row in enumerate(heat.rows):
            value = heat.cells[column, row]
            x, y = i * w, _PANEL_H - (j + 1) * h
            fill = _shade(value / most)
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{w - 2:.1f}" height="{h - 2:.1f}" fill="{fill}"/>'
            )
            parts.append(_text(x + w / 2, y + h / 2 + 4, _short(value), anchor="middle", size=11))
    for j, row in enumerate(heat.rows):
        y = _PANEL_H - (j + 0.5) * h + 4
        parts.append(_text(-8, y, f"{row * 100:g} %", anchor="end", size=12))
    return parts


def _short(value: float) -> str:
    return f"{value:+.2f}" if abs(value) >= 0.095 else f"{value:+.3f}"


def _shade(strength: float) -> str:
    """White at nothing; never so deep that ink does not read on it."""
    towards = _GOOD if strength > 0 else _BAD
    depth = min(abs(strength), 1) ** 0.5 * 0.62
    red, green, blue = (round(255 + (c - 255) * depth) for c in towards)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 13,
    weight: str = "normal",
    fill: str = _INK,
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}">{escape(text)}</text>'
    )
