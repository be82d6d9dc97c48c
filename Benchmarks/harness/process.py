"""Server and tool processes of a benchmark: started pinned to a core, ended by id, their CPU time read
from the kernel."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
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
        return _split(
            self.total - other.total, max(0.0, self.user - other.user), max(0.0, self.system - other.system))


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
    # utime and stime are counted in ticks of 10 ms; the scheduler's own sum is in nanoseconds. The kernel
    # offers no exact split, so the exact sum is divided as the ticks are.
    fields = _fields(pid)
    if not fields:
        return CPU(0, 0)
    user, system = int(fields[11]) / _TICKS, int(fields[12]) / _TICKS
    nanoseconds = 0
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        threads = []
    for thread in threads:
        text = _read(f"/proc/{pid}/task/{thread}/schedstat").split()
        nanoseconds += int(text[0]) if text else 0
    if nanoseconds == 0 or user + system == 0:
        return CPU(user, system)
    return _split(nanoseconds / 1e9, user, system)


class Process:
    """A process of a benchmark. Invariant: `stop` has been called when the context that spawned it closes."""

    def __init__(
        self, args: Sequence[str | Path], cores: Iterable[int] | None, env: Mapping[str, str] | None, log: Path
    ) -> None:
        self.args = [str(argument) for argument in args]
        self.log = log
        prepare = _preparation(cores)
        with open(log, "ab") as output:
            self._child = subprocess.Popen(
                self.args, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, **env} if env else None, preexec_fn=prepare)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def cpu(self) -> CPU:
        """What the process, all its threads and all its children have used so far."""
        parts = [_process_cpu(pid) for pid in descendants(self.pid)]
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
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise BenchmarkError(f"{self.args[0]} took longer than {seconds:.0f} s\n{self.log_tail()}") from None

    def signal(self, number: int) -> None:
        if self.alive:
            self._child.send_signal(number)

    def stop(self, grace: float = 5) -> None:
        """SIGTERM, and SIGKILL when that was not enough. Only processes that this one started are touched."""
        if not self.alive:
            return
        children = {pid: _started(pid) for pid in descendants(self.pid)[1:]}
        self._child.terminate()
        try:
            self._child.wait(grace)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pid, started in children.items():
            # The number may be somebody else's by now; the time it started tells.
            if started and _started(pid) == started:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


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
