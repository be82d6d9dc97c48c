"""What Sluice set out to reach, and where it stands: the one table of thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from figures import number

#: The least ratio of delivery, and percent of its core from which on the generator is taken to be the limit.
DELIVERY = 0.9
GENERATOR_LIMIT = 95

#: Results by benchmark name, as the benchmarks returned them.
Results = dict[str, dict]


class NotMeasured(Exception):
    """A figure that the results do not hold."""


@dataclass(frozen=True)
class Figure:
    """What was measured, in words, and as the value that is held against the threshold."""

    text: str
    value: float
    #: Why it says nothing; then there is no verdict.
    void: str = ""


@dataclass(frozen=True)
class Goal:
    """`measure` gives the figure; it must be at most, or at least, `threshold`."""

    what: str
    goal: str
    threshold: float
    at_most: bool
    measure: Callable[[Results], Figure]
    #: Whose results it reads.
    benchmark: str
    #: What the value is divided by for the ratio: 1 where it is one already.
    unit: float = 1

    def is_met(self, value: float) -> bool:
        return value <= self.threshold if self.at_most else value >= self.threshold


def row(results: Results, benchmark: str, **where: object) -> dict:
    """The row of a benchmark in which the named values are those."""
    for found in results.get(benchmark, {}).get("rows", []):
        if all(found.get(key) == value for key, value in where.items()):
            return found
    raise NotMeasured


def value(found: dict, key: str) -> float:
    if found.get(key) is None:
        raise NotMeasured
    return found[key]


def within(*spreads: float | None) -> str:
    """How far apart the rounds were, in words: the worst of the figures', where it is known."""
    # A single round has none.
    known = [spread for spread in spreads if spread]
    return f"; rounds within {number(float(max(known)))} %" if known else ""


def cost_beside(other: str) -> Callable[[Results], Figure]:
    """CPU per committed request, as a multiple of another server's."""
    def measure(results: Results) -> Figure:
        our_row, their_row = row(results, "http", server="sluice committed"), row(results, "http", server=other)
        ours, theirs = value(our_row, "cpu_us_per_request"), value(their_row, "cpu_us_per_request")
        spread = within(our_row.get("cpu_spread_percent"), their_row.get("cpu_spread_percent"))
        return Figure(f"{number(ours)} us; {other} {number(theirs)} us{spread}", ours / theirs)
    return measure


def user_cost(results: Results) -> Figure:
    our_row = row(results, "http", server="sluice committed")
    found = value(our_row, "user_us_per_request")
    return Figure(f"{number(found)} us{within(our_row.get('cpu_spread_percent'))}", found)


def batch_rate(results: Results) -> Figure:
    our_row = row(results, "batches", platform="topsort", events_per_request=50)
    found = value(our_row, "events_per_cpu_second")
    clock = f"; {number(our_row['events_per_second'])} a second by the clock" if "events_per_second" in our_row else ""
    return Figure(f"{number(found)} events a CPU second{clock}{within(our_row.get('cpu_spread_percent'))}", found)


def latency(results: Results) -> Figure:
    our_row = row(results, "latency", server="sluice committed")
    bare_row = row(results, "latency", server="bare, the rate of Sluice")
    ours, bare = value(our_row, "p99_ms"), value(bare_row, "p99_ms")
    spread = within(our_row.get("p99_spread_percent"), bare_row.get("p99_spread_percent"))
    limits = [one for one in results["latency"].get("maximum", [])
              if one["server"] == "sluice committed" and one["generator_busy_percent"] >= GENERATOR_LIMIT]
    limit = f"; the maximum was the generator's, {number(limits[0]['generator_busy_percent'])} % busy" if limits else ""
    fsync = value(results["latency"], "fsync_p50_ms")
    return Figure(
        f"{number(ours)} ms; bare {number(bare)} ms, fsync {number(fsync)} ms{spread}{limit}", ours / (bare + 3 * fsync))


def memory(results: Results) -> Figure:
    found = row(results, "memory")
    rest = value(found, "rest_max_mib")
    return Figure(f"{number(rest)} MiB, and {number(value(found, 'table_max_mib'))} MiB of table", rest)


def memory_growth(results: Results) -> Figure:
    found = value(row(results, "memory"), "rest_growth_mib_per_million_events")
    return Figure(f"{number(found)} MiB a million events", found)


def backlog(results: Results) -> Figure:
    rows = results.get("backlog", {}).get("rows", [])
    down = [one for one in rows if one["destination"] == "down"]
    behind = max(down, key=lambda one: one["events_behind"], default=None)
    if behind is None or behind["events_behind"] < 10_000_000:
        raise NotMeasured
    # The other gateway's row at the same fill: measured in turns with this one.
    none = rows[rows.index(behind) + 1]
    ours, theirs = behind["cpu_us_per_event"], none["cpu_us_per_event"]
    spread = within(behind.get("cpu_spread_percent"), none.get("cpu_spread_percent"))
    return Figure(f"{number(ours)} us; none behind {number(theirs)} us{spread}", ours / theirs)


def parsing(parser: str, key: str, worst: Callable, other: str) -> Callable[[Results], Figure]:
    """How Sluice's pass compares with another parser's: the worst of all requests whose body is JSON. (Forms the
    others get as JSON, which is less work.)"""
    def measure(results: Results) -> Figure:
        rows = results.get("core", {}).get("rows", [])
        of_json = {one["request"] for one in rows if one["parser"] == "sluice" and one["body"] == "json"}
        found = {one["request"]: one[key] for one in rows if one["parser"] == parser and one["request"] in of_json}
        if not found:
            raise NotMeasured
        name = worst(found, key=lambda request: found[request])
        known = f"topsort_impression {number(found['topsort_impression'])} x; " if "topsort_impression" in found else ""
        spread = within(*(one.get("spread_percent") for one in rows
                          if one["request"] == name and one["parser"] in ("sluice", "jsondecoder", "simdjson")))
        return Figure(f"{known}worst of {len(found)}: {name}, {number(found[name])} x {other}{spread}", found[name])
    return measure


def delivery(results: Results) -> Figure:
    """Single events; the worse of the two protocols."""
    rows = [one for one in results.get("delivery", {}).get("rows", [])
            if one["sender"] == "sluice" and one["events_per_request"] == 1]
    if not rows:
        raise NotMeasured
    every = ", ".join(f"{one['protocol']} {number(one['requests_per_second'])} requests/s" for one in rows)
    known = [one for one in rows if one["times_libcurl"] is not None]
    void = [one for one in rows if one["times_libcurl"] is None]
    worst = min(known, key=lambda one: one["times_libcurl"], default=None)
    spread = within(*(one.get("spread_percent") for one in rows))
    if void and (worst is None or worst["times_libcurl"] >= DELIVERY):
        # One that is missed is missed whatever the other would be; one that is reached says nothing of the other.
        costs = ", ".join(f"{one['protocol']} {number(one['cpu_times_libcurl'])} x" for one in void)
        return Figure(f"{every}; CPU per request by libcurl's: {costs}{spread}", 0, "the sink was the limit")
    return Figure(f"{every}; worse: {worst['protocol']}{spread}", worst["times_libcurl"])


def replay_reading(results: Results) -> Figure:
    for found in results.get("log", {}).get("reading", []):
        if found["reader"] == "replay" and found["codec"] == "zstd":
            rate = value(found, "events_per_cpu_second")
            return Figure(f"{number(rate)} events a CPU second{within(found.get('spread_percent'))}", rate)
    raise NotMeasured


GOALS = [
    Goal("CPU per request, committed, single-event POST", "at most 1.2 x the bare responder", 1.2, True,
         cost_beside("bare"), "http"),
    Goal("the same", "at most nginx `return 204`", 1.0, True, cost_beside("nginx return 204"), "http"),
    Goal("the same", "at most 0.7 x nginx + Lua + file", 0.7, True, cost_beside("nginx + Lua + file"),
         "http"),
    Goal("user-space CPU per event, everything included", "at most 1.4 us", 1.4, True, user_cost, "http", unit=1.4),
    Goal("batches of 50, committed, events per CPU second", "at least 600,000", 600_000, False, batch_rate,
         "batches", unit=600_000),
    Goal("the same", "reach for 1,000,000", 1_000_000, False, batch_rate, "batches", unit=1_000_000),
    Goal("parse + validate + normalize", "at most 3 x simdjson's DOM parse alone", 3, True,
         parsing("sluice", "times_simdjson", max, "simdjson's time"), "core"),
    Goal("the same", "at least 12 x faster than JSONDecoder", 12, False,
         parsing("jsondecoder", "times_sluice", min, "Sluice's time"), "core"),
    Goal("p99 to acknowledge at half of the maximum rate, committed", "at most bare p99 + 3 fsync times", 1.0, True,
         latency, "latency"),
    Goal("delivery, single-event", "at least 0.9 x the bare libcurl loop", DELIVERY, False, delivery, "delivery"),
    Goal("replay reading, events per CPU second", "at least 1,000,000", 1_000_000, False, replay_reading, "log",
         unit=1_000_000),
    Goal("memory, all destinations down", "at most 128 MiB + the deduplication table", 128, True, memory, "memory",
         unit=128),
    Goal("the same", "flat; the number is this harness's own: at most 1 MiB more a million events", 1, True,
         memory_growth, "memory"),
    Goal("cost per event, 10 million behind vs none", "at most 1.1 x", 1.1, True, backlog, "backlog"),
]


def rows(results: Results) -> list[list[str]]:
    """The goals' table: what, goal, figure, ratio, verdict. The ratio is to the thing the goal names, or, for goals
    that are numbers, to that number."""
    found = []
    for goal in GOALS:
        try:
            figure = goal.measure(results)
        except (NotMeasured, KeyError, IndexError, ZeroDivisionError):
            found.append([goal.what, goal.goal, "-", "-", "not measured"])
            continue
        if figure.void:
            found.append([goal.what, goal.goal, figure.text, "-", f"void: {figure.void}"])
            continue
        verdict = "met" if goal.is_met(figure.value) else "**not met**"
        found.append([goal.what, goal.goal, figure.text, f"{figure.value / goal.unit:.2f}", verdict])
    return found
