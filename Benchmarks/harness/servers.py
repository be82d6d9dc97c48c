"""The servers that are compared, each started pinned to the server's core and ready when it is returned."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from context import Context
from process import BenchmarkError, Process

#: Where each platform's events are posted.
PATHS = {"topsort": "/topsort/v2/events", "native": "/v1/events"}

_IMPRESSION = (
    b'{"impressions":[{"id":"ready","occurredAt":"2026-01-02T10:00:00.123Z","opaqueUserId":"u",'
    b'"resolvedBidId":"b","placement":{"path":"/"}}],"clicks":[],"purchases":[]}')


@dataclass
class Server:
    """A running server: what is measured, and where it listens."""

    name: str
    process: Process
    port: int

    def url(self, platform: str = "topsort") -> str:
        return f"http://127.0.0.1:{self.port}{PATHS[platform]}"


def free_port() -> int:
    """A port that nobody listens on now, for servers that cannot ask the kernel for one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check_answer(server: Server) -> Server:
    """One request by hand: a server that does not say 204 must not be measured."""
    request = urllib.request.Request(
        server.url(), data=_IMPRESSION, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        raise BenchmarkError(f"{server.name} does not answer: {error}\n{server.process.log_tail()}") from None
    if status != 204:
        raise BenchmarkError(f"{server.name} answers {status} instead of 204\n{server.process.log_tail()}")
    return server


def start_bare(context: Context) -> Server:
    """The bare epoll responder: what a server on this kernel cannot do with less."""
    log = f"bare-{context.folder('bare').name}"
    process = context.spawn([context.compile_c("Benchmarks/bare/bare.c")], core=context.server_core, log=log)
    context.wait_until("the bare responder", process, lambda: process.log_tail().strip().isdigit())
    return check_answer(Server("bare", process, int(process.log_tail())))


def start_nginx(context: Context, configuration: str, name: str, core: int | None = None) -> Server:
    """nginx with a file of Benchmarks/nginx, one worker."""
    folder, port = context.folder("nginx"), free_port()
    modules = Path("/usr/lib/nginx/modules")
    load = [f"load_module {modules}/{module}.so;" for module in ("ndk_http_module", "ngx_http_lua_module")]
    lines = (load if "lua" in configuration else []) + (["user root;"] if os.geteuid() == 0 else [])
    text = (context.root / "Benchmarks" / "nginx" / configuration).read_text()
    for word, value in {"@LOAD@": "\n".join(lines), "@FOLDER@": str(folder), "@PORT@": str(port)}.items():
        text = text.replace(word, value)
    file = folder / "nginx.conf"
    file.write_text(text)
    process = context.spawn(
        ["/usr/sbin/nginx", "-p", folder, "-c", file, "-e", folder / "error.log"],
        core=context.server_core if core is None else core, log=folder.name)
    context.wait_until(name, process, lambda: listens(port))
    return check_answer(Server(name, process, port))


def start_hummingbird(context: Context) -> Server:
    """The plain Swift service, in a package of its own that is built when its sources changed."""
    package = context.root / "Benchmarks" / "hummingbird-service"
    # Not inside the package: what is fetched and built there is none of this repository's sources.
    program = context.build(package, "HummingbirdService", context.root / ".build-hummingbird-service")
    folder, port = context.folder("hummingbird"), free_port()
    process = context.spawn(
        [program, str(port), folder / "events.sqlite"], core=context.server_core, log=folder.name)
    context.wait_until("the Hummingbird service", process, lambda: listens(port))
    return check_answer(Server("hummingbird", process, port))


class Gateway(Server):
    """A Sluice gateway with one source that is open to anyone on loopback."""

    def __init__(self, name: str, process: Process, data: Path) -> None:
        run = json.loads((data / "run.json").read_text())
        super().__init__(name, process, int(run["listen"][0].rpartition(":")[2]))
        self.data = data
        self.admin = int(run["admin"].rpartition(":")[2])

    def metrics(self) -> dict[str, float]:
        """/metrics, the keys as they are printed, labels included."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=30) as response:
            return parse_metrics(response.read().decode())

    def committed_events(self) -> int:
        return int(self.metrics()["sluice_log_committed_events_total"])


def parse_metrics(text: str) -> dict[str, float]:
    """Prometheus' text format: values by name and labels."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def start_sluice(
    context: Context, name: str, *, acknowledge: str = "committed", workers: int = 1, destinations: str = "[]",
    more: str = "", folder: Path | None = None, cores: set[int] | None = None
) -> Gateway:
    """A gateway with default settings but for what is named. `cores`: where it may run, else the server's core.

    `folder` is one of an earlier gateway, whose data this one goes on with.
    """
    folder = folder or context.folder(re.sub(r"[^a-z0-9]+", "-", name.lower()))
    data, configuration = folder / "data", folder / "sluice.yaml"
    (data / "run.json").unlink(missing_ok=True)
    configuration.write_text(
        f'listen: ["127.0.0.1:0"]\nadmin: "127.0.0.1:0"\nworkers: {workers}\nacknowledge: {acknowledge}\n'
        f"data: {data}\nlog_level: warning\ndrain: 1s\nsources: [{{name: bench}}]\n"
        f"destinations: {destinations}\n{more}")
    process = context.spawn(
        [context.sluice, "serve", "--config", configuration], core=cores or context.server_core, log=folder.name)
    context.wait_until(name, process, lambda: (data / "run.json").exists())
    gateway = Gateway(name, process, data)
    context.wait_until(name, process, lambda: _is_ready(gateway))
    return gateway


def _is_ready(gateway: Gateway) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin}/readyz", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def versions(context: Context) -> dict[str, str]:
    """Of what is compared, where the machine's description does not have it."""
    lua = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${Version}\n", "libnginx-mod-http-lua", "lua-cjson"], text=True,
        capture_output=True).stdout.strip().splitlines()
    package = (context.root / "Benchmarks/hummingbird-service/Package.swift").read_text()
    return {
        "nginx modules": ", ".join(lua),
        "hummingbird": ", ".join(
            f"{name} {version}" for name, version in re.findall(r'/([^/"]+)", exact: "([^"]+)"', package)),
    }
