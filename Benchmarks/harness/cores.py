"""What the machine's cores did: which of them to use, how busy they were, and what the host took away."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Mapping

_TICKS = os.sysconf("SC_CLK_TCK")
_TOPOLOGY = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class CoreTimes:
    """Seconds since the system started, of one core. `busy` is everything that is not idle: all processes, kernel
    threads and interrupts, but not what the host gave to others."""

    busy: float
    stolen: float


def core_times() -> dict[int, CoreTimes]:
    return parse_core_times(Path("/proc/stat").read_text())


def parse_core_times(text: str) -> dict[int, CoreTimes]:
    """From the text of /proc/stat: user nice system idle iowait irq softirq steal, in ticks."""
    found = {}
    for line in text.splitlines():
        name, *values = line.split()
        if name.startswith("cpu") and name != "cpu":
            user, nice, system, _, _, irq, softirq, stolen = (int(value) / _TICKS for value in values[:8])
            found[int(name[3:])] = CoreTimes(user + nice + system + irq + softirq, stolen)
    return found


@dataclass(frozen=True)
class Usage:
    """Of some cores, between two moments."""

    seconds: float
    cores: int
    busy_seconds: float
    #: Of all cores of the machine, on average, as a share of the time.
    stolen: float

    @property
    def busy(self) -> float:
        """From 0 to 1. Ticks may make it a little more than there was."""
        return min(1.0, self.busy_seconds / (self.seconds * self.cores)) if self.seconds else 0.0


class Watch:
    """Begins when it is made; `usage` is of the time until then, and may be asked more than once."""

    def __init__(self, cores: Iterable[int]) -> None:
        self._cores = sorted(cores)
        self._began, self._before = time.monotonic(), core_times()

    def usage(self) -> Usage:
        seconds, now = time.monotonic() - self._began, core_times()
        busy = sum(now[core].busy - self._before[core].busy for core in self._cores)
        stolen = sum(now[core].stolen - times.stolen for core, times in self._before.items() if core in now)
        return Usage(seconds, len(self._cores), busy, stolen / (seconds * len(now)))


def siblings(cores: Iterable[int]) -> dict[int, frozenset[int]]:
    """The hardware threads that share each core's execution units, itself included."""
    found = {}
    for core in cores:
        try:
            text = (_TOPOLOGY / f"cpu{core}" / "topology" / "thread_siblings_list").read_text()
        except OSError:
            text = str(core)
        found[core] = parse_cores(text)
    return found


def parse_cores(text: str) -> frozenset[int]:
    """The kernel's lists: "0-3,8"."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def in_order(shared: Mapping[int, frozenset[int]]) -> list[int]:
    """One hardware thread of each core first: as many of them as are asked for then get in each other's way least."""
    first, rest, taken = [], [], set()
    for core in sorted(shared):
        (rest if core in taken else first).append(core)
        taken |= shared[core]
    return first + rest
