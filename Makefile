# Every command worth typing; `make` alone prints them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
NODE := build/node/.installed

DEBIAN := isc-dhcp-server isc-dhcp-client udhcpc dhcpcd-base kea-admin kea-dhcp4-server dnsmasq-base iproute2 tshark chrony

.PHONY: help run demo flash mip mip-try test unit micropython boards power interop failover time hil host sim explore simulation fuzz fuzz-guided bench instructions power-day soak lint docs pictures check debian udhcpc clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing what is needed into .venv: about a minute, this once"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

.venv: $(STAMP) ## Make the virtual environment (other targets do it by themselves)

run: $(STAMP) udhcpc ## Boot two virtual boards, cut the power of the one that serves udhcpc, go on serving; ONCE=1 ends then
	@$(BIN)/twinlease demo $(if $(ONCE),--once)

demo: $(STAMP) udhcpc ## The same with new boards, unattended: ends with exit status 0, or tells which step failed
	@$(BIN)/twinlease demo --once --fresh --dir build/demo

flash: $(STAMP) ## A new board serves: BOARD=esp32 PORT=/dev/ttyUSB0 ADDRESS=10.77.0.2/16 CONFIG=dhcpd.conf; IMAGE=file, DRY=1, MORE="..."
	@$(BIN)/twinlease flash $(if $(BOARD),$(BOARD),--help) $(if $(PORT),--port '$(PORT)') $(if $(IMAGE),--image '$(IMAGE)') \
	  $(if $(ADDRESS),--address '$(ADDRESS)') $(if $(CONFIG),--config '$(CONFIG)') $(if $(DRY),--dry-run) $(MORE)

mip: $(STAMP) ## The firmware as a package for mpremote mip: firmware/package.json; ARCH=xtensawin: compiled, in build/mip
	@$(BIN)/python -m twinlease_host.mip $(if $(ARCH),--compiled $(ARCH))

mip-try: $(STAMP) ## Install that package whole, by mpremote, on a virtual board that has MicroPython only (root)
	@$(BIN)/python -m pytest -q -rs tests/host/whole_package.py

test: $(STAMP) debian ## Run everything: lint, types, unit tests on both interpreters, power cuts, real clients
	@status=0; for part in lint unit micropython simulation boards failover time; do \
	  echo "== $$part"; $(MAKE) --no-print-directory $$part || status=1; done; exit $$status

unit: $(STAMP) ## Unit tests on CPython
	@$(BIN)/python -m pytest -q -rs -n 2 tests/unit

micropython: $(STAMP) ## The same unit tests on MicroPython
	@$(BIN)/python tests/run_micropython.py

host: $(STAMP) $(NODE) ## Tests of the host tools and the virtual board
	@$(BIN)/python -m pytest -q -rs tests/host

power: $(STAMP) ## Power cuts: at every flash operation in memory, and at random on a virtual board
	@$(BIN)/python -m pytest -q -rs tests/power

interop: $(STAMP) ## Real clients and servers against the virtual board (root)
	@$(BIN)/python -m pytest -q -rs tests/interop

boards: $(STAMP) $(NODE) ## host, power and interop at once, as far as the cores go
	@$(BIN)/python -m pytest -q -rs -n 4 --dist loadfile tests/power tests/host tests/interop

failover: $(STAMP) ## Pairs of servers, a board beside ISC dhcpd and beside its twin, through every fault (root)
	@$(BIN)/python -m pytest -q -rs -n 6 tests/failover

sim: $(STAMP) ## Simulate pairs of servers: SEEDS=n Worlds, SEED0=first one (fresh ones without it), KEEP=1 goes on after a violation, PAIR=boards or isc
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1000) $(if $(SEED0),--first $(SEED0)) $(if $(KEEP),--keep-going) $(if $(PAIR),--pair $(PAIR))

explore: $(STAMP) ## Explore small worlds whole: DEPTH=n faults and acts of clients together (2; each one more takes ten times as long)
	@$(BIN)/python -m tests.simulation.explore --depth $(or $(DEPTH),2)

simulation: $(STAMP) ## Tests of the simulator, and a fixed set of Worlds
	@$(BIN)/python -m pytest -q -rs -n 2 tests/simulation
	@$(BIN)/python -m tests.simulation --seeds 40 --first 0

time: $(STAMP) ## A board and its time servers: real chronyds, and some that lie, are late or gone (root)
	@$(BIN)/python -m pytest -q -rs -n 6 tests/time

hil: $(STAMP) debian ## From flash to soak on two virtual boards, or on real ones: PORTS=/dev/ttyUSB0,/dev/ttyUSB1 BOARD=esp32-w5500 IFACE=eth1 POWER='...' SOAK=minutes (root)
	@PORTS='$(PORTS)' BOARD='$(BOARD)' IMAGE='$(IMAGE)' IFACE='$(IFACE)' POWER='$(POWER)' POWER_PORTS='$(POWER_PORTS)' \
	  MORE='$(MORE)' SOAK='$(SOAK)' $(BIN)/python -m pytest -q -rs tests/hil

fuzz: $(STAMP) ## Throw mutated packets, streams, configurations, images at everything that reads; INPUTS=1000000, SEED=n
	@$(BIN)/python -m pytest -q -rs tests/fuzz

fuzz-guided: $(STAMP) ## The same guided by coverage, with atheris: SECONDS=120 for all; KEEP=1 renews tests/fuzz/corpus
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet --editable '.[fuzz]' \
	  || echo "fuzz-guided: atheris cannot be installed here"
	@$(BIN)/python -m tests.fuzz.guided --seconds $(or $(SECONDS),120) $(if $(KEEP),--keep)

bench: $(STAMP) debian ## Measure this server beside ISC dhcpd, Kea and dnsmasq, and failover pairs; ONLY=failover (or servers)
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

footprint: $(STAMP) $(NODE) ## Measure what the firmware takes of a 32-bit heap; RECORD=1 keeps the totals; UNIX=1: of a 64-bit one (root)
	@$(BIN)/python -m tests.bench.footprint $(if $(RECORD),--record) $(if $(UNIX),--unix)

# A 32-bit MicroPython from npm, as the lock file names it.  Without it what needs it skips, and says so.
$(NODE): tests/bench/footprint/package.json tests/bench/footprint/package-lock.json
	@mkdir -p build/node && cp $^ build/node
	@if ! command -v npm >/dev/null; then echo "SKIPPED: npm is not installed: no 32-bit MicroPython for make footprint"; \
	elif npm ci --prefix build/node --no-fund --no-audit --loglevel=error >build/node/npm.log 2>&1; then touch $@; \
	else tail -3 build/node/npm.log; echo "SKIPPED: npm could not install @micropython/micropython-webassembly-pyscript"; fi

power-day: $(STAMP) ## Cut the power in every flash operation of an office's day, in every way; SEED=1 (minutes)
	@$(BIN)/python tests/power/cuts.py $(SEED)

soak: $(STAMP) ## A pair of virtual boards under load, power lost four times; EXCHANGES=1000000 (default 20000); root
	@$(BIN)/python -m tests.bench.soak $(EXCHANGES)

instructions: $(STAMP) ## Count the instructions of an exchange with callgrind, at 10, 100 and 1,000 leases, alone and in a pair
	@$(BIN)/python -m tests.bench.instructions

lint: $(STAMP) ## Style of everything, types of host/
	@$(BIN)/ruff check . && $(BIN)/mypy

docs: $(STAMP) ## Write the pages of docs/ that are made from what they are about; EXAMPLES=1 asks virtual boards anew (root)
	@$(BIN)/python -m twinlease_host.pages $(if $(EXAMPLES),--examples)
	@$(BIN)/python -m tests.lab.failover_diagram
	@$(BIN)/python -m twinlease_host.mip

pictures: $(STAMP) udhcpc ## Draw the pictures of README anew, of boards that run (root)
	@$(BIN)/python docs/pictures.py

check: lint unit ## What to run before a commit: seconds

# Packages are installed only when one is missing and we may; nothing may start a daemon, so a policy says no meanwhile.
define install
	@missing=""; for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing+=" $$p"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "not a Debian system; these are missing:$$missing (tests that need them skip)"; exit 0; fi; \
	if [ $$(id -u) = 0 ]; then as=""; elif sudo -n true 2>/dev/null; then as="sudo"; else \
	  echo "missing:$$missing; to install them type: sudo apt-get install$$missing"; exit 0; fi; \
	echo "installing:$$missing"; $$as bash host/install-debian.sh $$missing || echo "could not install:$$missing (tests that need them skip)"
endef

debian: ## Install the Debian packages that the tests use, if they are missing
	$(call install,$(DEBIAN))

udhcpc:
	$(call install,udhcpc iproute2)

clean: ## Remove what was made: .venv, caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build host/*.egg-info firmware/*.egg-info *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
