"""What a benchmark gets to work with: folders, binaries, processes, and how long it may take."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Callable, Iterable, Mapping, Sequence, TypeVar

from cores import in_order, siblings
from process import BenchmarkError, Process

ROOT = Path(__file__).resolve().parents[2]
Item = TypeVar("Item")


class Context:
    """One run of the harness.

    Invariants: 1. every process of `spawn` and `run`, and what those started, has ended after `__exit__`; 2. `work`
    exists from `__enter__` to `__exit__` and lies on the disk that is measured.
    """

    def __init__(
        self, *, quick: bool = False, seconds: float | None = None, rounds: int | None = None,
        data: Path | None = None, sluice: Path | None = None, load: Path | None = None
    ) -> None:
        self.root = ROOT
        self.quick = quick
        #: Length of one measurement in seconds, and how often each is repeated, alternating with the others.
        self.seconds = seconds or (1.0 if quick else 5.0)
        self.rounds = rounds or (1 if quick else 3)
        cores = in_order(siblings(os.sched_getaffinity(0)))
        if len(cores) < 2:
            raise BenchmarkError("two cores are needed: one for the server, one for the load generator")
        #: Where servers and where generators run: not on one core's hardware threads, if there is another core.
        self.server_core, self.load_core = cores[:2]
        self.cores = cores
        self._data = data or default_data_folder()
        self._given = {"sluice": sluice, "sluice-load": load}
        self._built: dict[str, Path] = {}
        self._used: dict[str, Path] = {}
        self._processes: list[Process] = []
        self._folders = 0

    def __enter__(self) -> Context:
        self._data.mkdir(parents=True, exist_ok=True)
        self.work = Path(tempfile.mkdtemp(prefix="sluice-bench-", dir=self._data))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()
        shutil.rmtree(self.work, ignore_errors=True)

    def say(self, text: str) -> None:
        """Progress, on standard error."""
        print(text, file=sys.stderr, flush=True)

    # Binaries

    @property
    def sluice(self) -> Path:
        """The release build of the gateway."""
        return self.binary("sluice")

    @property
    def load(self) -> Path:
        """The release build of the load generator."""
        return self.binary("sluice-load")

    def binary(self, name: str) -> Path:
        """A release product of the package, built when it is first asked for."""
        if given := self._given.get(name):
            self._built[name] = given
        elif name not in self._built:
            self._built[name] = self.build(self.root, name, self.root / ".build")
        self._used[name] = self._built[name]
        return self._built[name]

    @property
    def is_given(self) -> bool:
        """Whether a binary is measured that is not of this tree."""
        return any(self._given.values())

    def binaries(self) -> dict[str, str]:
        """SHA-256 of the binaries that were used since this was asked last, by name."""
        used, self._used = self._used, {}
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(used.items())}

    def build(self, package: Path, product: str, scratch: Path) -> Path:
        """A release product of any package; what is built already is kept in `scratch`."""
        self.say(f"   building {product}")
        arguments = ["build", "-c", "release", "--scratch-path", str(scratch)]
        self._swift(package, *arguments, "--product", product)
        program = Path(self._swift(package, *arguments, "--show-bin-path").strip().splitlines()[-1]) / product
        self._used[product] = program
        return program

    def _swift(self, package: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["swift", *arguments], cwd=package, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "SLUICE_BENCHMARKS": "1"})
        if done.returncode:
            raise BenchmarkError(f"swift {' '.join(arguments)} in {package} failed:\n{done.stdout[-4000:]}")
        return done.stdout

    def compile_c(self, source: str | Path, *flags: str) -> Path:
        """A C (or, by its name's ending, C++) program under the root, optimized; libraries go into `flags`."""
        program = self._compiled(source, *flags)
        self._used[program.name] = program
        return program

    @functools.cache
    def _compiled(self, source: str | Path, *flags: str) -> Path:
        path = self.root / source
        compiler = "c++" if path.suffix in (".cc", ".cpp") else "cc"
        output = self.work / path.stem
        done = subprocess.run(
            [compiler, "-O2", "-o", output, path, *flags], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise BenchmarkError(f"cannot compile {source}:\n{done.stdout[-4000:]}")
        return output

    # Processes and folders

    def spawn(
        self, args: Sequence[str | Path], core: int | Iterable[int] | None = None,
        env: Mapping[str, str] | None = None, log: str = "process"
    ) -> Process:
        """Starts a program, pinned to a core or to several, its output in `<work>/<log>.log`. `__exit__` ends it."""
        process = Process(args, {core} if isinstance(core, int) else core, env, self.work / f"{log}.log")
        self._processes.append(process)
        return process

    def run(
        self, args: Sequence[str | Path], core: int | Iterable[int] | None = None,
        env: Mapping[str, str] | None = None, timeout: float = 600
    ) -> str:
        """Runs a program to its end and returns its standard output; a failure fails the benchmark."""
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.work))
        output, errors = folder / "output", folder / "errors"
        process = Process(args, {core} if isinstance(core, int) else core, env, output, errors)
        try:
            code = process.wait(timeout)
            if code:
                said = errors.read_text(errors="replace") or output.read_text(errors="replace")
                raise BenchmarkError(f"{args[0]} failed with {code}:\n{said[-4000:]}")
            return output.read_text()
        finally:
            process.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def stop_all(self) -> None:
        """Ends what was spawned, the last first."""
        while self._processes:
            self._processes.pop().stop()

    def folder(self, name: str) -> Path:
        """A new, empty folder on the measured disk."""
        self._folders += 1
        path = self.work / f"{name}-{self._folders}"
        path.mkdir()
        return path

    def settle(self) -> None:
        """Writes back what earlier turns left to the kernel, so that it does not fall into the next one's."""
        os.sync()

    def wait_until(self, what: str, process: Process, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Waits for `condition()`; shows the process's log when it ends or takes longer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            if not process.alive:
                break
            time.sleep(0.02)
        raise BenchmarkError(f"{what} did not come up:\n{process.log_tail()}")


def turns(items: Iterable[Item], number: int) -> list[Item]:
    """The order in round `number`, from 0: each begins with another one, and every second runs backwards from there,
    so that nobody always comes first, or behind the same neighbour."""
    known = list(items)
    start, step = number * max(1, len(known) // 3), -1 if number % 2 else 1
    return [known[(start + step * index) % len(known)] for index in range(len(known))]


def default_data_folder() -> Path:
    """The temporary folder, unless that is memory: an fsync there would cost nothing."""
    from machine import file_system

    folder = Path(tempfile.gettempdir())
    return folder if file_system(folder) not in ("tmpfs", "ramfs") else ROOT / ".build" / "bench"
