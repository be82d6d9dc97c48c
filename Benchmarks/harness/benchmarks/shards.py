"""What one more shard brings, and whether shards get into each other's way."""

from __future__ import annotations

import servers
from charts import Bars, Chart
from context import Context, turns
from loadgen import Measurement, generate, measure
from stats import combined

TITLE = "Shards"
ABOUT = (
    "Sluice, `acknowledge: committed`, {connections} connections, closed loop, single events and batches of 50. With "
    "fewer shards than cores the gateway has one core for each, and the generator the last; with as many, they share. "
    "CPU per event says what shards cost each other: it should not rise with their number."
)
CONNECTIONS = 256
EVENTS = (1, 50)


def counts(cores: int) -> list[int]:
    """1, 2, and then twice as many each time as long as there are cores."""
    found = [1, 2]
    while found[-1] * 2 <= cores:
        found.append(found[-1] * 2)
    return found


def run(context: Context) -> dict:
    available = context.cores
    gateways = {}
    for count in counts(len(available)):
        own = set(available[:count]) if count < len(available) else set(available)
        rest = set(available) - own or set(available)
        gateways[count] = (
            servers.start_sluice(context, f"sluice {count}", workers=count, cores=own), own, rest)
    measured: dict[tuple[int, int], list[Measurement]] = {}
    for number in range(context.rounds):
        for events in EVENTS:
            for count, (gateway, _, rest) in turns(gateways.items(), number):
                load = {"connections": CONNECTIONS, "events": events, "core": rest}
                if number == 0:
                    generate(context, gateway, seconds=min(1.0, context.seconds), **load)
                one = measure(context, gateway, **load)
                measured.setdefault((count, events), []).append(one)
                context.say(f"   round {number + 1}: {count} shards, {events:2} a request:"
                            f" {one.load.events_per_second:10,.0f} events/s"
                            f"  {one.cpu.total / one.load.events * 1e6:6.2f} us CPU an event")
    rows = []
    for (count, events), rounds in sorted(measured.items(), key=lambda item: (item[0][1], item[0][0])):
        figures = combined(rounds)
        figures.setdefault("events_per_second", figures["requests_per_second"])
        figures.setdefault("cpu_us_per_event", figures["cpu_us_per_request"])
        _, own, rest = gateways[count]
        rows.append({
            "events_per_request": events, "shards": count, "gateway_cores": len(own),
            "generator_shares_cores": bool(own & rest),
            **{key: figures[key] for key in (
                "events_per_second", "cpu_us_per_event", "p50_ms", "p99_ms", "cpu_spread_percent", "server_busy_percent",
                "core_busy_percent", "generator_busy_percent")},
        })
    return {"connections": CONNECTIONS, "rows": rows}


def charts(result: dict) -> dict[str, Chart]:
    rows = result["rows"]
    labels = [f"{row['events_per_request']} a request, shards: {row['shards']}" for row in rows]
    return {"": Bars("CPU per event by number of shards", "microseconds of CPU per event", labels,
                     {"cpu": [row["cpu_us_per_event"] for row in rows]})}
