"""The bench's plan and page, without boards: what real ones lack is said by name, and a page holds what was measured."""

from __future__ import annotations

import json
import re
import sys
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hil import report
from hil.plan import BadPlan, Plan, from_words

PORTS = {"PORTS": "/dev/ttyUSB0,/dev/ttyUSB1"}


def measured(plan: Plan) -> report.Record:
    """A run with one test of each kind."""
    record = report.Record.start(plan)
    for name, outcome, reason in (
        ("test_lease", "passed", ""),
        ("test_time", "failed", "1 < 2"),
        ("test_power_cut", "skipped", "needs POWER="),
    ):
        record.ended(name, "passed", 0.5, "")
        record.saw(f"{name} saw <this>")
        record.ended(name, outcome, 1.0, reason)
        record.ended(name, "passed", 0.25, "")
    return record


def test_virtual_boards_lack_nothing_and_real_ones_what_was_not_said() -> None:
    assert from_words({}).virtual and from_words({"PORTS": " "}).lacking("BOARD", "POWER", "IFACE") == ""
    real = from_words({**PORTS, "IFACE": "eth1", "SOAK": "2"})
    assert not real.virtual and real.board == "" and real.soak_s == 120
    assert real.lacking("IFACE") == "" and real.lacking("IFACE", "POWER") == "needs POWER="
    assert real.lacking("BOARD", "POWER") == "needs BOARD= and POWER="


def test_a_power_command_is_made_for_each_board() -> None:
    plan = from_words({**PORTS, "POWER": "hub -p {port} -a {action}", "POWER_PORTS": "3,4"})
    assert plan.power_command(1, "off") == "hub -p 4 -a off"
    assert from_words({**PORTS, "POWER": "relay {serial} {action}"}).power_command(0, "on") == "relay /dev/ttyUSB0 on"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"PORTS": "/dev/ttyUSB0"}, "PORTS="),
        ({"PORTS": "/dev/ttyUSB0,/dev/ttyUSB0"}, "PORTS="),
        ({"IFACE": "eth1"}, "IFACE= is for real boards"),
        ({"SOAK": "long"}, "SOAK=long"),
        ({"SOAK": "-1"}, "SOAK=-1"),
        ({**PORTS, "POWER": "hub -a {action}"}, "POWER="),
        ({**PORTS, "POWER": "hub -p {port}"}, "POWER="),
        ({**PORTS, "POWER": "hub -p {hub} -a {action}"}, "POWER="),
    ],
)
def test_words_that_make_no_sense_are_refused_by_name(words: dict[str, str], named: str) -> None:
    with pytest.raises(BadPlan, match=re.escape(named)):
        from_words(words)


def test_a_test_ends_as_the_worst_of_its_phases_and_a_failure_shows() -> None:
    record = measured(Plan())
    assert [(test.outcome, test.seconds) for test in record.tests] == [
        ("passed", 1.75),
        ("failed", 1.75),
        ("skipped", 1.75),
    ]
    assert not record.ok
    page = report.page(record)
    assert "1 passed, 1 failed, 1 skipped" in page and "needs POWER=" in page and "1 &lt; 2" in page
    assert "test_lease saw &lt;this&gt;" in page and "test_time saw" not in page


def test_the_page_stands_alone_draws_what_was_measured_and_tells_what_was_never_tried(tmp_path: Path) -> None:
    record = measured(Plan())
    assert "Nothing: the tests that measure did not run" in report.page(record)
    record.lease_ms = {"OFFER": [1.0, 2.0, 40.0], "ACK": [3.0, 3.0, 3.0]}
    record.takeover, record.gap_s = [(-0.5, "A"), (3.2, "B"), (4.0, "B")], 3.2
    record.offset_ms = {"A": [0.1, -0.2], "B": [5.0]}
    record.heap = {"A": [(0.0, 100.0), (5.0, 90.0)], "B": []}
    made, told = report.write(record, tmp_path / "made")
    page = made.read_text()
    assert not re.search(r"""(?:src|href)=|url\(|<script|@import""", page), "nothing is fetched"
    assert all(text in unescape(page) for text in ("OFFER: 1", "3.2 s without an answer", *report.NEVER_TRIED))
    pictures = [ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    assert len(pictures) == 4
    kept = json.loads(told.read_text())
    assert kept["virtual"] and not kept["ok"] and kept["lease_ms"]["OFFER"] == [1.0, 2.0, 40.0]
    assert kept["heap"]["A"] == [[0.0, 100.0], [5.0, 90.0]] and len(kept["tests"]) == 3


def test_a_histogram_has_each_value_once_the_largest_too() -> None:
    drawn = report.histogram("t", "ms", {"x": [0.0, 1.0, 2.0, 2.0], "y": []})
    assert sum(int(n) for n in re.findall(r"<title>x: (\d+)</title>", drawn)) == 4
    assert "<title>y" not in drawn
    assert ElementTree.fromstring(report.histogram("t", "ms", {"x": [0.0, 0.0]})) is not None


def test_points_stay_inside_the_picture_even_if_all_are_one() -> None:
    for points in ([(1.0, 1.0)], [(0.0, -3.0), (1e6, 3.0)], []):
        picture = ElementTree.fromstring(report.scatter("t", "s", {"x": points}, mark=0.0))
        for dot in picture.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(dot.attrib["cx"]) <= 460 and 0 <= float(dot.attrib["cy"]) <= 210
