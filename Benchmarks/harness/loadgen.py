"""The load generator: sluice-load, run pinned to the generator's core, its report read and checked."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Iterable

from context import Context
from cores import Usage, Watch
from process import CPU, BenchmarkError
from servers import Server

CONNECTIONS = 256
#: The native form has longer names.
EVENT_BYTES = {"topsort": 400, "native": 480}
UNSENT_MAX = 0.01


@dataclass(frozen=True)
class Load:
    """What one run of the generator saw. Latencies are in milliseconds, by percentile ("p50" ... "max")."""

    #: All that were answered, also those behind the end of the measured time: they cost CPU as well.
    requests: int
    events: int
    #: Of the measured time only.
    requests_per_second: float
    events_per_second: float
    latency_ms: dict[str, float]
    #: How much of its core the generator used, from 0 to 1.
    generator_busy: float
    #: How long it sent.
    seconds: float


@dataclass(frozen=True)
class Measurement:
    """A load, the CPU time that the server used for it, and what its cores did meanwhile."""

    load: Load
    cpu: CPU
    #: Of the server's cores, with all that ran there: kernel threads, and what others do.
    usage: Usage
    #: Whether the generator ran there as well.
    shared: bool
    #: How much of its cores the server used while the generator sent, and how much all used, from 0 to 1.
    server_busy: float
    core_busy: float
    #: What the host gave to others, as a share of all cores' time.
    stolen: float


def generate(
    context: Context, server: Server, *, seconds: float | None = None, connections: int = CONNECTIONS,
    events: int = 1, rate: float | None = None, platform: str = "topsort", core: int | Iterable[int] | None = None
) -> Load:
    """Sends impressions of `EVENT_BYTES`: as fast as they are answered, or at `rate` requests a second, which then come
    at random (Poisson) and are timed from when they were due. An answer that is not 2xx fails the benchmark."""
    seconds = context.seconds if seconds is None else seconds
    report = context.work / "load.json"
    report.unlink(missing_ok=True)
    args = [
        context.load, server.url(platform), "--connections", connections, "--duration", f"{seconds:g}s",
        "--warm-up", "0s", "--events", events, "--platform", platform, "--type", "impression", "--bytes", EVENT_BYTES[platform], "--json", report,
    ]
    if rate is not None:
        args += ["--rate", f"{rate:.0f}", "--arrival", "poisson"]
    try:
        context.run(args, core=context.load_core if core is None else core, timeout=seconds + 60)
    except BenchmarkError:
        # Its exit code is stricter than `read`.
        if not report.exists():
            raise
    return read(json.loads(report.read_text()), server.name)


def read(report: dict, name: str) -> Load:
    """A report of sluice-load. One with a refused or failed request is not a figure, nor is one of an open loop that
    could not be held: a few requests may be due, and unsent, when a stall falls on the end of the time."""
    refused = {status: count for status, count in report["statuses"].items() if not status.startswith("2")}
    if report["errors"] or refused or not report["requests"]:
        raise BenchmarkError(f"{name} refused requests: {report['errors']} errors, by status {report['statuses']}")
    if report["unsent"] > UNSENT_MAX * report["requests"]:
        raise BenchmarkError(f"{name} did not keep up: {report['unsent']} requests were due and could not be sent")
    return Load(
        report["requests"], report["events"], report["requests_per_second"], report["events_per_second"],
        report["latency_ms"], report["generator"]["busy"], report["seconds"])


def measure(context: Context, server: Server, **load) -> Measurement:
    """`generate`, and the server's CPU time from the first request until it has settled behind the last. What
    others left to be written is written before."""
    context.settle()
    own = server.process.cores or frozenset(context.cores)
    generators = load.get("core", context.load_core)
    shared = bool(own & ({generators} if isinstance(generators, int) else set(generators)))
    before, watch = server.process.cpu(), Watch(own)
    result = generate(context, server, **load)
    sent, used = watch.usage(), server.process.cpu() - before
    time.sleep(0.3)  # What is buffered, or not yet committed, is part of the cost.
    if not server.process.alive:
        raise BenchmarkError(f"{server.name} ended under load\n{server.process.log_tail()}")
    usage, cpu = watch.usage(), server.process.cpu() - before
    # The generator needs a moment to begin, in which the server has nothing to do.
    server_busy, core_busy = (
        min(1.0, seconds / (result.seconds * len(own))) for seconds in (used.total, sent.busy_seconds))
    return Measurement(result, cpu, usage, shared, server_busy, core_busy, usage.stolen)
