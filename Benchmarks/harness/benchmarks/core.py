"""Parse, validate and normalize, beside parsers that do less.

Sluice's pass is what a shard does with a request's body: the platform's decoder checks every constraint and
writes the canonical line, with the event's fingerprint and the hashes of its block's filter; one row also puts
the fingerprint into the deduplication table. JSONDecoder fills plain structs, simdjson builds its DOM and reads
nothing of it. Bodies that are forms are given to those two as the same event in JSON.

Time is CPU time of one thread, the passes taking turns, the median of the rounds. Instructions are the
difference of two runs under callgrind, by which start-up and warm-up fall away; they do not depend on what else
the machine does. Callgrind knows AVX2 and not AVX-512, so where the processor has the latter, simdjson's
instructions are those of another kernel than its time.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from charts import Bars, Chart
from context import Context
from process import BenchmarkError
from stats import rounded, spread_percent

TITLE = "Parse, validate and normalize"
ABOUT = (
    "One event a request, as its platform's clients send it, on one thread. Sluice validates and writes the canonical "
    "line; JSONDecoder (Foundation's) fills plain structs and checks types; simdjson (kernel {simdjson_kernel}) builds "
    "its DOM and no more. Times are the median of {rounds} rounds in turns; instructions are callgrind's."
)
COLUMNS = ["request", "body", "parser", "bytes_per_event", "ns_per_event", "spread_percent", "times_simdjson",
           "times_sluice",
           "instructions_per_event", "instructions_times_simdjson", "instructions_times_sluice"]
#: Requests whose fingerprints are also put into the deduplication table.
DEDUPLICATED = ("topsort_impression",)
#: Instructions are counted between so many events and so many.
COUNTED = {"sluice": (500, 2500), "sluice-deduplicated": (500, 2500), "jsondecoder": (200, 600), "simdjson": (500, 2500)}


class Parsers:
    """Command lines of every pass over every request."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.program = context.binary("CoreBenchmark")
        # Its own authors' flag; everything else here is -O2 or Swift's -O.
        self.simdjson = context.compile_c("Benchmarks/core/simdjson/simdjson.cpp", "-O3", "-DNDEBUG", "-lsimdjson")
        self.bodies = context.folder("bodies")
        context.run([self.program, "write", self.bodies])
        listed = [line.split() for line in context.run([self.program, "list"]).splitlines()]
        # Callgrind takes a second or two for each of some fifty runs: too long for a look whether all works.
        kept = listed[:1] if context.quick else listed
        self.requests = {name: (platform, body) for name, platform, body in kept}

    def passes(self, request: str) -> list[str]:
        return ["sluice"] + ["sluice-deduplicated"] * (request in DEDUPLICATED) + ["jsondecoder", "simdjson"]

    def command(self, request: str, parser: str, events: int) -> list[str | Path]:
        if parser == "simdjson":
            return [self.simdjson, self.bodies / f"{request}.ndjson", str(events)]
        return [self.program, "run", request, parser, str(events)]

    def measure(self, request: str, parser: str, events: int) -> dict:
        return json.loads(self.context.run(self.command(request, parser, events), core=self.context.server_core))

    def instructions(self, request: str, parser: str) -> float:
        """Per event."""
        few, many = COUNTED[parser]
        difference = self._count(request, parser, many) - self._count(request, parser, few)
        return difference / (many - few)

    def _count(self, request: str, parser: str, events: int) -> int:
        # Hashes that differ from run to run would make the counts differ.
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             *(str(word) for word in self.command(request, parser, events))],
            text=True, capture_output=True, env={**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"})
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or not found:
            raise BenchmarkError(f"callgrind failed for {parser}, {request}:\n{done.stderr[-2000:]}")
        return int(found.group(1))


def run(context: Context) -> dict:
    parsers = Parsers(context)
    pairs = [(request, parser) for request in parsers.requests for parser in parsers.passes(request)]
    seconds, rounds = context.seconds / 10, max(context.rounds, 1 if context.quick else 5)
    measured: dict[tuple[str, str], list[dict]] = {pair: [] for pair in pairs}
    events = {}
    for pair in pairs:
        trial = parsers.measure(*pair, 2000)
        events[pair] = max(2000, int(seconds * 1e9 / trial["ns_per_event"]))
    for number in range(rounds):
        context.say(f"   round {number + 1}")
        for pair in pairs:
            measured[pair].append(parsers.measure(*pair, events[pair]))
    context.say("   counting instructions")
    with ThreadPoolExecutor(len(context.cores)) as pool:
        counts = dict(zip(pairs, pool.map(lambda pair: parsers.instructions(*pair), pairs)))
    kernel = next(figures[0]["kernel"] for figures in measured.values() if "kernel" in figures[0])
    rows = []
    for request in parsers.requests:
        rows += request_rows(request, parsers, measured, counts)
        context.say("   {request:20} {ns_per_event:7.0f} ns  {instructions_per_event:7.0f} instructions  "
                    "{times_simdjson:.2f} x simdjson".format(**rows[-len(parsers.passes(request))]))
    return {"rounds": rounds, "simdjson_kernel": kernel, "rows": rows}


def request_rows(request: str, parsers: Parsers, measured: dict, counts: dict) -> list[dict]:
    """One row for each parser; `times_…` are this row's figure by the other parser's."""
    platform, body = parsers.requests[request]

    def nanoseconds(parser: str) -> float:
        return statistics.median(one["ns_per_event"] for one in measured[request, parser])

    rows = []
    for parser in parsers.passes(request):
        time, count = nanoseconds(parser), counts[request, parser]
        rows.append({
            "request": request, "platform": platform, "parser": parser,
            "body": body if parser.startswith("sluice") else "json",
            "bytes_per_event": measured[request, parser][0]["bytes_per_event"],
            "ns_per_event": rounded(time),
            "spread_percent": rounded(spread_percent(one["ns_per_event"] for one in measured[request, parser])),
            "instructions_per_event": rounded(count),
            "times_simdjson": rounded(time / nanoseconds("simdjson")),
            "times_sluice": rounded(time / nanoseconds("sluice")),
            "instructions_times_simdjson": rounded(count / counts[request, "simdjson"]),
            "instructions_times_sluice": rounded(count / counts[request, "sluice"]),
        })
    return rows


def charts(result: dict) -> dict[str, Chart]:
    rows = result["rows"]
    requests = list(dict.fromkeys(row["request"] for row in rows))

    def figures(parser: str, key: str) -> list[float]:
        found = {row["request"]: row[key] for row in rows if row["parser"] == parser}
        return [found[request] for request in requests]

    return {
        "time": Bars("Sluice's whole pass beside simdjson's DOM alone", "nanoseconds per event", requests,
                     {"sluice": figures("sluice", "ns_per_event"), "simdjson": figures("simdjson", "ns_per_event")}),
        "jsondecoder": Bars("How many times as long JSONDecoder takes as Sluice", "times", requests,
                            {"times": figures("jsondecoder", "times_sluice")}, marks={"goal": 12}),
    }
