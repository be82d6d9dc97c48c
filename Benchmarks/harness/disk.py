"""What the disk under a gateway costs by itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

from stats import percentile

APPEND_BYTES = 4096


def fsync_milliseconds(folder: Path, times: int) -> dict[str, float]:
    """An append of 4 KiB and its fsync, on an otherwise idle file: median and 99th percentile."""
    path, taken = folder / "fsync", []
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(file, b"\0" * APPEND_BYTES)
            os.fsync(file)
            taken.append((time.perf_counter() - began) * 1e3)
    finally:
        os.close(file)
        path.unlink()
    return {"p50_ms": percentile(taken, 0.5), "p99_ms": percentile(taken, 0.99)}
