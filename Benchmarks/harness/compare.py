"""What changed between two sets of results: each figure's ratio, new to old, or their difference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from figures import SETTINGS, heading, is_figure, more_is_better, number, tables

#: Numbers that say which row it is, not what came out.
_NAMING = {"events_per_request", "events_in_flight", "shards"}
#: A smaller change than this is called neither better nor worse.
NOISE = 0.05
#: Slopes and the like, which may be zero or less: compared by their difference. A smaller one than this is noise.
DIFFERENCES = {"rest_growth_mib_per_million_events": 0.25}


@dataclass(frozen=True)
class Change:
    benchmark: str
    row: str
    key: str
    old: float
    new: float
    #: The whole row: what its figures mean may depend on what it is about.
    figures: Mapping[str, object] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """None where there is no such thing: of figures that are not above zero, or need not be."""
        return self.new / self.old if self.key not in DIFFERENCES and self.old > 0 and self.new > 0 else None

    @property
    def difference(self) -> float:
        return self.new - self.old

    @property
    def verdict(self) -> str:
        better = more_is_better(self.key, self.figures)
        noise = DIFFERENCES.get(self.key, NOISE * max(abs(self.old), abs(self.new)))
        if self.ratio is not None:
            noise = NOISE * self.old
        if better is None or abs(self.difference) <= noise:
            return ""
        return "better" if (self.difference > 0) == better else "worse"

    @property
    def change(self) -> str:
        """The ratio, or else the difference, as it is shown."""
        if self.ratio is not None:
            return f"{self.ratio:8.3f} x"
        return f"{'+' if self.difference >= 0 else ''}{number(float(self.difference))}".rjust(8) + "  "


def name(row: dict) -> str:
    """What the row is about: its texts, and the numbers that were chosen, not measured."""
    parts = [str(value) for value in row.values() if isinstance(value, str)]
    parts += [f"{number(row[key])} {key.replace('_', ' ')}" for key in row if key in _NAMING]
    return ", ".join(parts)


def by_name(result: dict) -> dict[str, dict]:
    """Rows of all tables by name; of the same name the second gets a number. What is no row's is under "besides"."""
    found = {}
    for title, rows in tables(result).items():
        for row in rows:
            key = first = f"{title}: {name(row)}" if title else name(row)
            count = 1
            while key in found:
                count += 1
                key = f"{first} ({count})"
            found[key] = row
    return found | {"besides": {key: value for key, value in result.items() if is_figure(value)}}


def changes(old: dict[str, dict], new: dict[str, dict]) -> list[Change]:
    """Of all figures that both have, in the new one's order."""
    found = []
    for benchmark in new:
        if benchmark not in old:
            continue
        before = by_name(old[benchmark]["result"])
        for row, figures in by_name(new[benchmark]["result"]).items():
            known = before.get(row, {})
            found += [
                Change(benchmark, row, key, known[key], value, figures) for key, value in figures.items()
                if is_figure(value) and is_figure(known.get(key)) and key not in _NAMING | SETTINGS
            ]
    return found


def text(found: list[Change], old: dict[str, dict], new: dict[str, dict]) -> str:
    lines = []
    for benchmark in new:
        of_this = [change for change in found if change.benchmark == benchmark]
        if not of_this:
            lines.append(f"{benchmark}: nothing to compare\n")
            continue
        before, after = old[benchmark], new[benchmark]
        other = "" if before["machine"] == after["machine"] else "   (different machines: ratios mean little)"
        lines.append(f"{benchmark}: {before['commit']} -> {after['commit']}{other}")
        row = None
        for change in of_this:
            if change.row != row:
                row = change.row
                lines.append(f"  {row}")
            lines.append(f"    {heading(change.key):44} {number(change.old):>12} {number(change.new):>12}"
                         f" {change.change} {change.verdict}".rstrip())
        lines.append("")
    return "\n".join(lines)
