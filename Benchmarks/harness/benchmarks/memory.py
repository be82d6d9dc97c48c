"""How much memory a gateway holds while nothing can be delivered."""

from __future__ import annotations

import time

import servers
from charts import Chart, Lines
from context import Context
from fill import fill
from process import BenchmarkError
from sampler import Sampler
from smaps import reserved_resident_bytes
from stats import rounded

TITLE = "Memory with every destination down"
ABOUT = (
    "Ten million events in batches of 500, closed loop, into a gateway with default settings and five destinations "
    "of which none accepts a connection. Resident memory once a second. The table of known events, whose size "
    "`deduplicate` bounds, is told apart by its mapping; it grows in two steps, one for each of its halves. Growth is "
    "that of the rest, over the second half of the events."
)
MEBIBYTE = 1024 * 1024


def run(context: Context) -> dict:
    events = 200_000 if context.quick else 10_000_000
    gateway = servers.start_sluice(context, "sluice", destinations=dead_destinations())
    with Sampler(0.2 if context.quick else 1.0, lambda: sample(gateway)) as sampler:
        committed = fill(context, gateway, events, lambda have: context.say(f"   {have:,} events"))
        # The last seconds show what is given back, and what retries of dead destinations hold.
        time.sleep(1 if context.quick else 5)
    if not gateway.process.alive:
        raise BenchmarkError(f"the gateway ended\n{gateway.process.log_tail()}")
    samples = sampler.samples
    behind = [value for key, value in gateway.metrics().items() if key.startswith("sluice_destination_lag_events")]
    return {
        "rows": [{
            "events": committed, "destinations_down": len(behind), "least_events_behind": int(min(behind)),
            "resident_max_mib": rounded(max(one["resident_mib"] for one in samples)),
            "table_max_mib": rounded(max(one["table_mib"] for one in samples)),
            "rest_max_mib": rounded(max(one["rest_mib"] for one in samples)),
            "rest_growth_mib_per_million_events": rounded(growth(samples)),
        }],
        "samples": samples,
    }


def dead_destinations() -> str:
    """One of each kind that needs no account of its own, at ports that refuse connections."""
    ports = [servers.free_port() for _ in range(5)]
    return "[" + ", ".join([
        f'{{name: topsort, platform: topsort, url: "http://127.0.0.1:{ports[0]}", token: "t"}}',
        f'{{name: warehouse, platform: webhook, url: "http://127.0.0.1:{ports[1]}/hook"}}',
        f'{{name: lake, platform: webhook, url: "http://127.0.0.1:{ports[2]}/hook"}}',
        f'{{name: alerts, platform: webhook, url: "http://127.0.0.1:{ports[3]}/hook"}}',
        f'{{name: audit, platform: webhook, url: "http://127.0.0.1:{ports[4]}/hook"}}',
    ]) + "]"


def sample(gateway: servers.Gateway) -> dict:
    resident = gateway.process.resident_bytes() / MEBIBYTE
    table = reserved_resident_bytes(gateway.process.pid) / MEBIBYTE
    return {
        "events": gateway.committed_events(), "resident_mib": rounded(resident), "table_mib": rounded(table),
        "rest_mib": rounded(resident - table),
    }


def growth(samples: list[dict]) -> float:
    """Slope of the memory beside the table over the second half of the events, by least squares."""
    half = samples[-1]["events"] / 2
    points = [(one["events"] / 1e6, one["rest_mib"]) for one in samples if one["events"] >= half]
    mean_x, mean_y = (sum(point[i] for point in points) / len(points) for i in (0, 1))
    width = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / width if width else 0.0


def charts(result: dict) -> dict[str, Chart]:
    samples = result["samples"]
    lines = {
        name: [(one["events"] / 1e6, one[key]) for one in samples]
        for name, key in (("all of it", "resident_mib"), ("without the table of known events", "rest_mib"))
    }
    return {"": Lines("Resident memory while every destination is down", "million events in the log", "MiB", lines,
                      {"128 MiB": 128})}
