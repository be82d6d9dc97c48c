"""Charts: scales, and that what is drawn is where the figure says."""

import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import svg
from charts import Bars, Lines
from figures import heading, number


class ScaleTests(unittest.TestCase):
    def test_ticks_are_round_and_reach_the_top(self) -> None:
        self.assertEqual(svg.ticks(10), [0, 2, 4, 6, 8, 10])
        self.assertEqual(svg.ticks(0.9), [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0])
        for top in (1e-6, 3, 7.7, 99, 101, 600_000, 12_345_678):
            ticks = svg.ticks(top)
            self.assertGreaterEqual(ticks[-1], top)
            self.assertLessEqual(len(ticks), 8)
        self.assertEqual(svg.ticks(0), [0, 1])

    def test_headings_name_units(self) -> None:
        self.assertEqual(heading("cpu_us_per_request"), "CPU, us per request")
        self.assertEqual(heading("p999_ms"), "p99.9, ms")
        self.assertEqual(heading("events_per_cpu_second"), "events per cpu second")
        self.assertEqual(heading("rest_growth_mib_per_million_events"), "rest growth, MiB per million events")

    def test_numbers(self) -> None:
        shown = [number(value) for value in (1234567, 98765.4, 12.34, 1.234, 0.5, 0.0123, 0.0, True, None, "x")]
        self.assertEqual(shown, ["1,234,567", "98,765", "12.3", "1.23", "0.50", "0.0123", "0", "yes", "-", "x"])


def bars(text: str) -> list[float]:
    """Widths of the bars, without the legend's squares."""
    return [float(width) for width, height in re.findall(r'<rect [^>]*width="([\d.]+)" height="([\d.]+)"', text)
            if height != "12"]


class ChartTests(unittest.TestCase):
    def test_bars_are_as_long_as_their_figures(self) -> None:
        text = Bars("t", "us", ["a", "b"], {"x": [2.0, 8.0]}).svg()
        short, long = bars(text)
        self.assertAlmostEqual(long / short, 4, places=1)
        ElementTree.fromstring(text)

    def test_stacked_bars_show_the_sum(self) -> None:
        text = Bars("t", "us", ["a"], {"user": [1.0], "system": [3.0]}, stacked=True).svg()
        user, system = bars(text)
        self.assertAlmostEqual(system / user, 3, places=1)
        self.assertIn(">4.00</text>", text)

    def test_names_are_escaped_and_pages_may_be_dark(self) -> None:
        text = Bars('a < "b"', "us", ["x & y"], {"s": [1.0]}, marks={"goal": 2}).svg()
        ElementTree.fromstring(text)
        self.assertIn("x &amp; y", text)
        self.assertIn("prefers-color-scheme:dark", text)

    def test_lines_end_at_the_right_edge(self) -> None:
        text = Lines("t", "x", "y", {"a": [(0, 1), (10, 2)]}, marks={"limit": 4}).svg()
        ElementTree.fromstring(text)
        points = re.search(r'<polyline points="([^"]+)"', text)
        assert points
        (first_x, first_y), (last_x, last_y) = (map(float, point.split(",")) for point in points.group(1).split())
        self.assertEqual((first_x, last_x), (74.0, 736.0))
        self.assertLess(last_y, first_y)


if __name__ == "__main__":
    unittest.main()
