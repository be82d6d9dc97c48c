"""Results on disk: one JSON file for each benchmark, from a folder or from a git revision."""

from __future__ import annotations

import datetime
import json
import subprocess
from pathlib import Path

from context import ROOT
from process import BenchmarkError

FOLDER = ROOT / "Benchmarks" / "results"


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], cwd=ROOT, text=True, capture_output=True)
    return done.stdout.strip() if done.returncode == 0 else ""


#: What a figure depends on: all that is built, and all that measures.
WATCHED = ("Sources", "CModules", "Package.swift", "Benchmarks", ":!Benchmarks/results", ":!Benchmarks/*.md")


def write(
    folder: Path, name: str, machine: dict, result: dict, binaries: dict[str, str] | None = None, given: bool = False
) -> Path:
    """`binaries`: SHA-256 by name, of what was run. `given`: some of them were not built from this tree."""
    folder.mkdir(parents=True, exist_ok=True)
    commit = _git("rev-parse", "--short", "HEAD")
    if commit and _git("status", "--porcelain", "--", *WATCHED):
        commit += " with changes"
    if given:
        commit += ", binaries from elsewhere"
    path = folder / f"{name}.json"
    document = {
        "machine": machine, "commit": commit or "unknown",
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "binaries": binaries or {}, "result": result,
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def read_folder(folder: Path) -> dict[str, dict]:
    """Documents by benchmark name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def read(where: str) -> dict[str, dict]:
    """From a folder, or as they were committed in a git revision."""
    if Path(where).is_dir():
        return read_folder(Path(where))
    names = _git("ls-tree", "--name-only", where, "Benchmarks/results/").splitlines()
    found = {Path(name).stem: json.loads(_git("show", f"{where}:{name}")) for name in names if name.endswith(".json")}
    if not found:
        raise BenchmarkError(f"{where} is neither a folder with results nor a revision that has some")
    return found
