"""Whether an event costs more when a destination is far behind."""

from __future__ import annotations

import servers
from charts import Bars, Chart
from context import Context, turns
from fill import fill
from loadgen import CONNECTIONS, Measurement, generate, measure
from stats import combined

TITLE = "Cost per event behind a dead destination"
ABOUT = (
    "Single events, `acknowledge: committed`, {connections} connections, at 0, 1 and 10 million events that a "
    "destination which refuses every connection has not had. Beside it, in turns, a gateway with the same events in "
    "its log and no destination: events known, log and process age are the same, only the backlog is not."
)


def run(context: Context) -> dict:
    # A port that was free a moment ago refuses connections; nobody else here asks for fixed ones.
    dead = f'[{{name: dead, platform: webhook, url: "http://127.0.0.1:{servers.free_port()}/hook"}}]'
    gateways = {
        "behind": servers.start_sluice(context, "sluice behind", destinations=dead),
        "none": servers.start_sluice(context, "sluice without"),
    }
    for gateway in gateways.values():
        generate(context, gateway, seconds=min(0.5, context.seconds))
    levels = [0, 50_000] if context.quick else [0, 1_000_000, 10_000_000]
    rows = []
    for level in levels:
        for gateway in gateways.values():
            fill(context, gateway, level)
        behind = lag(gateways["behind"])
        measured: dict[str, list[Measurement]] = {name: [] for name in gateways}
        for number in range(context.rounds):
            for name, gateway in turns(gateways.items(), number):
                measured[name].append(measure(context, gateway))
        for name, rounds in measured.items():
            figures = combined(rounds)
            rows.append({
                "events_behind": behind if name == "behind" else 0, "events_in_log": max(level, behind),
                "destination": "down" if name == "behind" else "none",
                "cpu_us_per_event": figures["cpu_us_per_request"],
                "user_us_per_event": figures["user_us_per_request"],
                "requests_per_second": figures["requests_per_second"], "p99_ms": figures["p99_ms"],
                **{key: figures[key] for key in (
                    "cpu_spread_percent", "server_busy_percent", "core_busy_percent", "generator_busy_percent")},
            })
            context.say(f"   {rows[-1]['events_behind']:>10,} behind, destination {rows[-1]['destination']}: "
                        f"{rows[-1]['cpu_us_per_event']:.2f} us CPU an event")
    return {"connections": CONNECTIONS, "rows": rows}


def lag(gateway: servers.Gateway) -> int:
    return int(gateway.metrics()['sluice_destination_lag_events{destination="dead"}'])


def charts(result: dict) -> dict[str, Chart]:
    down = [row for row in result["rows"] if row["destination"] == "down"]
    none = [row for row in result["rows"] if row["destination"] == "none"]
    return {"": Bars(
        "CPU per event, by how far a destination is behind", "microseconds of CPU per event",
        [f"{row['events_behind'] / 1e6:.1f} million behind" for row in down],
        {"destination down": [row["cpu_us_per_event"] for row in down],
         "no destination, as many events": [row["cpu_us_per_event"] for row in none]})}
