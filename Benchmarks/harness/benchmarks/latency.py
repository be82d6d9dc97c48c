"""How long an answer takes when the server is half busy."""

from __future__ import annotations

import statistics

import servers
from charts import Bars, Chart
from context import Context, turns
from disk import fsync_milliseconds
from goals import GENERATOR_LIMIT
from loadgen import CONNECTIONS, Load, Measurement, generate, measure
from stats import rounded, spread_percent

TITLE = "Latency at half of the maximum rate"
ABOUT = (
    "Open loop: requests are due at random times (Poisson) at a fixed rate and are timed from when they were due, so "
    "that a stall shows in every request that it held up. The rate is half of what Sluice took in a closed loop just "
    "before. The bare responder gets the same rate, and in a row of its own half of its own maximum. An fsync is one "
    "of a 4 KiB append on the same disk while nothing else runs."
)
def run(context: Context) -> dict:
    bare, sluice = servers.start_bare(context), servers.start_sluice(context, "sluice committed")
    fsync = fsync_milliseconds(context.work, 20 if context.quick else 300)
    maximum: dict[str, Measurement] = {}
    for server in (bare, sluice):
        generate(context, server, seconds=min(1.0, context.seconds))
        maximum[server.name] = measure(context, server)
    half = maximum[sluice.name].load.requests_per_second / 2
    plan = [
        ("bare, half of its own maximum", bare, maximum[bare.name].load.requests_per_second / 2),
        ("bare, the rate of Sluice", bare, half),
        ("sluice committed", sluice, half),
    ]
    loads: dict[str, list[Load]] = {name: [] for name, _, _ in plan}
    for number in range(context.rounds):
        for name, server, rate in turns(plan, number):
            context.settle()
            load = generate(context, server, seconds=context.seconds * 2, rate=rate)
            loads[name].append(load)
            context.say(f"   round {number + 1}: {name:30} {load.requests_per_second:9,.0f} requests/s"
                        f"  p50 {load.latency_ms['p50']:.3f} ms  p99 {load.latency_ms['p99']:.3f} ms")
    return {
        "connections": CONNECTIONS,
        "fsync_p50_ms": rounded(fsync["p50_ms"]), "fsync_p99_ms": rounded(fsync["p99_ms"]),
        "rows": [row(name, rate, loads[name]) for name, _, rate in plan],
        "maximum": [
            {"server": name, "requests_per_second": rounded(one.load.requests_per_second),
             "server_busy_percent": rounded(one.server_busy * 100),
             "generator_busy_percent": rounded(one.load.generator_busy * 100)}
            for name, one in maximum.items()
        ],
    }


def notes(result: dict) -> list[str]:
    """Where a maximum is the generator's, half of it is less than half of what the server takes."""
    limited = [row for row in result.get("maximum", []) if row["generator_busy_percent"] >= GENERATOR_LIMIT]
    return [f"The maximum of {row['server']} is the generator's, which was busy {row['generator_busy_percent']:.0f} % of "
            f"the time (the server {row['server_busy_percent']:.0f} %): half of it is less than half of the server's."
            for row in limited]


def row(name: str, rate: float, loads: list[Load]) -> dict:
    figures: dict = {"server": name, "due_per_second": rounded(rate)}
    figures["requests_per_second"] = rounded(statistics.fmean(one.requests_per_second for one in loads))
    for key in ("p50", "p90", "p99", "p99.9", "max"):
        figures[f"{key.replace('.', '')}_ms"] = rounded(statistics.median(one.latency_ms[key] for one in loads))
    figures["p99_spread_percent"] = rounded(spread_percent(one.latency_ms["p99"] for one in loads))
    figures["generator_busy_percent"] = rounded(statistics.fmean(one.generator_busy for one in loads) * 100)
    return figures


def charts(result: dict) -> dict[str, Chart]:
    rows = result["rows"]
    return {"": Bars(
        "Latency at half of the maximum rate", "milliseconds from when the request was due",
        [row["server"] for row in rows],
        {name: [row[key] for row in rows] for name, key in (("p50", "p50_ms"), ("p99", "p99_ms"))})}
