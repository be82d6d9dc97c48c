"""The harness behind scripts/bench: runs benchmarks, writes their results and the report, compares."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import time
import traceback
from pathlib import Path

import compare
import machine
import report
import results
from context import ROOT, Context
from process import BenchmarkError


def available() -> list[str]:
    folder = Path(__file__).parent / "benchmarks"
    return [name for name in report.NAMES if (folder / f"{name}.py").exists()]


def run(names: list[str], context: Context, folder: Path) -> list[str]:
    """Runs the benchmarks one after another; returns those that failed."""
    about, failed = machine.describe(context.work), []
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        context.say(f"== {name}: {module.TITLE}")
        began = time.monotonic()
        context.binaries()  # Those of the one before are not its.
        try:
            result = module.run(context)
            results.write(folder, name, about, result, context.binaries(), context.is_given)
        except BenchmarkError as error:
            failed.append(name)
            context.say(f"{name} failed: {error}")
        except Exception:
            failed.append(name)
            context.say(f"{name} failed:\n{traceback.format_exc()}")
        finally:
            context.stop_all()
        context.say(f"   {time.monotonic() - began:.0f} s")
    return failed


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures Sluice beside what it is compared with, and writes Benchmarks/RESULTS.md.",
        epilog=f"benchmarks: {' '.join(available())}\n"
        "scripts/bench compare OLD NEW   what changed between two folders, or git revisions, of results\n"
        "scripts/bench report            the report again, from the results that are there")
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to run; without names, everything")
    parser.add_argument("--quick", action="store_true",
                        help="a second each: shows that everything works; results go to .build/bench-quick")
    parser.add_argument("--seconds", type=float, help="length of one measurement (5)")
    parser.add_argument("--rounds", type=int, help="how often each is made, in turns with the others (3)")
    parser.add_argument("--results", type=Path, help="where results go (Benchmarks/results)")
    parser.add_argument("--data", type=Path, help="where servers write: a folder on a real disk (the temporary folder)")
    parser.add_argument("--sluice", type=Path, help="a gateway to measure instead of this tree's")
    parser.add_argument("--load", type=Path, help="a load generator to use instead of this tree's")
    return parser.parse_args()


def write_report(folder: Path) -> None:
    """RESULTS.md beside the folder of results."""
    path = folder.parent / "RESULTS.md"
    report.write(results.read_folder(folder), path, folder)
    print(report.goals_table(results.read_folder(folder)))
    print(f"\nwritten: {path}")


def main() -> int:
    options = arguments()
    folder: Path = options.results or (ROOT / ".build" / "bench-quick" / "results" if options.quick else results.FOLDER)
    if options.names[:1] == ["compare"]:
        if len(options.names) != 3:
            print("bench: compare takes two folders, or git revisions, of results", file=sys.stderr)
            return 2
        old, new = (results.read(where) for where in options.names[1:])
        print(compare.text(compare.changes(old, new), old, new))
        return 0
    if options.names == ["report"]:
        write_report(folder)
        return 0
    unknown = [name for name in options.names if name not in available()]
    if unknown:
        print(f"bench: there is no benchmark {unknown[0]!r}; there are {', '.join(available())}", file=sys.stderr)
        return 2
    # SIGTERM ends the servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Context(
        quick=options.quick, seconds=options.seconds, rounds=options.rounds, data=options.data, sluice=options.sluice,
        load=options.load
    ) as context:
        failed = run(options.names or available(), context, folder)
    write_report(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a comparison has seen enough.
        sys.stderr.close()
        sys.exit(141)
