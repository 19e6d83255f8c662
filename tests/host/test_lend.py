"""Names lent from ROM: which are, which are not, and that those in the list cost a real MicroPython nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import twinlease_host
from twinlease_host.lend import lend

ROM = Path(twinlease_host.__file__).with_name("rom_names.txt").read_text().split()
MICROPYTHON = Path(sys.executable).with_name("micropython")


def lent(text: str, **others: str) -> str:
    texts = {"twinlease/x.py": text} | {f"twinlease/{name}.py": other for name, other in others.items()}
    return lend(texts, set())["twinlease/x.py"]


def test_own_functions_attributes_and_parameters_get_names_of_rom() -> None:
    done = lent(
        "class Lease:\n    def renew(self, until_s):\n        self.ends_at = until_s\n        return self.renew(until_s=1)\n"
    )
    told = re.fullmatch(
        r"class (\w+):\n    def (\w+)\((\w+), (\w+)\):\n        (\w+)\.(\w+) = (\w+)\n"
        r"        return (\w+)\.(\w+)\((\w+)=1\)\n",
        done,
    )
    assert told is not None, done
    cls, function, me, until, me2, ends, until2, me3, function2, until3 = told.groups()
    assert (me, me, until, until, function) == (me2, me3, until2, until3, function2)
    assert len({cls, function, me, until, ends} & set(ROM)) == 5


def test_the_same_name_is_lent_in_every_file() -> None:
    one = "def renew_all():\n    pass\n"
    files = {"twinlease/x.py": "from .y import renew_all\nrenew_all()\n", "twinlease/y.py": one}
    done = lend(files, set())
    name = done["twinlease/y.py"].split()[1].split("(")[0]
    assert done["twinlease/x.py"] == f"from .y import {name}\n{name}()\n"


def test_others_names_stay() -> None:
    asked = "def renew(table):\n    pass\n\n\nx = getattr(y, 'renew')\n"
    assert "def renew(" in lent(asked)
    named = "TABLE = 'show leases|table.renew|help'\n"
    assert "def renew(" in lent("def renew(table):\n    pass\n\n\n" + named)
    assert lent("import asyncio\nasyncio.a_name_of_its_own()\n") == "import asyncio\nasyncio.a_name_of_its_own()\n"
    assert "append" in lent("class A:\n    def append(self):\n        pass\n")
    kept = {"main.py": "from twinlease import start_all\n", "twinlease/x.py": "def start_all():\n    pass\n"}
    assert lend(kept, {"main.py"}) == kept
    model = {
        "twinlease/conf/model.py": "class P:\n    scope_of = 1\n",
        "twinlease/x.py": "def f(p):\n    return p.scope_of\n",
    }
    assert (
        "p.scope_of" in lend(model, set())["twinlease/x.py"].replace("(p", "(q")
        or ".scope_of" in lend(model, set())["twinlease/x.py"]
    )


def test_lines_and_strings_stay() -> None:
    text = 'def renew_it():\n    """renew_it renews."""\n    return (\n        "a renew_it b"\n    )\n'
    done = lent(text)
    assert done.count("\n") == text.count("\n")
    assert '"""renew_it renews."""' in done and '"a renew_it b"' in done


def test_the_names_in_the_list_are_in_rom() -> None:
    script = (
        "import micropython\nclass A: pass\na = A()\nmicropython.qstr_info()\n"
        f"for name in {' '.join(ROM)!r}.split():\n    setattr(a, name, 1)\nmicropython.qstr_info()\n"
    )
    told = subprocess.run(
        [str(MICROPYTHON), "-X", "heapsize=1M", "-c", script], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    before, after = (int(line.split("n_qstr=")[1].split(",")[0]) for line in told if "n_qstr=" in line)
    assert after == before


def test_a_module_of_another_room_is_imported_by_its_whole_name() -> None:
    text = "def f():\n    from ..dhcp.reply import Reply\n    from .row import Row\n    from . import row\n"
    done = lend({"twinlease/lease/x.py": text}, set())["twinlease/lease/x.py"]
    assert (
        done.count("\n    from twinlease.dhcp.reply import Reply\n    from .row import Row\n    from . import row\n")
        == 1
    )
    assert (
        "from twinlease.net.log import"
        in lend({"twinlease/x.py": "from .net.log import Log\n"}, set())["twinlease/x.py"]
    )


def test_what_serves_has_the_first_choice() -> None:
    many = "".join(f"def a_very_long_name_{n}():\n    pass\n" for n in range(len(ROM) + 50))
    files = {"twinlease/console/x.py": many, "twinlease/x.py": "def short_one():\n    pass\n"}
    name = lend(files, set())["twinlease/x.py"].split()[1].split("(")[0]
    assert name in ROM
