"""The parts that all charts share: scales, text, and colors for light and dark pages."""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

#: Told apart by brightness, too. The first pair is for stacked bars: user and system.
COLORS = ["#2f6fde", "#8db4f2", "#d9822b", "#2a9d78", "#b0508f", "#7a7a7a"]

_STYLE = (
    "text{font:12px -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#24292f}"
    ".title{font-size:14px;font-weight:600}.quiet{fill:#57606a}"
    ".grid{stroke:#d0d7de;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}"
    ".mark{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:5 3}.marked{fill:#cf222e}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.grid{stroke:#30363d}"
    ".axis{stroke:#9198a1}.mark{stroke:#ff7b72}.marked{fill:#ff7b72}}"
)


def document(title: str, width: int, height: int, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">\n<style>{_STYLE}</style>\n'
        + "\n".join(parts) + "\n</svg>\n")


def text(x: float, y: float, content: str, anchor: str = "start", kind: str = "", turn: bool = False) -> str:
    extra = f' class="{kind}"' if kind else ""
    extra += f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def text_width(content: str) -> float:
    """About how wide a text is in the charts' font."""
    return len(content) * 6.6


def ticks(top: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to the first at or above `top`."""
    if top <= 0 or not math.isfinite(top):
        return [0.0, 1.0]
    raw = top / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    return [step * index for index in range(math.ceil(top / step - 1e-9) + 1)]


def tick_label(value: float) -> str:
    if value >= 1e6 and value % 1e5 == 0:
        return f"{value / 1e6:g} M"
    return f"{value:,.6g}" if value < 1e6 else f"{value:,.0f}"


def legend(names: list[str], x: float, y: float) -> list[str]:
    parts = []
    for index, name in enumerate(names):
        parts.append(f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="12" height="12" rx="2" '
                     f'fill="{COLORS[index % len(COLORS)]}"/>')
        parts.append(text(x + 18, y, name))
        x += 34 + text_width(name)
    return parts
