# For who builds MicroPython: freezes the server into the image, where its code runs in place and takes no heap.
#
#     make -C ports/rp2 BOARD=RPI_PICO_W FROZEN_MANIFEST=/path/to/a/manifest.py
#
# where that manifest includes the board's own and this one:
#
#     include("$(BOARD_DIR)/manifest.py")  # or $(PORT_DIR)/boards/manifest.py, if the board has none
#     include("/path/to/twinlease/firmware/manifest.py")
#
# It needs asyncio, which the ports' own manifests bring. With run=False the board's own main.py starts the server.
from pathlib import Path

metadata(description="DHCPv4 server with failover", version="0.1.0")
options.defaults(run=True)

FOR_CPYTHON = ("_cpython.py", "linux.py")
files = [path for path in sorted(Path("twinlease").rglob("*.py")) if path.name not in FOR_CPYTHON]
package("twinlease", files=[path.relative_to("twinlease").as_posix() for path in files])
if options.run:
    module("boot.py")
    module("main.py")
