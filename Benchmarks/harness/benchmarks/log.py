"""The log alone: what commits cost by codec and durability, beside bare SQLite, and what reading costs.

The events are canonical impressions of 467 bytes with ids of their own, the same for both sides. Sluice's log
keeps its books, checksums and filters, and commits with one fsync of SQLite's write-ahead log (its only mode);
what that fsync costs shows beside the same log on a memory file system, where it costs nothing. The loop of
SQLite inserts is C: one row for each event in a table without further index, in WAL mode; `NORMAL` does not
fsync at commit.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Callable

from charts import Bars, Chart
from context import Context, turns
from machine import file_system
from stats import rounded, spread_percent

TITLE = "The log: committing and reading"
ABOUT = (
    "Commits of 467-byte events from one thread, {seconds} s each, the median of {rounds} rounds in turns, all on one "
    "core: Sluice's log by codec and place beside a loop of SQLite inserts in C. `events_in_flight` is how many wait "
    "for their commit at once; CPU is that of the log's thread. Reading fetches, checks and decompresses every block "
    "of {read_events} events, page cache warm. zlib and zstd are at level 1."
)
#: The most that one measurement commits: the codec `none` writes its whole size.
EVENTS_MAX = 3_000_000
MEMORY = Path("/dev/shm")
#: Codec, events in a block, blocks in flight, whether on disk.
SLUICE = [
    ("none", 2000, 8, True), ("zlib", 2000, 8, True), ("zstd", 2000, 8, True), ("zstd", 2000, 8, False),
    ("zstd", 1, 1, True), ("zstd", 1, 1, False), ("zstd", 100, 1, True), ("zstd", 10_000, 1, True),
]
SQLITE = [(mode, events) for mode in ("FULL", "NORMAL") for events in (1, 100, 10_000)]


def run(context: Context) -> dict:
    program = context.binary("LogBenchmark")
    inserts = context.compile_c("Benchmarks/log/sqlite/sqlite.c", "-lsqlite3")
    lines = context.folder("lines") / "lines.ndjson"
    context.run([program, "lines", lines])
    seconds = min(context.seconds, 2.0) if not context.quick else 0.3
    has_memory = file_system(MEMORY).startswith("tmpfs")

    def fill(codec: str, block: int, blocks: int, on_disk: bool, folder: Path) -> list:
        return [program, "fill", folder / "log", codec, str(block), str(blocks), str(EVENTS_MAX), str(seconds)]

    def insert(mode: str, events: int, folder: Path) -> list:
        return [inserts, folder / "events.sqlite", mode, str(events), str(EVENTS_MAX), str(seconds), lines]

    cases: list[tuple[dict, Path, Callable[[Path], list]]] = []
    for codec, block, blocks, on_disk in SLUICE:
        if on_disk or has_memory:
            about = {"writer": "sluice", "codec": codec, "durability": "fsync" if on_disk else "fsync of memory",
                     "events_in_flight": block * blocks}
            cases.append((about, context.work if on_disk else MEMORY,
                          lambda folder, case=(codec, block, blocks, on_disk): fill(*case, folder)))
    for mode, events in SQLITE:
        about = {"writer": "sqlite", "codec": "none", "durability": "fsync" if mode == "FULL" else "none at commit",
                 "events_in_flight": events}
        cases.append((about, context.work, lambda folder, case=(mode, events): insert(*case, folder)))

    measured: list[list[dict]] = [[] for _ in cases]
    for number in range(context.rounds):
        context.say(f"   round {number + 1}")
        for index, (_, place, command) in turns(enumerate(cases), number):
            context.settle()
            folder = Path(tempfile.mkdtemp(prefix="sluice-bench-log-", dir=place))
            try:
                measured[index].append(json.loads(context.run(command(folder), core=context.server_core)))
            finally:
                shutil.rmtree(folder)
    rows = [commit_row(about, rounds) for (about, _, _), rounds in zip(cases, measured)]
    for row in rows:
        context.say("   {writer:6} {codec:4} {durability:15} {events_in_flight:6}: {events_per_second:9,.0f} "
                    "events/s".format(**row))
    events = 300_000 if context.quick else 5_000_000
    return {"rounds": context.rounds, "seconds": seconds, "read_events": events, "rows": rows,
            "reading": reading(context, program, events)}


def commit_row(about: dict, rounds: list[dict]) -> dict:
    def median(figure: Callable[[dict], float]) -> float:
        return rounded(statistics.median(figure(one) for one in rounds))

    row = {
        **about,
        "events_per_second": median(lambda one: one["events"] / one["seconds"]),
        "bytes_per_second": median(lambda one: one["bytes"] / one["seconds"]),
        "events_per_commit": median(lambda one: one["events"] / one["commits"]),
        "log_cpu_us_per_event": median(lambda one: one["log_cpu_seconds"] / one["events"] * 1e6),
        "spread_percent": rounded(spread_percent(one["events"] / one["seconds"] for one in rounds)),
    }
    if "stored_bytes" in rounds[0]:
        row["stored_bytes_per_event"] = median(lambda one: one["stored_bytes"] / one["events"])
    return row


def reading(context: Context, program: Path, events: int) -> list[dict]:
    """What it takes to read a log from its first block, for a replay and for delivery."""
    rows = []
    for codec in ("zstd", "zlib", "none"):
        folder = context.folder("reading")
        context.run([program, "fill", folder, codec, "2000", "8", str(events), "3600"], core=context.server_core)
        for reader in ("replay", "delivery"):
            rounds = [
                json.loads(context.run([program, "read", folder, reader], core=context.server_core))
                for _ in range(context.rounds)
            ]
            rows.append({
                "reader": reader, "codec": codec, "events": rounds[0]["events"],
                "events_per_cpu_second": rounded(
                    statistics.median(one["events"] / one["cpu_seconds"] for one in rounds)),
                "spread_percent": rounded(spread_percent(one["events"] / one["cpu_seconds"] for one in rounds)),
                "resident_mib": rounded(max(one["peak_resident_bytes"] for one in rounds) / 2**20),
                "open_ms": rounded(statistics.median(one["open_seconds"] * 1e3 for one in rounds)),
            })
            context.say(f"   {reader} reads {codec}: {rows[-1]['events_per_cpu_second']:,.0f} events/s and core, "
                        f"{rows[-1]['resident_mib']:.0f} MiB")
        shutil.rmtree(folder)
    return rows


def charts(result: dict) -> dict[str, Chart]:
    rows, read = result["rows"], result["reading"]
    return {
        "commit": Bars(
            "Events committed, by how many wait at once", "events per second",
            [f"{row['writer']}, {row['codec']}, {row['durability']}, {row['events_in_flight']:,}" for row in rows],
            {"events": [row["events_per_second"] for row in rows]}),
        "read": Bars(
            "Events read", "events per CPU second", [f"{row['reader']}, {row['codec']}" for row in read],
            {"events": [row["events_per_cpu_second"] for row in read]}, marks={"goal": 1_000_000}),
    }
