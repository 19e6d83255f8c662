"""The ratchet: what a serving board takes of a 32-bit heap may not grow unnoticed, nor pass its budget."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twinlease_host import fit

from tests.bench.footprint import measure, record, wasm

SETTING = (250, 1)


@pytest.fixture(scope="module")
def build() -> Iterator[measure.Build]:
    if why := wasm.missing():
        pytest.skip(f"the 32-bit footprint is not measured: {why}")
    with measure.built() as made:
        yield made


def test_every_budget_has_a_record() -> None:
    assert measure.BUDGETS.keys() <= record.read().keys()


@pytest.mark.parametrize("setting", measure.BUDGETS, ids=lambda setting: f"{setting[0]}-leases")
def test_a_serving_board_takes_no_more_heap_than_recorded(build: measure.Build, setting: tuple[int, int]) -> None:
    complaint = record.complaint(setting, measure.serving(build, *setting).total, record.read()[setting])
    assert not complaint, complaint


def test_config_check_counts_with_what_was_measured() -> None:
    recorded = record.read()
    told = {"code": fit.BOARD.code - fit.ROOM, "failover": fit.BOARD.failover}
    measured = {"code": recorded[250, 0] - 250 * 64, "failover": recorded[250, 1] - recorded[250, 0]}
    for what, octets in measured.items():
        assert octets <= told[what] <= octets * 1.05, f"fit.BOARD.{what} says {told[what]}, measured are {octets}"


def test_growth_beyond_the_margin_is_told_and_how_to_record_it() -> None:
    budget = measure.BUDGETS[SETTING]
    assert not record.complaint(SETTING, budget + 500 + record.MARGIN, budget + 500)
    told = record.complaint(SETTING, budget + 501 + record.MARGIN, budget + 500)
    assert "2,049 more than recorded" in told and "make footprint RECORD=1" in told


def test_a_budget_that_was_met_may_not_be_passed_even_by_an_octet() -> None:
    budget = measure.BUDGETS[SETTING]
    assert not record.complaint(SETTING, budget, budget - 10)
    assert "over its budget" in record.complaint(SETTING, budget + 1, budget)
