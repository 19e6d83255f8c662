"""`twinlease config check`: the firmware's verdict, shown where the mistake is."""

from __future__ import annotations

import json
from pathlib import Path

from boards import tool

GOOD = "subnet 10.0.0.0 netmask 255.255.255.0 {\n  range 10.0.0.10 10.0.0.19;\n}\n"
BAD = "default-lease-time 600;\n\tsubnet 10.0.1.0 netmask 255.255.254.0 { }\n"


def test_a_good_file_passes_and_says_what_it_would_serve(tmp_path: Path) -> None:
    file = tmp_path / "dhcpd.conf"
    file.write_text(GOOD)
    done = tool("config", "check", str(file))
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.strip() == f"{file} can be served: 10 dynamic addresses (0 errors, 0 warnings)"


def test_an_error_is_shown_with_place_line_caret_and_advice(tmp_path: Path) -> None:
    file = tmp_path / "dhcpd.conf"
    file.write_text(BAD)
    done = tool("config", "check", str(file))
    assert done.returncode == 1
    said = done.stdout.splitlines()
    assert said[0].startswith("dhcpd.conf:2:") and "error: bad subnet number/mask combination" in said[0]
    assert said[1] == "    " + BAD.splitlines()[1].expandtabs(8)
    assert said[2].strip() == "^" and said[1][said[2].index("^") :].startswith("10.0.1.0"), (
        "the tab must not shift the caret"
    )
    assert said[3].strip()
    assert said[-1].endswith("cannot be served (1 error, 0 warnings)")


def test_json_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "dhcpd.conf"
    file.write_text(BAD)
    done = tool("config", "check", "--json", str(file))
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["ok"] is False
    problem = told["problems"][0]
    assert (
        problem["severity"] == "error"
        and problem["line"] == 2
        and problem["file"] == "dhcpd.conf"
        and problem["advice"]
    )


def test_an_error_in_an_included_file_is_shown_there(tmp_path: Path) -> None:
    (tmp_path / "dhcpd.conf").write_text('include "office.conf";\n' + GOOD)
    (tmp_path / "office.conf").write_text("default-lease-time ten;\n")
    done = tool("config", "check", str(tmp_path / "dhcpd.conf"))
    assert done.returncode == 1
    assert done.stdout.startswith("office.conf:1:") and "    default-lease-time ten;" in done.stdout


def hosts(n: int) -> str:
    one = "host h%d { hardware ethernet 02:00:00:00:00:%x; fixed-address 10.0.1.%d; }\n"
    return "".join(one % (i, i, i) for i in range(n))


def test_what_does_not_fit_the_board_is_an_error_that_says_what_would(tmp_path: Path) -> None:
    file = tmp_path / "dhcpd.conf"
    file.write_text("subnet 10.0.0.0 netmask 255.255.240.0 { range 10.0.0.1 10.0.8.255; }\n")
    done = tool("config", "check", str(file))
    assert done.returncode == 1 and "they hold 2020" in done.stdout and "there is room for about " in done.stdout
    assert "cannot be served (2 errors" in done.stdout
    done = tool("config", "check", str(file), "--heap", "8M", "--flash", "512k")
    assert done.returncode == 0, done.stdout
    done = tool("config", "check", "--json", str(file), "--heap", "1m")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["ok"] is False and "2303 leases" in told["too_large"][0]["message"]
    assert tool("config", "check", str(file), "--flash", "some").returncode == 2


def test_failover_takes_its_part_of_the_heap(tmp_path: Path) -> None:
    file = tmp_path / "dhcpd.conf"
    peer = 'failover peer "p" { primary; address 10.0.0.2; peer address 10.0.0.3; mclt 60; split 128; load balance max seconds 3; }'
    pool = "{} deny dynamic bootp clients; range 10.0.0.10 10.0.0.99;"
    net = "subnet 10.0.0.0 netmask 255.255.255.0 {{ pool {{ {} }} }}\n"
    file.write_text(peer + net.format(pool.format('failover peer "p";')))
    done = tool("config", "check", str(file), "--heap", "256K")
    assert done.returncode == 1 and "a heap of 256 KiB is too little for 90 addresses" in done.stderr + done.stdout
    assert "failover takes 109 KiB, " in done.stderr + done.stdout
    assert tool("config", "check", str(file), "--heap", "320K").returncode == 0
    assert tool("config", "check", str(file), "--heap", "256K", "--rom").returncode == 0
    file.write_text(net.format(pool.format("")))
    assert tool("config", "check", str(file), "--heap", "256K").returncode == 0


def test_many_hosts_need_a_larger_heap(tmp_path: Path) -> None:
    file = tmp_path / "dhcpd.conf"
    file.write_text(GOOD.replace("255.255.255.0", "255.255.254.0") + hosts(100))
    assert tool("config", "check", str(file)).returncode == 0
    file.write_text(GOOD.replace("255.255.255.0", "255.255.254.0") + hosts(200))
    done = tool("config", "check", str(file))
    assert done.returncode == 1 and "fewer hosts" in done.stdout
    assert tool("config", "check", str(file), "--heap", "512K").returncode == 0


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    done = tool("config", "check", str(tmp_path / "none"))
    assert done.returncode == 2 and "there is no file" in done.stderr and "hint:" in done.stderr
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    done = tool("config", "check", str(tmp_path / "binary"))
    assert done.returncode == 2 and "is not a text file" in done.stderr
    assert tool("config", "check", str(tmp_path)).returncode == 2


def test_help_teaches_with_an_example() -> None:
    for words in (["config", "check"], ["vboard", "run"], ["console"], ["demo"]):
        done = tool(*words, "--help")
        assert done.returncode == 0 and "Example: twinlease " + " ".join(words) in done.stdout, words
        assert "Exit codes" in done.stdout, words
