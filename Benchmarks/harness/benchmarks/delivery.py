"""Delivery beside a bare libcurl multi loop.

Both send the same requests to the same nginx, which answers each with 200 and a small JSON body from the other
core. The gateway starts on a log that was filled before and has one Topsort destination that begins with its
first event: it reads blocks, picks events, writes each request's body, judges the answer and keeps its books.
The loop in C repeats requests that were recorded from the gateway, headers and all, over as many connections,
with the same libcurl options, on epoll; it reads, decides and keeps nothing. Requests are counted by nginx, for
both, between two moments while everything runs. HTTP/2 goes over TLS, as libcurl negotiates it, with a
certificate made for the run; HTTP/1.1 goes in the clear.
"""

from __future__ import annotations

import http.server
import json
import os
import statistics
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import servers
from charts import Bars, Chart
from cores import Watch
from context import Context, turns
from process import BenchmarkError, Process
from stats import rounded, spread_percent

TITLE = "Delivery"
ABOUT = (
    "A backlog drained to one Topsort destination (nginx, 200 and a small body, on the other core), beside a libcurl "
    "multi loop in C that repeats the same requests; {concurrency} requests at a time, {seconds} s each, the median of "
    "{rounds} rounds in turns. HTTP/2 is over TLS. CPU is that of the whole process. Where the sink's core was "
    "busy 95 % of the time or more, the ratio of the rates is void and not shown: the sink set them."
)
CONCURRENCY = 32
#: Events in one request, and the protocol.
CASES = ((1, "HTTP/1.1"), (1, "HTTP/2"), (50, "HTTP/1.1"), (50, "HTTP/2"))
TOKEN = "benchmark-token"
RECORDED = 256
#: Percent of its core from which on the sink, not the sender, is taken to be the limit.
SINK_LIMIT = 95


@dataclass
class Sink:
    """The nginx that stands for the platform."""

    process: Process
    port: int
    tls_port: int
    certificate: Path

    def base(self, protocol: str) -> str:
        return f"https://127.0.0.1:{self.tls_port}" if protocol == "HTTP/2" else f"http://127.0.0.1:{self.port}"

    def requests(self) -> int:
        """All there were so far; the third of stub_status's three sums."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=10) as response:
            return int(response.read().split()[9])


def start_sink(context: Context) -> Sink:
    folder, port, tls_port = context.folder("sink"), servers.free_port(), servers.free_port()
    certificate = folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
         "-out", certificate], check=True, capture_output=True)
    modules = ("ndk_http_module", "ngx_http_lua_module")
    load = [f"load_module /usr/lib/nginx/modules/{module}.so;" for module in modules]
    user = ["user root;"] if os.geteuid() == 0 else []
    words = {"@LOAD@": "\n".join(load + user), "@FOLDER@": str(folder), "@PORT@": str(port),
             "@TLSPORT@": str(tls_port)}
    text = (context.root / "Benchmarks" / "nginx" / "sink.conf").read_text()
    for word, value in words.items():
        text = text.replace(word, value)
    file = folder / "nginx.conf"
    file.write_text(text)
    process = context.spawn(["/usr/sbin/nginx", "-p", folder, "-c", file, "-e", folder / "error.log"],
                            core=context.load_core, log="sink")
    context.wait_until("the sink", process, lambda: servers.listens(port) and servers.listens(tls_port))
    return Sink(process, port, tls_port, certificate)


def start_gateway(context: Context, folder: Path, name: str, base: str, events: int, ca_file: Path | None):
    """A gateway on the filled log of `folder`, whose new destination begins with the first event."""
    trust = f', ca_file: "{ca_file}"' if ca_file else ""
    # Without deduplication no table is loaded from the log, which has nothing to do with delivery.
    return servers.start_sluice(
        context, "sluice delivery", folder=folder, more="deduplicate: off\n",
        destinations=f'[{{name: {name}, platform: topsort, url: "{base}", token: {TOKEN}, start: earliest, '
                     f"batch: {events}, concurrency: {CONCURRENCY}{trust}}}]")


@dataclass
class Recording:
    """What the gateway sends, for the loop to repeat."""

    path: str
    headers: Path
    bodies: Path


def record(context: Context, folder: Path, events: int) -> Recording:
    bodies: list[bytes] = []
    about: dict = {}
    done = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            about.update(path=self.path, headers=list(self.headers.items()))
            if len(bodies) >= RECORDED:
                done.set()
            try:
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
            except OSError:
                # The gateway is stopped as soon as enough is recorded.
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gateway = start_gateway(
        context, folder, f"recorder-{events}", f"http://127.0.0.1:{server.server_port}", events, None)
    if not done.wait(30):
        raise BenchmarkError(f"the gateway delivers nothing\n{gateway.process.log_tail()}")
    gateway.process.stop()
    server.shutdown()
    server.server_close()
    place = context.folder("recording")
    # libcurl makes these itself.
    own = {"host", "content-length", "accept"}
    recording = Recording(about["path"], place / "headers", place / "bodies")
    recording.headers.write_text(
        "".join(f"{name}: {value}\n" for name, value in about["headers"] if name.lower() not in own))
    recording.bodies.write_bytes(b"".join(body + b"\n" for body in bodies[:RECORDED]))
    return recording


@dataclass
class Figures:
    requests_per_second: float
    cpu_us_per_request: float
    #: Shares of the sender's and the sink's core, from 0 to 1; the sink's with all that ran there.
    sender_busy: float
    sink_busy: float


def window(context: Context, sink: Sink, process: Process, seconds: float) -> Figures:
    """Between two moments while the process sends all the time, with a second before to get going."""
    time.sleep(0.3 if context.quick else 1)
    context.settle()
    cpu, watch, count, began = process.cpu(), Watch({context.load_core}), sink.requests(), time.monotonic()
    time.sleep(seconds)
    if not process.alive:
        raise BenchmarkError(f"{process.args[0]} ended before its time\n{process.log_tail()}")
    requests, elapsed, sink_busy = sink.requests() - count, time.monotonic() - began, watch.usage().busy
    used = process.cpu() - cpu
    return Figures(requests / elapsed, used.total / max(1, requests) * 1e6, used.total / elapsed, sink_busy)


def measure_gateway(context: Context, sink: Sink, folder: Path, name: str, case: tuple, seconds: float) -> Figures:
    events, protocol = case
    gateway = start_gateway(
        context, folder, name, sink.base(protocol), events, sink.certificate if protocol == "HTTP/2" else None)
    figures = window(context, sink, gateway.process, seconds)
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin}/api/status", timeout=10) as response:
        report = next(one for one in json.load(response)["destinations"] if one["name"] == name)
    behind = gateway.metrics()[f'sluice_destination_lag_events{{destination="{name}"}}']
    gateway.process.stop()
    if report["retries"] or report["rejected"] or report["expired"]:
        raise BenchmarkError(f"not everything was delivered at once: {report}")
    if behind == 0:
        raise BenchmarkError("the backlog was gone before the measurement was over")
    return figures


def measure_loop(context: Context, sink: Sink, recording: Recording, case: tuple, seconds: float) -> Figures:
    _, protocol = case
    trust = [sink.certificate] if protocol == "HTTP/2" else []
    process = context.spawn(
        [context.compile_c("Benchmarks/delivery/multi.c", "-lcurl"), sink.base(protocol) + recording.path,
         str(CONCURRENCY), recording.headers, recording.bodies, *trust], core=context.server_core, log="multi")
    figures = window(context, sink, process, seconds)
    process.stop()
    return figures


def run(context: Context) -> dict:
    seconds = min(context.seconds, 3.0)
    events = 400_000 if context.quick else 4_000_000
    folder = context.folder("delivery")
    context.run([context.binary("LogBenchmark"), "fill", folder / "data", "zstd", "2000", "8", str(events), "3600"])
    sink = start_sink(context)
    recordings = {count: record(context, folder, count) for count in sorted({case[0] for case in CASES})}
    measured: dict[tuple, list[Figures]] = {(who, case): [] for case in CASES for who in ("libcurl", "sluice")}
    for number in range(context.rounds):
        for index, case in turns(enumerate(CASES), number):
            name = f"round-{number}-{index}"
            for who in turns(("libcurl", "sluice"), number):
                measured[who, case].append(
                    measure_loop(context, sink, recordings[case[0]], case, seconds) if who == "libcurl"
                    else measure_gateway(context, sink, folder, name, case, seconds))
            context.say("   round {}: {} events, {}: libcurl {:,.0f} requests/s, sluice {:,.0f}".format(
                number + 1, *case, *(measured[who, case][-1].requests_per_second for who in ("libcurl", "sluice"))))
    rows = [row(who, case, measured) for case in CASES for who in ("libcurl", "sluice")]
    return {"concurrency": CONCURRENCY, "seconds": seconds, "rounds": context.rounds, "rows": rows}


def row(who: str, case: tuple, measured: dict) -> dict:
    def median(sender: str, figure: str) -> float:
        return statistics.median(getattr(one, figure) for one in measured[sender, case])

    events, protocol = case
    rate, cpu = median(who, "requests_per_second"), median(who, "cpu_us_per_request")
    # The ratio of two rates that the sink set says nothing about either sender.
    void = max(median(sender, "sink_busy") for sender in ("libcurl", who)) * 100 >= SINK_LIMIT
    return {
        "sender": who, "protocol": protocol, "events_per_request": events,
        "requests_per_second": rounded(rate), "events_per_second": rounded(rate * events),
        "cpu_us_per_event": rounded(cpu / events),
        "times_libcurl": None if void else rounded(rate / median("libcurl", "requests_per_second")),
        "cpu_times_libcurl": rounded(cpu / median("libcurl", "cpu_us_per_request")),
        "sender_busy_percent": rounded(median(who, "sender_busy") * 100),
        "sink_busy_percent": rounded(median(who, "sink_busy") * 100),
        "spread_percent": rounded(spread_percent(one.requests_per_second for one in measured[who, case])),
    }


def notes(result: dict) -> list[str]:
    void = [row for row in result["rows"] if row["sender"] == "sluice" and row["times_libcurl"] is None]

    def sink_busy(about: dict) -> str:
        return ", ".join(f"{row['sink_busy_percent']:.0f} % with {row['sender']}" for row in result["rows"]
                         if all(row[key] == about[key] for key in ("events_per_request", "protocol")))

    return [f"Void: {row['events_per_request']} a request over {row['protocol']}. The sink was busy {sink_busy(row)}, so the "
            "ratio of the rates is its, not the senders'; by CPU per request it is "
            f"{row['cpu_times_libcurl']:.2f} x libcurl." for row in void]


def charts(result: dict) -> dict[str, Chart]:
    rows = [row for row in result["rows"] if row["sender"] == "sluice"]
    bare = [row for row in result["rows"] if row["sender"] == "libcurl"]
    return {"": Bars(
        "Requests delivered", "requests per second",
        [f"{row['events_per_request']} a request, {row['protocol']}" for row in rows],
        {"sluice": [row["requests_per_second"] for row in rows],
         "libcurl multi loop": [row["requests_per_second"] for row in bare]})}
