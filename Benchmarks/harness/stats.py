"""Figures from several rounds of the same measurement."""

from __future__ import annotations

import statistics
from typing import Iterable, Sequence

from loadgen import Measurement

PERCENTILES = ("p50", "p99", "p99.9")


def combined(measurements: Sequence[Measurement]) -> dict:
    """One row: rates are the rounds' mean, costs over all rounds together, latencies the median of the rounds'."""
    requests = sum(one.load.requests for one in measurements)
    events = sum(one.load.events for one in measurements)
    user = sum(one.cpu.user for one in measurements)
    system = sum(one.cpu.system for one in measurements)
    row = {
        "requests_per_second": statistics.fmean(one.load.requests_per_second for one in measurements),
        "user_us_per_request": user / requests * 1e6,
        "system_us_per_request": system / requests * 1e6,
        "cpu_us_per_request": (user + system) / requests * 1e6,
        "cpu_spread_percent": spread_percent(one.cpu.total / one.load.requests for one in measurements),
        "rate_spread_percent": spread_percent(one.load.requests_per_second for one in measurements),
    }
    if not any(one.shared for one in measurements):
        row["core_us_per_request"] = sum(one.usage.busy_seconds for one in measurements) / requests * 1e6
    if events != requests:
        row |= {
            "events_per_second": statistics.fmean(one.load.events_per_second for one in measurements),
            "user_us_per_event": user / events * 1e6,
            "cpu_us_per_event": (user + system) / events * 1e6,
        }
    for percentile in PERCENTILES:
        row[f"{percentile.replace('.', '')}_ms"] = statistics.median(
            one.load.latency_ms[percentile] for one in measurements)
    row["server_busy_percent"] = statistics.fmean(one.server_busy for one in measurements) * 100
    row["core_busy_percent"] = statistics.fmean(one.core_busy for one in measurements) * 100
    row["stolen_percent"] = statistics.fmean(one.stolen for one in measurements) * 100
    row["generator_busy_percent"] = statistics.fmean(one.load.generator_busy for one in measurements) * 100
    return {key: rounded(value) for key, value in row.items()}


def spread_percent(values: Iterable[float]) -> float:
    """How far apart the lowest and the highest are, of their mean: what of a difference may be noise."""
    known = list(values)
    mean = statistics.fmean(known)
    return (max(known) - min(known)) / mean * 100 if mean else 0.0


def rounded(value: float | int) -> float | int:
    """To five significant digits: the committed files then differ where figures do."""
    return value if isinstance(value, int) else float(f"{value:.5g}")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all are at most."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
