"""Processes: that all CPU is counted, that none is left, and that a failed start shows why."""

import os
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from context import Context
from process import BenchmarkError, CPU, descendants

#: Spends the CPU time given in a child and in a thread that is not the first, says so, and waits.
_BUSY = """
import os, sys, threading, time
def spend():
    while time.thread_time() < 0.2: pass
if os.fork() == 0:
    spend(); time.sleep(600)
thread = threading.Thread(target=lambda: (spend(), time.sleep(600)), daemon=True); thread.start()
time.sleep(600)
"""


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "a context needs two cores")
class ProcessTests(unittest.TestCase):
    def setUp(self) -> None:
        self.context = self.enterContext(Context(quick=True))

    def until(self, condition) -> None:
        end = time.monotonic() + 60
        while not condition() and time.monotonic() < end:
            time.sleep(0.02)

    def test_children_and_threads_are_counted(self) -> None:
        process = self.context.spawn([sys.executable, "-c", _BUSY], core=self.context.server_core)
        self.until(lambda: process.cpu().total >= 0.4)
        self.assertGreaterEqual(process.cpu().total, 0.4)
        self.assertGreater(process.resident_bytes(), 1_000_000)

    def test_closing_ends_every_process_and_removes_the_folder(self) -> None:
        with Context(quick=True) as context:
            folder = context.folder("some")
            process = context.spawn([sys.executable, "-c", _BUSY])
            self.until(lambda: len(descendants(process.pid)) == 2)
            family = descendants(process.pid)
        self.assertEqual(len(family), 2)
        self.until(lambda: all(map(ended, family)))
        self.assertTrue(all(map(ended, family)))
        self.assertFalse(folder.exists())

    def test_a_failed_start_shows_the_log(self) -> None:
        process = self.context.spawn([sys.executable, "-c", "print('no such port'); raise SystemExit(1)"])
        with self.assertRaisesRegex(BenchmarkError, "the server did not come up:\nno such port"):
            self.context.wait_until("the server", process, lambda: False)

    def test_a_failed_program_fails_the_benchmark(self) -> None:
        with self.assertRaisesRegex(BenchmarkError, "failed with 3:\nout of order"):
            self.context.run([sys.executable, "-c", "import sys; sys.stderr.write('out of order'); sys.exit(3)"])

    def test_threads_that_ended_are_counted(self) -> None:
        code = ("import threading, time\n"
                "def spend():\n"
                "    while time.thread_time() < 0.1: pass\n"
                "for _ in range(3):\n"
                "    thread = threading.Thread(target=spend); thread.start(); thread.join()\n"
                "print('spent', flush=True); time.sleep(600)")
        process = self.context.spawn([sys.executable, "-c", code])
        self.until(lambda: "spent" in process.log_tail())
        self.assertGreaterEqual(process.cpu().total, 0.3)

    def test_a_child_that_ended_between_readings_fails(self) -> None:
        code = "import os, time\nos.fork() or (time.sleep(1), os._exit(0))\nos.wait(); time.sleep(600)"
        process = self.context.spawn([sys.executable, "-c", code])
        self.until(lambda: len(descendants(process.pid)) == 2)
        process.cpu()
        self.until(lambda: len(descendants(process.pid)) == 1)
        with self.assertRaisesRegex(BenchmarkError, "a process that is measured has ended"):
            process.cpu()

    def test_children_of_a_process_that_ended_are_ended(self) -> None:
        process = self.context.spawn(["sh", "-c", "sleep 600 & echo $!"])
        self.until(lambda: not process.alive)
        child = int(process.log_tail())
        self.assertFalse(ended(child))
        process.stop()
        self.assertTrue(ended(child))

    def test_children_of_a_program_that_was_run_are_ended(self) -> None:
        child = int(self.context.run(["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"]))
        self.assertTrue(ended(child))
        self.assertEqual(self.context.run(["nproc"], core=self.context.load_core).strip(), "1")
        with self.assertRaisesRegex(BenchmarkError, "took longer"):
            self.context.run(["sleep", "600"], timeout=0.1)

    def test_lost_cpu_time_fails(self) -> None:
        with self.assertRaisesRegex(BenchmarkError, "backwards"):
            CPU(1, 1) - CPU(1, 1.001)

    def test_the_split_never_runs_backwards(self) -> None:
        # The kernel's split may move by a tick between two readings.
        self.assertEqual(CPU(2.0, 5.0) - CPU(2.01, 3.99), CPU(0.0, 1.0))


if __name__ == "__main__":
    unittest.main()
