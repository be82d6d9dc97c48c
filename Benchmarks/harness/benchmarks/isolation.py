"""What a dead destination costs the others."""

from __future__ import annotations

import shutil
import socket
import statistics
import time
from pathlib import Path

import servers
from charts import Bars, Chart
from context import Context
from fill import fill
from loadgen import generate
from process import BenchmarkError
from sampler import Sampler
from stats import percentile, rounded

TITLE = "One dead destination of five"
ABOUT = (
    "Five webhook destinations with default settings, four of which are healthy (nginx saying 204 on the generator's "
    "core). The fifth is healthy, refuses connections, or takes them and never answers. Catching up: how fast each of "
    "the four gets {events} events that are in the log already. Keeping up: while {rate} events a second come in, how "
    "long an event waits for the four on average (events waiting, by the rate they come in), and at worst."
)
HEALTHY = 4


def run(context: Context) -> dict:
    events, rate = (20_000, 500) if context.quick else (400_000, 4000)
    sink = servers.start_nginx(context, "204.conf", "nginx return 204", core=context.load_core)
    filled = filled_folder(context, events)
    with socket.socket() as silent:
        # Connections wait in the kernel's queue, which takes them; nobody ever reads.
        silent.bind(("127.0.0.1", 0))
        silent.listen(512)
        fifths = {
            "healthy": sink.port, "refuses connections": servers.free_port(),
            "never answers": silent.getsockname()[1],
        }
        found: dict[str, list[dict]] = {name: [] for name in fifths}
        for number in range(context.rounds):
            for name, port in fifths.items():
                row = catching_up(context, filled, destinations(sink.port, port), events)
                row |= keeping_up(context, destinations(sink.port, port), rate)
                found[name].append(row)
                context.say(f"   round {number + 1}: the fifth {name:20}"
                            f" {row['catching_up_events_per_second_each']:10,.0f} events/s each,"
                            f" waiting {row['keeping_up_mean_wait_ms']:.2f} ms")
    return {
        "events": events, "rate": rate,
        "rows": [
            {"fifth": name, **{key: rounded(statistics.median(row[key] for row in rows)) for key in rows[0]}}
            for name, rows in found.items()
        ],
    }


def destinations(sink: int, fifth: int) -> str:
    ports = [sink] * HEALTHY + [fifth]
    return "[" + ", ".join(
        f'{{name: d{i}, platform: webhook, url: "http://127.0.0.1:{port}/hook", start: earliest}}'
        for i, port in enumerate(ports)) + "]"


def healthy(gateway: servers.Gateway, metric: str, labels: str = "") -> list[float]:
    """A metric of each of the four."""
    metrics = gateway.metrics()
    return [metrics.get(f'{metric}{{destination="d{i}"{labels}}}', 0.0) for i in range(HEALTHY)]


def delivered(gateway: servers.Gateway) -> float:
    """What the slowest of the four has got."""
    return min(healthy(gateway, "sluice_destination_outcomes_total", ',outcome="delivered"'))


def filled_folder(context: Context, events: int) -> Path:
    gateway = servers.start_sluice(context, "filled")
    fill(context, gateway, events)
    gateway.process.stop(grace=20)
    return gateway.data


def catching_up(context: Context, filled: Path, destinations: str, events: int) -> dict:
    folder = context.folder("catching-up")
    shutil.copytree(filled, folder / "data")
    context.settle()
    gateway = servers.start_sluice(context, "sluice", destinations=destinations, folder=folder)
    began, first, cpu = time.monotonic(), delivered(gateway), gateway.process.cpu()
    last, end = first, began + 120
    while last < events:
        if time.monotonic() > end or not gateway.process.alive:
            raise BenchmarkError(f"{last:.0f} of {events} events were delivered\n{gateway.process.log_tail()}")
        time.sleep(0.02)
        last = delivered(gateway)
    seconds, used = time.monotonic() - began, gateway.process.cpu() - cpu
    gateway.process.stop()
    shutil.rmtree(folder)
    return {
        "catching_up_events_per_second_each": (last - first) / seconds,
        "catching_up_cpu_us_per_event": used.total / (last - first) * 1e6,
    }


def keeping_up(context: Context, destinations: str, rate: int) -> dict:
    gateway = servers.start_sluice(context, "sluice", destinations=destinations)
    lags: list[float] = []

    def read() -> dict:
        lags.extend(healthy(gateway, "sluice_destination_lag_events"))
        return {}

    with Sampler(0.05, read):
        load = generate(context, gateway, connections=64, rate=rate)
    gateway.process.stop()
    return {
        "keeping_up_mean_wait_ms": statistics.fmean(lags) / load.events_per_second * 1e3,
        "keeping_up_p99_wait_ms": percentile(lags, 0.99) / load.events_per_second * 1e3,
        "keeping_up_acknowledge_p99_ms": load.latency_ms["p99"],
    }


def charts(result: dict) -> dict[str, Chart]:
    rows = result["rows"]
    names = [f"the fifth {'is ' if row['fifth'] == 'healthy' else ''}{row['fifth']}" for row in rows]
    return {
        "catching-up": Bars("Catching up: what each of the four healthy destinations gets", "events per second", names,
                            {"rate": [row["catching_up_events_per_second_each"] for row in rows]}),
        "keeping-up": Bars("Keeping up: how long an event waits for the four", "milliseconds", names,
                           {"mean": [row["keeping_up_mean_wait_ms"] for row in rows],
                            "p99": [row["keeping_up_p99_wait_ms"] for row in rows]}),
    }
