"""Server and tool processes of a benchmark: started pinned to a core, in a group of their own by which they are
ended, their CPU time read from the kernel."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Mapping, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class BenchmarkError(Exception):
    """A benchmark that cannot give a figure: the text is for the person who ran it."""


@dataclass(frozen=True)
class CPU:
    """CPU seconds. `total` is exact to the nanosecond; user and system are the kernel's sampled shares of it."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def __sub__(self, other: CPU) -> CPU:
        total = self.total - other.total
        # A nanosecond is what adding up user and system may be off by.
        if total < -1e-9:
            raise BenchmarkError(f"CPU time ran backwards, by {-total:.6f} s: part of it was not counted")
        return _split(
            max(0.0, total), max(0.0, self.user - other.user), max(0.0, self.system - other.system))


def _split(total: float, user: float, system: float) -> CPU:
    share = user / (user + system) if user + system > 0 else 0.0
    return CPU(total * share, total * (1 - share))


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _fields(pid: int) -> list[str]:
    """/proc/PID/stat from the state on: the process name before it may hold anything."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def descendants(pid: int) -> list[int]:
    """The process and everything that it started, and those, and so on."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _fields(int(entry))):
            parents.setdefault(int(fields[1]), []).append(int(entry))
    found, at = [pid], 0
    while at < len(found):
        found += parents.get(found[at], [])
        at += 1
    return found


def _process_cpu(pid: int) -> CPU:
    """What the process's threads have used, those that have ended included."""
    # clock_getcpuclockid(3) of another process: the complement of its id, and 2 for the scheduler's nanoseconds
    # of the whole thread group. utime and stime are counted in ticks of 10 ms; the kernel offers no exact split,
    # so the exact sum is divided as the ticks are.
    fields = _fields(pid)
    try:
        total = time.clock_gettime(((~pid) << 3) | 2)
    except OSError:
        return CPU(0, 0)
    user, system = (int(fields[11]) / _TICKS, int(fields[12]) / _TICKS) if fields else (0.0, 0.0)
    return _split(total, user, system)


def _group(number: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _fields(int(entry))) and int(fields[2]) == number and fields[0] not in "ZX":
            found.append(int(entry))
    return found


class Process:
    """A process of a benchmark, and what it starts.

    Invariants: 1. `stop` has been called when the context that spawned it closes; 2. the process leads a group of
    its own and is not reaped before that group has ended: until then its number, which is the group's, can be
    nobody else's.
    """

    def __init__(
        self, args: Sequence[str | Path], cores: Iterable[int] | None, env: Mapping[str, str] | None, log: Path,
        errors: Path | None = None
    ) -> None:
        """`errors`: where its standard error goes, if not into the log."""
        self.args = [str(argument) for argument in args]
        self.log = log
        #: Where it is pinned to; None is everywhere.
        self.cores = None if cores is None else frozenset(cores)
        self._seen: set[int] = set()
        with open(log, "ab") as output, open(errors or log, "ab") as error_output:
            self._child = subprocess.Popen(
                self.args, stdin=subprocess.DEVNULL, stdout=output, stderr=error_output, start_new_session=True,
                env={**os.environ, **env} if env else None, preexec_fn=_preparation(self.cores))

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        # Popen's own poll would reap it.
        return self._child.returncode is None and os.waitid(
            os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def cpu(self) -> CPU:
        """What the process, all its threads and all its children have used so far. A child that has ended since the
        last reading fails the benchmark: what it used is not known."""
        family = descendants(self.pid)
        if gone := self._seen.difference(family):
            raise BenchmarkError(f"{self.args[0]}: a process that is measured has ended ({gone})\n{self.log_tail()}")
        self._seen = set(family)
        parts = [_process_cpu(pid) for pid in family]
        return CPU(sum(part.user for part in parts), sum(part.system for part in parts))

    def resident_bytes(self) -> int:
        """Memory of the process and its children that is in RAM now."""
        total = 0
        for pid in descendants(self.pid):
            fields = _read(f"/proc/{pid}/statm").split()
            total += int(fields[1]) * _PAGE if fields else 0
        return total

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def wait(self, seconds: float) -> int:
        """The exit code; a process that takes longer is ended, and the benchmark fails."""
        if not self._ends_within(seconds):
            self.stop()
            raise BenchmarkError(f"{self.args[0]} took longer than {seconds:.0f} s\n{self.log_tail()}")
        self.stop()
        return self._child.returncode

    def signal(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)

    def stop(self, grace: float = 5) -> None:
        """SIGTERM, and SIGKILL for what of its group is left then, also when the process itself has ended long
        before. Only processes that this one started are touched."""
        if self._child.returncode is not None:
            return
        # Those that went into groups of their own can be found as long as their parents live.
        children = {pid: _started(pid) for pid in descendants(self.pid)[1:]}
        self.signal(signal.SIGTERM)
        self._ends_within(grace)
        os.killpg(self.pid, signal.SIGKILL)
        for pid, started in children.items():
            # The number may be somebody else's by now; the time it started tells.
            if started and _started(pid) == started:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        end = time.monotonic() + grace
        while _group(self.pid) and time.monotonic() < end:
            time.sleep(0.01)
        self._child.wait()

    def _ends_within(self, seconds: float) -> bool:
        """Waits for the end of the process, and does not reap it."""
        if self._child.returncode is not None:
            return True
        descriptor = os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        finally:
            os.close(descriptor)


def _started(pid: int) -> str:
    """When the process started, in ticks since the system did; empty when it is gone."""
    fields = _fields(pid)
    return fields[19] if fields else ""


def _preparation(cores: Iterable[int] | None) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        # A harness that is killed takes its servers with it.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)
        if cores is not None:
            os.sched_setaffinity(0, cores)

    return prepare
