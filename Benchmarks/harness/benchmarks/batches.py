"""Events per request: what a request costs, and what an event."""

from __future__ import annotations

import servers
from charts import Bars, Chart
from context import Context, turns
from loadgen import Measurement, generate, measure
from stats import combined, rounded

TITLE = "Events per request"
ABOUT = (
    "Sluice, `acknowledge: committed`, one shard, all of it on one core; impressions of 400 bytes (480 in Sluice's own "
    "form), closed loop over {connections} connections. Events per CPU second are events by the CPU time of the whole "
    "process, events per second those by the clock. A Topsort request holds at most 50 of a kind; more go in Sluice's own "
    "form."
)
POINTS = (("topsort", 1), ("topsort", 10), ("topsort", 50), ("native", 1), ("native", 50), ("native", 500))
CONNECTIONS = 64
COLUMNS = ["platform", "events_per_request", "events_per_cpu_second", "events_per_second", "requests_per_second",
           "user_us_per_event", "cpu_us_per_event", "cpu_spread_percent", "rate_spread_percent", "p50_ms",
           "p99_ms", "server_busy_percent", "core_busy_percent", "generator_busy_percent"]


def run(context: Context) -> dict:
    gateways = {point: servers.start_sluice(context, f"sluice {point[0]} {point[1]}") for point in POINTS}
    measured: dict[tuple[str, int], list[Measurement]] = {point: [] for point in POINTS}
    for (platform, events), gateway in gateways.items():
        generate(context, gateway, seconds=min(1.0, context.seconds), connections=CONNECTIONS, events=events,
                 platform=platform)
    for number in range(context.rounds):
        for point, gateway in turns(gateways.items(), number):
            one = measure(context, gateway, connections=CONNECTIONS, events=point[1], platform=point[0])
            measured[point].append(one)
            context.say(f"   round {number + 1}: {point[0]} {point[1]:4} a request: "
                        f"{one.load.events / one.cpu.total:10,.0f} events a CPU second")
    return {"connections": CONNECTIONS, "rows": [row(point, rounds) for point, rounds in measured.items()]}


def row(point: tuple[str, int], rounds: list[Measurement]) -> dict:
    events, cpu = sum(one.load.events for one in rounds), sum(one.cpu.total for one in rounds)
    figures = combined(rounds)
    figures.setdefault("events_per_second", figures["requests_per_second"])
    figures.setdefault("user_us_per_event", figures["user_us_per_request"])
    figures.setdefault("cpu_us_per_event", figures["cpu_us_per_request"])
    return {
        "platform": point[0], "events_per_request": point[1], "events_per_cpu_second": rounded(events / cpu),
        **figures,
    }


def charts(result: dict) -> dict[str, Chart]:
    rows = result["rows"]
    return {"": Bars(
        "Events committed per CPU second", "events per CPU second",
        [f"{row['platform']}, {row['events_per_request']} a request" for row in rows],
        {"events": [row["events_per_cpu_second"] for row in rows]}, marks={"goal": 600_000})}
