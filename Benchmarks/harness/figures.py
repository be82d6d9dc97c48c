"""How figures and their names are shown: units come from the names' endings."""

from __future__ import annotations

import re
from typing import Mapping

_UNITS = {"us": "us", "ns": "ns", "ms": "ms", "mib": "MiB", "bytes": "bytes", "percent": "%", "seconds": "s"}
_WORDS = {"cpu": "CPU", "p999": "p99.9", "p9999": "p99.99", "http": "HTTP", "sqlite": "SQLite", "json": "JSON"}

#: Numbers that say how it was measured.
SETTINGS = {
    "rounds", "seconds", "seconds_per_round", "connections", "rate", "events", "read_events", "gateway_cores", "concurrency",
    "destinations_down", "due_per_second", "events_in_log", "events_behind", "least_events_behind",
}


def heading(key: str) -> str:
    """`cpu_us_per_request` is "CPU, us per request"; `p999_ms` is "p99.9, ms"; `requests_per_second` as it reads."""
    before, per, behind = key.partition("_per_")
    words = before.split("_")
    unit = _UNITS.get(words[-1]) if len(words) > 1 else None
    if unit:
        words.pop()
    name = " ".join(_WORDS.get(word, word) for word in words)
    rest = f" per {behind.replace('_', ' ')}" if per else ""
    return f"{name}, {unit}{rest}" if unit else name + rest


def number(value: object) -> str:
    """Three significant digits or the whole part, thousands apart; not measured is a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    size = abs(value)
    if size >= 100 or size == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3g}"


def is_figure(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


#: What says how a row came about, not how good it is.
_NEUTRAL = re.compile(r"(busy|stolen|spread)_percent$|^due_per_second$")


def more_is_better(key: str, row: Mapping[str, object]) -> bool | None:
    """Rates are better when they are higher; times, sizes and costs when they are lower. A multiple of Sluice's own
    figure is one of Sluice's costs in Sluice's rows, and in another's row how much better Sluice is. None: neither."""
    if _NEUTRAL.search(key):
        return None
    if key in {"times_sluice", "instructions_times_sluice"}:
        return not str(row.get("parser", "")).startswith("sluice")
    if key in {"times_simdjson", "instructions_times_simdjson"} and not str(row.get("parser", "")).startswith("sluice"):
        return None
    # Of rates; `cpu_times_libcurl` is of costs.
    return re.search(r"_per_(cpu_)?second(_|$)", key) is not None or key == "times_libcurl"


def tables(result: dict) -> dict[str, list[dict]]:
    """The rows of a result, under the empty title, and its further tables by theirs. Samples are for charts only."""
    found = {"": result["rows"]}
    for key, value in result.items():
        if key not in ("rows", "samples") and isinstance(value, list) and value and isinstance(value[0], dict):
            found[key.replace("_", " ")] = value
    return found


def about(text: str, result: dict) -> str:
    """A description with the result's values in the place of their names in braces."""
    return text.format_map({
        key: f"{value:,.10g}" if is_figure(value) else str(value) for key, value in result.items()
        if not isinstance(value, (list, dict))})


def table(headings: list[str], rows: list[list[str]], right: list[bool]) -> str:
    """A Markdown table."""
    line = ["---:" if side else "---" for side in right]
    return "\n".join("| " + " | ".join(row) + " |" for row in [headings, line, *rows])
