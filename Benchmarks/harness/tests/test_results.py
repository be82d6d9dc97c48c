"""Goals, comparison, statistics and report: what computes figures from figures."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import compare
import cores
import goals
import report
from benchmarks import delivery, latency
from context import turns
from cores import Usage
from loadgen import Load, Measurement, read
from process import CPU, BenchmarkError
from servers import parse_metrics
from smaps import reserved_resident
from stats import combined, percentile, spread_percent


def http(bare: float, committed: float, user: float = 1.0) -> dict:
    return {"rows": [
        {"server": "bare", "cpu_us_per_request": bare, "user_us_per_request": 0.1},
        {"server": "sluice committed", "cpu_us_per_request": committed, "user_us_per_request": user},
    ]}


def verdicts(results: dict) -> dict[str, list[str]]:
    return {row[1]: row[2:] for row in goals.rows(results)}


def document(result: dict) -> dict:
    return {"machine": {"cores": 2}, "commit": "abc", "date": "2026-01-02T03:04:05Z", "result": result}


class GoalTests(unittest.TestCase):
    def test_ratio_at_the_threshold_is_met_and_above_it_is_not(self) -> None:
        goal = "at most 1.2 x the bare responder"
        self.assertEqual(verdicts({"http": http(5.0, 6.0)})[goal][1:], ["1.20", "met"])
        self.assertEqual(verdicts({"http": http(5.0, 6.1)})[goal][1:], ["1.22", "**not met**"])

    def test_number_goals_show_the_ratio_to_their_number(self) -> None:
        self.assertEqual(verdicts({"http": http(5, 6, user=2.8)})["at most 1.4 us"], ["2.80 us", "2.00", "**not met**"])
        batches = {"rows": [{"platform": "topsort", "events_per_request": 50, "events_per_cpu_second": 900_000.0,
                             "events_per_second": 7e5, "cpu_spread_percent": 2.0}]}
        self.assertEqual(
            verdicts({"batches": batches})["at least 600,000"], [
                "900,000 events a CPU second; 700,000 a second by the clock; rounds within 2.00 %", "1.50", "met"])
        self.assertEqual(verdicts({"batches": batches})["reach for 1,000,000"][1:], ["0.90", "**not met**"])

    def test_what_was_not_measured_says_so(self) -> None:
        self.assertTrue(all(row[4] == "not measured" for row in goals.rows({})))
        self.assertEqual(verdicts({"http": http(5, 6)})["at most nginx `return 204`"][2], "not measured")

    def test_latency_is_held_against_bare_and_three_fsyncs(self) -> None:
        result = {"fsync_p50_ms": 0.5, "rows": [
            {"server": "bare, the rate of Sluice", "p99_ms": 0.5}, {"server": "sluice committed", "p99_ms": 3.0}]}
        self.assertEqual(verdicts({"latency": result})["at most bare p99 + 3 fsync times"][1:], ["1.50", "**not met**"])

    def test_parsing_is_held_against_the_worst_request(self) -> None:
        rows = [
            {"request": name, "parser": parser, "body": body, "times_simdjson": simdjson, "times_sluice": ours}
            for name, parser, body, simdjson, ours in (
                ("a", "sluice", "json", 2.5, 1), ("a", "jsondecoder", "json", 30, 12),
                ("b", "sluice", "json", 3.5, 1), ("b", "jsondecoder", "json", 30, 14),
                ("c", "sluice", "form", 9.0, 1), ("c", "jsondecoder", "json", 30, 3))]
        found = verdicts({"core": {"rows": rows}})
        self.assertEqual(found["at most 3 x simdjson's DOM parse alone"][1:], ["3.50", "**not met**"])
        self.assertEqual(found["at least 12 x faster than JSONDecoder"][1:], ["12.00", "met"])

    def test_delivery_is_held_against_the_worse_protocol(self) -> None:
        rows = [
            {"sender": sender, "protocol": protocol, "events_per_request": 1, "requests_per_second": 1e4,
             "times_libcurl": times}
            for sender, protocol, times in (
                ("libcurl", "HTTP/1.1", 1.0), ("sluice", "HTTP/1.1", 0.95), ("sluice", "HTTP/2", 0.85))]
        goal = "at least 0.9 x the bare libcurl loop"
        self.assertEqual(verdicts({"delivery": {"rows": rows}})[goal][1:], ["0.85", "**not met**"])

    def test_delivery_that_the_sink_limited_has_no_verdict(self) -> None:
        def verdict(times: float) -> list[str]:
            return verdicts({"delivery": {"rows": [
                {"sender": "sluice", "protocol": protocol, "events_per_request": 1, "requests_per_second": 1e4,
                 "times_libcurl": known, "cpu_times_libcurl": 1.5}
                for protocol, known in (("HTTP/1.1", None), ("HTTP/2", times))]}})["at least 0.9 x the bare libcurl loop"]
        self.assertEqual(verdict(0.95)[1:], ["-", "void: the sink was the limit"])
        self.assertIn("CPU per request by libcurl's: HTTP/1.1 1.50 x", verdict(0.95)[0])
        self.assertEqual(verdict(0.85)[1:], ["0.85", "**not met**"])

    def test_the_sink_voids_ratios_and_says_so(self) -> None:
        def row(sink_busy: float) -> dict:
            case = (1, "HTTP/2")
            figures = {("libcurl", case): [delivery.Figures(2e4, 20, 0.9, sink_busy)],
                       ("sluice", case): [delivery.Figures(1e4, 30, 0.9, 0.5)]}
            return delivery.row("sluice", case, figures)
        self.assertEqual((row(0.94)["times_libcurl"], row(0.95)["times_libcurl"]), (0.5, None))
        self.assertEqual(row(0.95)["cpu_times_libcurl"], 1.5)
        self.assertEqual(delivery.notes({"rows": [row(0.94)]}), [])
        self.assertIn("Void: 1 a request over HTTP/2. The sink was busy 50 % with sluice",
                      delivery.notes({"rows": [row(0.95)]})[0])

    def test_a_maximum_of_the_generator_is_told(self) -> None:
        def maximum(busy: float) -> dict:
            return {"maximum": [{"server": "sluice committed", "requests_per_second": 1e5, "server_busy_percent": 80.0,
                                 "generator_busy_percent": busy}]}
        self.assertEqual(latency.notes(maximum(94.0)), [])
        self.assertIn("The maximum of sluice committed is the generator's", latency.notes(maximum(96.0))[0])
        result = {"fsync_p50_ms": 0.5, **maximum(96.0), "rows": [
            {"server": "bare, the rate of Sluice", "p99_ms": 0.5, "p99_spread_percent": 5.0},
            {"server": "sluice committed", "p99_ms": 1.0, "p99_spread_percent": 7.0}]}
        self.assertIn("rounds within 7.00 %; the maximum was the generator's, 96.0 % busy",
                      verdicts({"latency": result})["at most bare p99 + 3 fsync times"][0])

    def test_replay_reads_the_default_codec(self) -> None:
        reading = [{"reader": "delivery", "codec": "zstd", "events_per_cpu_second": 1.0},
                   {"reader": "replay", "codec": "none", "events_per_cpu_second": 9.0},
                   {"reader": "replay", "codec": "zstd", "events_per_cpu_second": 2e6}]
        self.assertEqual(verdicts({"log": {"rows": [], "reading": reading}})["at least 1,000,000"][1:], ["2.00", "met"])

    def test_backlog_needs_ten_million(self) -> None:
        rows = [
            {"destination": "down", "events_behind": 10_000_001, "cpu_us_per_event": 5.4},
            {"destination": "none", "events_behind": 0, "cpu_us_per_event": 5.0}]
        self.assertEqual(verdicts({"backlog": {"rows": rows}})["at most 1.1 x"][1:], ["1.08", "met"])
        rows[0]["events_behind"] = 50_000
        self.assertEqual(verdicts({"backlog": {"rows": rows}})["at most 1.1 x"][2], "not measured")


class CompareTests(unittest.TestCase):
    def test_rows_are_matched_by_what_they_are_about(self) -> None:
        old = {"batches": document({"rows": [
            {"platform": "topsort", "events_per_request": 1, "cpu_us_per_event": 4.0},
            {"platform": "topsort", "events_per_request": 50, "cpu_us_per_event": 2.0}]})}
        new = {"batches": document({"rows": [
            {"platform": "topsort", "events_per_request": 50, "cpu_us_per_event": 1.0},
            {"platform": "topsort", "events_per_request": 1, "cpu_us_per_event": 5.0}]})}
        found = {change.row: (change.ratio, change.verdict) for change in compare.changes(old, new)}
        self.assertEqual(found, {
            "topsort, 50 events per request": (0.5, "better"), "topsort, 1 events per request": (1.25, "worse")})

    def test_higher_rates_are_better_and_small_changes_are_nothing(self) -> None:
        def change(key: str, old: float, new: float) -> str:
            return compare.Change("b", "r", key, old, new).verdict
        self.assertEqual(change("events_per_cpu_second", 100, 120), "better")
        self.assertEqual(change("requests_per_second", 100, 80), "worse")
        self.assertEqual(change("requests_per_second", 100, 97), "")
        self.assertEqual(change("instructions_per_event", 100, 120), "worse")

    def test_verdicts_depend_on_the_row(self) -> None:
        def verdict(parser: str, key: str, old: float, new: float) -> str:
            return compare.Change("core", "r", key, old, new, {"parser": parser}).verdict
        for prefix in ("", "instructions_"):
            self.assertEqual(verdict("sluice-deduplicated", prefix + "times_sluice", 1.1, 2.0), "worse")
            self.assertEqual(verdict("jsondecoder", prefix + "times_sluice", 10, 12), "better")
            self.assertEqual(verdict("simdjson", prefix + "times_sluice", 0.4, 0.3), "worse")
            self.assertEqual(verdict("sluice", prefix + "times_simdjson", 3, 2.5), "better")
            self.assertEqual(verdict("jsondecoder", prefix + "times_simdjson", 30, 20), "")
        self.assertEqual(verdict("", "times_libcurl", 0.9, 1.0), "better")
        self.assertEqual(verdict("", "cpu_times_libcurl", 0.9, 1.0), "worse")
        self.assertEqual(verdict("", "generator_busy_percent", 50, 100), "")

    def test_what_may_be_negative_is_compared_by_its_difference(self) -> None:
        def change(old: float, new: float) -> compare.Change:
            return compare.Change("memory", "r", "rest_growth_mib_per_million_events", old, new)
        self.assertEqual(change(-1.0, 2.0).verdict, "worse")
        self.assertEqual(change(-1.0, -2.0).verdict, "better")
        self.assertEqual(change(-0.1, 0.1).verdict, "")
        self.assertEqual((change(-1.0, 2.0).ratio, change(-1.0, 2.0).change.strip()), (None, "+3.00"))
        self.assertEqual(compare.Change("b", "r", "p99_ms", 0, 1).verdict, "worse")

    def test_rows_of_one_name_keep_their_tables_title(self) -> None:
        rows = [{"reader": "r", "open_ms": 1.0}, {"reader": "r", "open_ms": 2.0}]
        self.assertEqual(list(compare.by_name({"rows": [], "reading": rows})), ["reading: r", "reading: r (2)", "besides"])

    def test_further_tables_are_compared_and_settings_are_not(self) -> None:
        def result(open_ms: float, events: int) -> dict:
            return {"log": document({"rows": [], "rounds": events, "reading": [{"reader": "r", "open_ms": open_ms,
                                                                               "events": events}]})}
        found = compare.changes(result(2.0, 1), result(1.0, 2))
        self.assertEqual([(change.row, change.key, change.ratio) for change in found], [("reading: r", "open_ms", 0.5)])

    def test_rows_and_figures_that_only_one_has_are_left_out(self) -> None:
        old = {"http": document({"rows": [{"server": "a", "p50_ms": 1.0}]})}
        new = {"http": document({"rows": [{"server": "b", "p50_ms": 1.0}, {"server": "a", "p99_ms": 1.0}]})}
        self.assertEqual(compare.changes(old, new), [])
        self.assertIn("nothing to compare", compare.text([], old, new))


def measurement(requests: int, seconds: float, user: float, p99: float) -> Measurement:
    latency = {"p50": 1.0, "p99": p99, "p99.9": 9.0}
    return Measurement(
        Load(requests, requests, requests / seconds, requests / seconds, latency, 0.5, seconds), CPU(user, user),
        Usage(seconds, 1, user * 3, 0.02), False, 0.75, 0.8, 0.02)


class StatisticsTests(unittest.TestCase):
    def test_rounds_are_summed_and_latencies_are_medians(self) -> None:
        row = combined([measurement(100, 1, 1e-4, 2.0), measurement(300, 1, 2e-4, 4.0), measurement(100, 2, 1e-4, 9.0)])
        self.assertEqual(row["requests_per_second"], 150)
        self.assertEqual(row["generator_busy_percent"], 50)
        self.assertEqual(row["server_busy_percent"], 75)
        self.assertEqual(row["core_busy_percent"], 80)
        self.assertEqual(row["stolen_percent"], 2)
        self.assertEqual(row["core_us_per_request"], 2.4)
        self.assertEqual(row["rate_spread_percent"], 166.67)
        self.assertEqual(row["user_us_per_request"], 0.8)
        self.assertEqual(row["cpu_us_per_request"], 1.6)
        self.assertEqual(row["p99_ms"], 4.0)
        self.assertNotIn("events_per_second", row)

    def test_spread(self) -> None:
        self.assertEqual(spread_percent([9.0, 11.0, 10.0]), 20)
        self.assertEqual(spread_percent([4.0]), 0)

    def test_percentile(self) -> None:
        self.assertEqual(percentile([3, 1, 2], 0.5), 2)
        self.assertEqual(percentile([1], 0.99), 1)

    def test_difference_of_cpu_keeps_the_exact_sum(self) -> None:
        difference = CPU(3, 9) - CPU(2, 8.5)
        self.assertAlmostEqual(difference.total, 1.5)
        self.assertAlmostEqual(difference.user, 1.0)


class CoreTests(unittest.TestCase):
    STAT = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 10 20 5000 70 3 7 60 0 0\ncpu1 0 0 0 1 0 0 0 0 0 0\nintr 5\n"

    def test_idle_waiting_and_stolen_time_are_not_busy(self) -> None:
        found = cores.parse_core_times(self.STAT)
        self.assertAlmostEqual(found[0].busy, 1.4)
        self.assertAlmostEqual(found[0].stolen, 0.6)
        self.assertEqual(found[1].busy, 0)

    def test_hardware_threads_of_one_core_come_last(self) -> None:
        self.assertEqual(cores.parse_cores("0-2,8\n"), {0, 1, 2, 8})
        pairs = {0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}
        self.assertEqual(cores.in_order({core: frozenset(of) for core, of in pairs.items()}), [0, 2, 1, 3])
        self.assertEqual(cores.in_order({0: frozenset({0, 1}), 1: frozenset({0, 1})}), [0, 1])

    def test_usage_of_several_cores_is_their_mean(self) -> None:
        self.assertEqual(Usage(2, 2, 3, 0).busy, 0.75)

    def test_turns_begin_with_another_and_leave_nobody_out(self) -> None:
        orders = [turns("abcdef", number) for number in range(3)]
        self.assertEqual(len({order[0] for order in orders}), 3)
        self.assertTrue(all(sorted(order) == list("abcdef") for order in orders))
        self.assertEqual([turns("ab", number) for number in range(2)], [["a", "b"], ["b", "a"]])


class ReadingTests(unittest.TestCase):
    REPORT = {
        "seconds": 1.1,
        "requests": 11, "events": 11, "requests_per_second": 10.0, "events_per_second": 10.0, "errors": 0, "unsent": 0,
        "statuses": {"204": 11}, "latency_ms": {}, "generator": {"busy": 0.5}}

    def test_refused_requests_are_no_figure(self) -> None:
        self.assertEqual(read(self.REPORT, "x").requests_per_second, 10)
        for wrong in ({"statuses": {"204": 9, "503": 1}}, {"errors": 1}, {"requests": 0}):
            with self.assertRaises(BenchmarkError):
                read({**self.REPORT, **wrong}, "x")

    def test_an_open_loop_that_was_not_held_is_no_figure(self) -> None:
        self.assertEqual(read({**self.REPORT, "requests": 1000, "unsent": 10}, "x").requests, 1000)
        with self.assertRaisesRegex(BenchmarkError, "did not keep up"):
            read({**self.REPORT, "requests": 1000, "unsent": 11}, "x")

    def test_metrics(self) -> None:
        found = parse_metrics('# HELP a b\na_total{x="1 2"} 3\nb 4.5\n')
        self.assertEqual(found, {'a_total{x="1 2"}': 3, "b": 4.5})

    def test_only_large_mappings_without_reserve_count(self) -> None:
        mapping = "7f-8f rw-p 0 00:00 0\nSize: {} kB\nRss: {} kB\nVmFlags: rd wr mr {}\n"
        text = mapping.format(90_000, 1000, "nr") + mapping.format(65_536, 500, "nr") + mapping.format(90_000, 70, "ac")
        self.assertEqual(reserved_resident(text), 1000 * 1024)


class ReportTests(unittest.TestCase):
    def test_report_has_goals_tables_charts_and_what_is_missing(self) -> None:
        row = {
            "server": "bare", "requests_per_second": 250_000.4, "user_us_per_request": 0.612,
            "system_us_per_request": 3.4, "cpu_us_per_request": 4.012, "cpu_spread_percent": 1.0, "p50_ms": 1.0,
            "p99_ms": 2.0, "p999_ms": 3.0, "server_busy_percent": 91.0, "generator_busy_percent": 50.0, "stolen_percent": 0.5,
            "core_busy_percent": 92.0, "core_us_per_request": 4.1}
        rows = [row, {**row, "server": "sluice committed", "cpu_us_per_request": 4.4, "cpu_spread_percent": 2.5,
                       "server_busy_percent": 80.0, "core_busy_percent": 90.0, "core_us_per_request": 5.0, "stolen_percent": 1.5}]
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results"
            documents = {"http": document({"connections": 256, "rows": rows}) | {"binaries": {"sluice": "ab" * 32}}}
            report.write(documents, Path(folder) / "RESULTS.md", results)
            text = (Path(folder) / "RESULTS.md").read_text()
            self.assertTrue((results / "http-cpu.svg").read_text().startswith("<svg"))
        self.assertIn("| CPU per request, committed, single-event POST | at most 1.2 x the bare responder "
                      "| 4.40 us; bare 4.01 us; rounds within 2.50 % | 1.10 | met |", text)
        self.assertIn("**Neither side was busy more than 90 % of the time** in: sluice committed. ", text)
        self.assertIn("was not the server's** but kernel threads' or other programs', in: sluice committed.", text)
        self.assertIn("**The host took more than 1 % of the cores** during: sluice committed.", text)
        self.assertIn("sluice `abababababababab`", text)
        self.assertIn("| bare | 250,000 | 0.61 | 3.40 |", text)
        self.assertIn("over 256 keep-alive connections", text)
        self.assertIn("![CPU per request](results/http-cpu.svg)", text)
        self.assertIn("No results of: `latency`", text)

    def test_goals_say_their_commit_where_results_differ_in_it(self) -> None:
        documents = {"http": document(http(5, 6)), "log": document({"rows": []})}
        self.assertNotIn("measured at", report.goals_table(documents))
        documents["log"]["commit"] = "def with changes"
        lines = report.goals_table(documents).splitlines()
        self.assertTrue(lines[0].endswith("| measured at |"))
        self.assertTrue(lines[2].endswith("| met | abc |"))
        self.assertEqual([line.endswith("| def with changes |") for line in lines if "replay" in line], [True])


if __name__ == "__main__":
    unittest.main()
