"""What changed between two sets of results: each figure's ratio, new to old."""

from __future__ import annotations

from dataclasses import dataclass

from figures import SETTINGS, heading, is_figure, more_is_better, number, tables

#: Numbers that say which row it is, not what came out.
_NAMING = {"events_per_request", "events_in_flight", "shards"}
#: A smaller change than this is called neither better nor worse.
NOISE = 0.05


@dataclass(frozen=True)
class Change:
    benchmark: str
    row: str
    key: str
    old: float
    new: float

    @property
    def ratio(self) -> float:
        return self.new / self.old if self.old else float("inf" if self.new else 1)

    @property
    def verdict(self) -> str:
        if abs(self.ratio - 1) <= NOISE:
            return ""
        return "better" if (self.ratio > 1) == more_is_better(self.key) else "worse"


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
            key, count = f"{title}: {name(row)}" if title else name(row), 1
            while key in found:
                count += 1
                key = f"{name(row)} ({count})"
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
                Change(benchmark, row, key, known[key], value) for key, value in figures.items()
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
                         f" {change.ratio:8.3f} x {change.verdict}".rstrip())
        lines.append("")
    return "\n".join(lines)
