"""`make footprint`: what the firmware takes of a board's heap, and how far that is from its budgets.

python -m tests.bench.footprint             on a 32-bit MicroPython (WebAssembly, node): object sizes of a board
python -m tests.bench.footprint --record    … and write the totals to record.json, by which tests/host tells growth
python -m tests.bench.footprint --unix      the 64-bit unix port under a limit of 256 KiB, as root (unix64.py)
"""

from __future__ import annotations

import argparse

from . import boards, measure, record, wasm


def main() -> None:
    parser = argparse.ArgumentParser(description="What the firmware takes of a board's heap.")
    parser.add_argument("--record", action="store_true", help="write the totals to record.json")
    parser.add_argument("--unix", action="store_true", help="on the 64-bit unix port instead")
    options = parser.parse_args()
    if options.unix:
        from . import unix64

        unix64.main()
    elif why := wasm.missing():
        print(f"SKIPPED: the 32-bit footprint is not measured: {why}")
    else:
        with measure.built() as build:
            _report(build, options.record)


def _report(build: measure.Build, write: bool) -> None:
    ways = {
        way: {setting: measure.serving(build, *setting, folder) for setting in measure.SETTINGS}
        for way, folder in zip(record.WAYS, (boards.STOCK, boards.IN_ROM), strict=True)
    }
    two = measure.serving(build, 250, 2)
    _totals(ways)
    found = ways["stock"]
    one = found[250, 1]
    print(f"\na lease {(found[1000, 0].alone - found[250, 0].alone) / 750:.1f}; ", end="")
    print(f"the first pair {one.total - found[250, 0].total:,}, another {two.total - one.total:,}")
    _budgets(ways)
    loaded = sorted({*one.modules, *measure.BESIDE_A_LINK}, key=_by_room)
    _rooms(build, loaded)
    print(f"\n{'not always there':<36}{'loaded':>9}{'stays':>9}")
    for what, there, stays in measure.passing(build, loaded):
        print(f"{what:<36}{there:>9,}{stays:>9,}")
    if write:
        record.write({way: {setting: one.total for setting, one in found.items()} for way, found in ways.items()})
        print(f"\nrecorded in {record.FILE}")


def _totals(ways: dict[str, dict[record.Setting, measure.Serving]]) -> None:
    columns = ("alone", "linked", "served", "native", "names")
    print(f"{'serving, octets of heap':<36}" + "".join(f"{name:>9}" for name in columns))
    for way, found in ways.items():
        for (leases, peers), serving in found.items():
            what = f"{way}, {leases} leases, {'failover' if peers else 'no failover'}"
            print(f"{what:<36}" + "".join(f"{getattr(serving, name):>9,}" for name in columns))
    print(
        f"(native code of a Pico, and {measure.ASYNCIO:,} for asyncio, are in the totals; ESP32 keeps native code elsewhere)\n"
        "(in ROM: code runs in flash, ROMFS; what stays there is counted by the .mpy files, as in_rom.py says)"
    )


def _budgets(ways: dict[str, dict[record.Setting, measure.Serving]]) -> None:
    print()
    for kind, budgets in (("budget", measure.BUDGETS), ("stretch", measure.STRETCH)):
        for (leases, peers), most in budgets.items():
            for way, found in ways.items():
                total = found[leases, peers].total
                verdict = f"met, {most - total:,} to spare" if total <= most else f"MISSED by {total - most:,}"
                print(f"{kind} {leases} leases with failover {most:,}, {way}: {total:,}, {verdict}")


def _by_room(name: str) -> tuple[int, str]:
    """Rooms in the order in which they build on each other, so that none pays for another's imports."""
    room = (name.split(".") + [""])[1]
    order = ("", "octets", "clock", "epoch", "overlay", "conf", "lease", "dhcp", "node", "failover", "net", "board")
    return order.index(room) if room in order else len(order), name


def _rooms(build: measure.Build, loaded: list[str]) -> None:
    rooms: dict[str, list[int]] = {}
    print(f"\n{'module, imported after those above':<36}{'heap':>9}{'.mpy':>9}{'native':>9}{'names':>9}")
    for name, octets, names in measure.modules(build, loaded):
        figures = [octets, measure.size(build, name), build.extra([name]), names]
        print(f"{name:<36}" + "".join(f"{figure:>9,}" for figure in figures))
        room = rooms.setdefault((name.split(".") + [""])[1], [0] * len(figures))
        room[:] = [a + b for a, b in zip(room, figures, strict=True)]
    print(f"\n{'room':<36}{'heap':>9}{'.mpy':>9}{'native':>9}{'names':>9}")
    for room_name, room in {**rooms, "all": [sum(column) for column in zip(*rooms.values(), strict=True)]}.items():
        print(f"{room_name or 'twinlease':<36}" + "".join(f"{figure:>9,}" for figure in room))


if __name__ == "__main__":
    main()
