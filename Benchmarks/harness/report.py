"""RESULTS.md and its charts, from the results' JSON alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import goals
from charts import Bars, Chart
from compare import name as row_name
from figures import SETTINGS, about, heading, is_figure, number, table, tables

#: In the order of the report; each is a module of `benchmarks`.
NAMES = ["http", "latency", "batches", "shards", "core", "log", "delivery", "isolation", "backlog", "memory"]

#: Percent of its core up to which a side of a closed loop was not the limit.
IDLE = 90
#: The share of the work on the server's core that others may do before a row is marked.
OTHERS = 0.1
#: Percent of the cores' time that the host may give to others before a row is marked.
STOLEN = 1

_INTRODUCTION = """# Results

Written by `scripts/bench report` from the JSON in `results/`; [README.md](README.md) says how each figure is
measured and how to read it.

## Goals

Ratios are to what the goal names, or to the goal's own number. CPU is that of the whole process, all threads, user
and system. "Rounds within" is how far apart the rounds of the figures were, of their mean. What is not met stays in
the table.
"""


def write(documents: dict[str, dict], report: Path, folder: Path) -> None:
    """Writes the report, and into `folder` its charts; charts of earlier reports go."""
    folder.mkdir(parents=True, exist_ok=True)
    for chart in folder.glob("*.svg"):
        chart.unlink()
    parts = [_INTRODUCTION, goals_table(documents), machines(documents)]
    for name in NAMES:
        if name in documents and (module := load(name)):
            parts.append(section(name, module, documents[name], report, folder))
    missing = [name for name in NAMES if name not in documents]
    if missing:
        parts.append("## Not measured\n\nNo results of: " + ", ".join(f"`{name}`" for name in missing) + ".")
    report.write_text("\n\n".join(part.strip() for part in parts if part) + "\n")


def load(name: str) -> ModuleType | None:
    """The benchmark's module; None of a benchmark that is not there any more."""
    if not (Path(__file__).parent / "benchmarks" / f"{name}.py").exists():
        return None
    return importlib.import_module(f"benchmarks.{name}")


def goals_table(documents: dict[str, dict]) -> str:
    found = goals.rows({name: document["result"] for name, document in documents.items()})
    headings, right = ["what", "goal", "figure", "ratio", ""], [False, False, False, True, False]
    if len({document["commit"] for document in documents.values()}) > 1:
        # Figures that were measured at different commits do not say so by themselves.
        headings, right = [*headings, "measured at"], [*right, False]
        found = [[*row, documents[goal.benchmark]["commit"] if goal.benchmark in documents else "-"]
                 for goal, row in zip(goals.GOALS, found)]
    return table(headings, found, right)


def machines(documents: dict[str, dict]) -> str:
    """The machine, once if all results come from the same, else each with its benchmarks."""
    groups: list[tuple[dict, list[str]]] = []
    for name, document in documents.items():
        for machine, names in groups:
            if machine == document["machine"]:
                names.append(name)
                break
        else:
            groups.append((document["machine"], [name]))
    if not groups:
        return ""
    parts = ["## Machine"]
    for machine, names in groups:
        if len(groups) > 1:
            parts.append("For " + ", ".join(f"`{name}`" for name in names) + ":")
        parts.append(table(["", ""], machine_rows(machine), [False, False]))
    return "\n\n".join(parts)


def machine_rows(machine: dict) -> list[list[str]]:
    rows = []
    for key, value in machine.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {version}" for name, version in value.items())
        elif key == "memory_bytes":
            key, value = "memory", f"{value / 2**30:.0f} GiB"
        rows.append([key.replace("_", " "), str(value)])
    return rows


def section(name: str, module: ModuleType, document: dict, report: Path, folder: Path) -> str:
    """A benchmark: what it shows, its table, its charts, and where the figures come from."""
    result = document["result"]
    parts = [f"## {module.TITLE}"]
    if description := getattr(module, "ABOUT", ""):
        parts.append(about(description, result))
    for title, rows in tables(result).items():
        if title:
            parts.append(f"### {title[0].upper()}{title[1:]}")
        parts.append(rows_table(rows, None if title else getattr(module, "COLUMNS", None)))
    parts += notes(module, result)
    further = [
        [heading(key), number(value)] for key, value in result.items() if is_figure(value) and key not in SETTINGS]
    if further:
        parts.append(table(["besides", ""], further, [False, True]))
    for extra, chart in charts(module, result).items():
        file = folder / f"{name}{'-' + extra if extra else ''}.svg"
        file.write_text(chart.svg())
        parts.append(f"![{chart.title}]({file.relative_to(report.parent)})")
    versions = ", ".join(f"{key}: {value}" for key, value in result.get("versions", {}).items())
    parts.append(f"`scripts/bench {name}`; measured {document['date']} at {document['commit']}."
                 + (f" With {versions}." if versions else ""))
    if binaries := document.get("binaries"):
        digests = ", ".join(f"{key} `{value[:16]}`" for key, value in binaries.items())
        parts.append(f"SHA-256, first 16 digits: {digests}.")
    return "\n\n".join(parts)


def notes(module: ModuleType, result: dict) -> list[str]:
    """What must be known before a figure is believed: the module's own notes, and those that hold for all."""
    found = list(module.notes(result)) if hasattr(module, "notes") else []
    idle = [row for rows in tables(result).values() for row in rows
            if "server_busy_percent" in row and "generator_busy_percent" in row
            and max(row.get("core_busy_percent", row["server_busy_percent"]), row["generator_busy_percent"]) <= IDLE]
    if idle:
        found.append(f"**Neither side was busy more than {IDLE} % of the time** in: " + "; ".join(map(row_name, idle))
                     + ". Something else, like the disk or the host, set these rates.")
    others = [row for row in result["rows"] if "core_us_per_request" in row
              and row["core_us_per_request"] - row["cpu_us_per_request"] > OTHERS * row["core_us_per_request"]]
    if others:
        found.append(f"**More than {OTHERS:.0%} of what the server's core did was not the server's** but kernel "
                     "threads' or other programs', in: " + "; ".join(map(row_name, others)) + ".")
    stolen = [row for row in result["rows"] if row.get("stolen_percent", 0) > STOLEN]
    if stolen:
        found.append(
            f"**The host took more than {STOLEN} % of the cores** during: " + "; ".join(map(row_name, stolen)) + ".")
    return found


def rows_table(rows: list[dict], columns: list[str] | None) -> str:
    keys = columns or [key for key, value in rows[0].items() if not isinstance(value, (list, dict))]
    cells = [[number(row.get(key)) for key in keys] for row in rows]
    right = [any(is_figure(row.get(key)) for row in rows) for key in keys]
    return table([heading(key) for key in keys], cells, right)


def charts(module: ModuleType, result: dict) -> dict[str, Chart]:
    """What the module draws; otherwise bars of the first figure of each row."""
    if draw := getattr(module, "charts", None):
        return draw(result)
    rows = result["rows"]
    figure = next((key for key, value in rows[0].items() if is_figure(value)), None)
    if figure is None:
        return {}
    labels = [", ".join(value for value in row.values() if isinstance(value, str)) or str(index)
              for index, row in enumerate(rows, 1)]
    return {"": Bars(module.TITLE, heading(figure), labels, {heading(figure): [row[figure] for row in rows]})}
