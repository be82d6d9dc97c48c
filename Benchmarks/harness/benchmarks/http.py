"""Sluice beside what answers HTTP requests with less, and beside what people run instead."""

from __future__ import annotations

import servers
from charts import Bars, Chart
from context import Context, turns
from loadgen import CONNECTIONS, Measurement, generate, measure
from stats import combined

TITLE = "One event in one request"
ABOUT = (
    "The same 400-byte Topsort impression over {connections} keep-alive connections, closed loop: each connection "
    "sends its next request when it has its answer. The server runs on one core, the load generator on another; "
    "the servers take turns within one run. CPU is that of all the server's processes and threads, from the "
    "kernel's accounting; core is everything that ran on the server's core, kernel threads and interrupts included. "
    "Where the generator is busy all the time, the server could have taken more. Stolen is what the host gave to others."
)
COLUMNS = ["server", "requests_per_second", "user_us_per_request", "system_us_per_request", "cpu_us_per_request",
           "core_us_per_request", "cpu_spread_percent", "rate_spread_percent", "p50_ms", "p99_ms", "p999_ms",
           "server_busy_percent", "core_busy_percent", "generator_busy_percent", "stolen_percent"]


def run(context: Context) -> dict:
    running = [
        servers.start_bare(context),
        servers.start_nginx(context, "204.conf", "nginx return 204"),
        servers.start_nginx(context, "lua.conf", "nginx + Lua + file"),
        servers.start_hummingbird(context),
        servers.start_sluice(context, "sluice received", acknowledge="received"),
        servers.start_sluice(context, "sluice committed"),
    ]
    measured: dict[str, list[Measurement]] = {server.name: [] for server in running}
    for server in running:
        generate(context, server, seconds=min(1.0, context.seconds))
    for number in range(context.rounds):
        for server in turns(running, number):
            one = measure(context, server)
            measured[server.name].append(one)
            cost = one.cpu.total / one.load.requests * 1e6
            context.say(f"   round {number + 1}: {server.name:20} {one.load.requests_per_second:9,.0f} requests/s"
                        f"  {cost:6.2f} us CPU  p99 {one.load.latency_ms['p99']:.2f} ms")
    return {
        "connections": CONNECTIONS,
        "seconds_per_round": context.seconds,
        "versions": servers.versions(context),
        "rows": [{"server": name, **combined(rounds)} for name, rounds in measured.items()],
    }


def charts(result: dict) -> dict[str, Chart]:
    rows = result["rows"]
    names = [row["server"] for row in rows]
    shown, title = comparable(rows), "CPU per request"
    if left_out := [row for row in rows if row not in shown]:
        costs = ", ".join(f"{row['server']}, {row['cpu_us_per_request']:.0f} us" for row in left_out)
        title += f" (not drawn: {costs})"
    return {
        "cpu": Bars(
            title, "microseconds of CPU per request", [row["server"] for row in shown],
            {"user": [row["user_us_per_request"] for row in shown],
             "system": [row["system_us_per_request"] for row in shown]}, stacked=True),
        "rate": Bars("Requests per second, one core", "requests per second", names,
                     {"rate": [row["requests_per_second"] for row in rows]}),
    }


def comparable(rows: list[dict]) -> list[dict]:
    """Without those that cost so much that nobody could see the others' bars."""
    median = sorted(row["cpu_us_per_request"] for row in rows)[len(rows) // 2]
    return [row for row in rows if row["cpu_us_per_request"] <= 4 * median]
