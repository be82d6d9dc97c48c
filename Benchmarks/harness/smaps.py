"""A process's memory by mapping."""

from __future__ import annotations

import re
from pathlib import Path

#: Larger than any heap that the C library reserves in the same way (64 MiB).
_RESERVED_MIN_KB = 65 * 1024


def reserved_resident_bytes(pid: int) -> int:
    """RAM of the large anonymous mappings made without reserving swap (MAP_NORESERVE, "nr" in VmFlags): in a
    gateway, the table of known events. 0 when the process has ended."""
    try:
        return reserved_resident(Path(f"/proc/{pid}/smaps").read_text())
    except OSError:
        return 0


def reserved_resident(text: str) -> int:
    """The same of the text of an smaps file."""
    total = size = resident = 0
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == "Size":
            size = _kilobytes(value)
        elif key == "Rss":
            resident = _kilobytes(value)
        elif key == "VmFlags" and " nr" in value and size > _RESERVED_MIN_KB:
            total += resident * 1024
    return total


def _kilobytes(value: str) -> int:
    found = re.match(r"\s*(\d+) kB", value)
    return int(found.group(1)) if found else 0
