"""The ratchet: what a serving board takes of a 32-bit heap may not grow unnoticed, nor pass its budget."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from twinlease_host import fit

from tests.bench.footprint import boards, measure, record, unix64, wasm

SETTING = (250, 1)
WAYS = [("stock", boards.STOCK), ("in ROM", boards.IN_ROM)]


@pytest.fixture(scope="module")
def build() -> Iterator[measure.Build]:
    with measure.built() as made:
        yield made


@pytest.fixture
def of_32_bits() -> None:
    if why := wasm.missing():
        pytest.skip(f"the 32-bit footprint is not measured: {why}")


def test_every_budget_has_a_record() -> None:
    for way in record.WAYS:
        assert measure.BUDGETS.keys() <= record.read(way).keys()


@pytest.mark.parametrize(("way", "folder"), WAYS, ids=lambda word: word.strip("/"))
@pytest.mark.parametrize(
    "setting", [(250, 0), *measure.BUDGETS], ids=lambda setting: f"{setting[0]}-leases-{setting[1]}"
)
def test_a_serving_board_takes_no_more_heap_than_recorded(
    build: measure.Build, of_32_bits: None, setting: record.Setting, way: str, folder: str
) -> None:
    total = measure.serving(build, *setting, folder).total
    complaint = record.complaint(setting, way, total, record.read(way)[setting])
    assert not complaint, complaint


def test_what_code_in_flash_takes_is_counted_as_it_is_measured(build: measure.Build, tmp_path: Path) -> None:
    """On the 64-bit unix port, which can run code in place; the 32-bit one cannot, and is only counted."""
    root = tmp_path / "lib"
    shutil.copytree(build.root / "twinlease", root / "twinlease")
    counted, measured = unix64.in_place(root, unix64.modules(root, unix64.all_modules(root)))
    print(f"in ROM: {measured} octets measured, {counted} counted")
    assert abs(counted - measured) < 0.02 * measured


def test_config_check_counts_with_what_was_measured() -> None:
    recorded = record.read("stock")
    told = {"code": fit.BOARD.code - fit.ROOM, "failover": fit.BOARD.failover}
    measured = {"code": recorded[250, 0] - 250 * 64, "failover": recorded[250, 1] - recorded[250, 0]}
    for what, octets in measured.items():
        assert octets <= told[what] <= octets * 1.05, f"fit.BOARD.{what} says {told[what]}, measured are {octets}"


def test_growth_beyond_the_margin_is_told_and_how_to_record_it() -> None:
    budget = measure.BUDGETS[SETTING]
    assert not record.complaint(SETTING, "stock", budget + 500 + record.MARGIN, budget + 500)
    told = record.complaint(SETTING, "stock", budget + 501 + record.MARGIN, budget + 500)
    assert "2,049 more than recorded" in told and "make footprint RECORD=1" in told


def test_a_budget_that_was_met_may_not_be_passed_even_by_an_octet() -> None:
    budget = measure.BUDGETS[SETTING]
    assert not record.complaint(SETTING, "in ROM", budget, budget - 10)
    assert "over its budget" in record.complaint(SETTING, "in ROM", budget + 1, budget)
