"""Charts as SVG, drawn here: bars for comparisons, lines for what changes along the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import svg
from figures import number

_WIDTH = 760


@dataclass
class Bars:
    """Horizontal bars, one group for each label. `marks` are vertical lines with a name, for goals."""

    title: str
    axis: str
    labels: list[str]
    series: dict[str, list[float]]
    stacked: bool = False
    marks: dict[str, float] = field(default_factory=dict)

    def svg(self) -> str:
        lanes = 1 if self.stacked or len(self.series) == 1 else len(self.series)
        thickness = 20 if lanes == 1 else 14
        group = lanes * thickness + 12
        left = 24 + max(svg.text_width(label) for label in self.labels)
        top = (64 if len(self.series) > 1 else 40) + (16 if self.marks else 0)
        right, bottom = _WIDTH - 70, top + group * len(self.labels)
        totals = [sum(values) for values in zip(*self.series.values())]
        largest = max(totals) if self.stacked else max(max(values) for values in self.series.values())
        ticks = svg.ticks(max([largest, *self.marks.values()]))
        scale = (right - left) / ticks[-1]

        parts = [svg.text(16, 22, self.title, kind="title")]
        if len(self.series) > 1:
            parts += svg.legend(list(self.series), 16, 46)
        for tick in ticks:
            x = left + tick * scale
            parts.append(svg.line(x, top, x, bottom, "axis" if tick == 0 else "grid"))
            parts.append(svg.text(x, bottom + 18, svg.tick_label(tick), "middle", "quiet"))
        parts.append(svg.text((left + right) / 2, bottom + 40, self.axis, "middle", "quiet"))
        for index, label in enumerate(self.labels):
            y = top + index * group + 6
            parts.append(svg.text(left - 8, y + lanes * thickness / 2 + 4, label, "end"))
            parts += self._group(index, left, y, thickness, scale)
        for name, value in self.marks.items():
            x = left + value * scale
            parts += [svg.line(x, top - 4, x, bottom, "mark"), svg.text(x, top - 9, name, "middle", "marked")]
        return svg.document(self.title, _WIDTH, bottom + 56, parts)

    def _group(self, index: int, left: float, y: float, thickness: int, scale: float) -> list[str]:
        parts, x, sum_ = [], left, 0.0
        for number_, values in enumerate(self.series.values()):
            width, color = values[index] * scale, svg.COLORS[number_ % len(svg.COLORS)]
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{thickness - 2}" fill="{color}"/>')
            sum_ += values[index]
            if self.stacked:
                x += width
            else:
                parts.append(svg.text(x + width + 6, y + thickness / 2 + 3, number(float(values[index]))))
                y += thickness
        if self.stacked:
            parts.append(svg.text(x + 6, y + thickness / 2 + 3, number(float(sum_))))
        return parts


@dataclass
class Lines:
    """Lines over a numeric axis; both axes begin at 0. `marks` are horizontal lines with a name."""

    title: str
    x_axis: str
    y_axis: str
    series: dict[str, list[tuple[float, float]]]
    marks: dict[str, float] = field(default_factory=dict)

    def svg(self) -> str:
        left, right, top, bottom = 74.0, _WIDTH - 24.0, 64.0, 330.0
        points = [point for values in self.series.values() for point in values]
        across = svg.ticks(max((x for x, _ in points), default=1))
        up = svg.ticks(max([y for _, y in points] + list(self.marks.values()), default=1))
        # The last point, not the last round number, ends the axis: no empty part on the right.
        width = max((x for x, _ in points), default=1) or 1
        x_scale, y_scale = (right - left) / width, (bottom - top) / up[-1]

        parts = [svg.text(16, 22, self.title, kind="title"), *svg.legend(list(self.series), 16, 46)]
        for tick in up:
            y = bottom - tick * y_scale
            parts.append(svg.line(left, y, right, y, "axis" if tick == 0 else "grid"))
            parts.append(svg.text(left - 8, y + 4, svg.tick_label(tick), "end", "quiet"))
        for tick in across:
            if tick <= width * 1.001:
                parts.append(svg.text(left + tick * x_scale, bottom + 18, svg.tick_label(tick), "middle", "quiet"))
        parts.append(svg.text((left + right) / 2, bottom + 40, self.x_axis, "middle", "quiet"))
        parts.append(svg.text(18, (top + bottom) / 2, self.y_axis, "middle", "quiet", turn=True))
        for index, values in enumerate(self.series.values()):
            path = " ".join(f"{left + x * x_scale:.1f},{bottom - y * y_scale:.1f}" for x, y in values)
            color = svg.COLORS[index % len(svg.COLORS)]
            parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for name, value in self.marks.items():
            y = bottom - value * y_scale
            parts += [svg.line(left, y, right, y, "mark"), svg.text(right - 4, y + 14, name, "end", "marked")]
        return svg.document(self.title, _WIDTH, int(bottom) + 56, parts)


Chart = Bars | Lines
