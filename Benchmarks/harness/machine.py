"""The machine that a figure was measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from cores import siblings


def _output(*args: str) -> str:
    try:
        done = subprocess.run(args, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`, e.g. ext4."""
    return _output("findmnt", "-n", "-o", "FSTYPE", "-T", str(path)) or "unknown"


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _memory_bytes() -> int:
    found = re.search(r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def _version(*args: str) -> str:
    lines = _output(*args).splitlines()
    return lines[0] if lines else "not installed"


def _library(name: str) -> str:
    return _output("pkg-config", "--modversion", name) or "not installed"


def describe(data: Path) -> dict:
    """Everything about the machine that moves a figure."""
    swift = re.search(r"Swift version \S+", _output("swift", "--version"))
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "hardware_threads_per_core": max(map(len, siblings(os.sched_getaffinity(0)).values())),
        "memory_bytes": _memory_bytes(),
        "virtualization": _output("systemd-detect-virt") or "none",
        "kernel": platform.release(),
        "distribution": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "file_system": file_system(data),
        "swift": swift.group(0) if swift else "not installed",
        "cc": _version("cc", "--version"),
        "nginx": _version("/usr/sbin/nginx", "-v"),
        "libraries": {
            name: _library(name) for name in ("libcurl", "sqlite3", "libzstd", "zlib", "libcrypto", "simdjson")
        },
    }
