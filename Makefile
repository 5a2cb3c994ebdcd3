# One target folder and one profile. Tests switch on more features of some dependencies, which are then built once more.
SHELL := bash
ARGS ?=
SECONDS_EACH ?= 20
SEEDS ?= 1000
FIRST ?= 1
TRACE ?=

.DEFAULT_GOAL := help
.PHONY: help setup sandbox console check test sim soak bench clean

help:
	@echo 'make sandbox   a Lightning economy in one process: chain, two nodes, a channel, a funded account'
	@echo "               ARGS='--json --listen 127.0.0.1:0 --data-dir DIR' are passed on"
	@echo 'make console   the web console alone; what needs it builds it by itself'
	@echo 'make check     formatting, lints, documentation (what CI runs first)'
	@echo 'make test      every test, on SQLite and on a private PostgreSQL, and the clients (what CI runs next)'
	@echo "               ARGS='-p ledger' runs one crate only"
	@echo 'make sim       the simulator: SEEDS=1000 runs from seed FIRST=1 on; TRACE=1 prints what happens in the first'
	@echo 'make soak      the long scenarios; SECONDS_EACH=600 for a night'
	@echo 'make bench     the benchmarks'
	@echo 'make setup     installs what the above need, where it is missing'
	@echo 'make clean     removes everything that was built'

setup:
	@scripts/setup

sandbox:
	@scripts/console
	@cargo run -p server --bin leyden -- sandbox $(ARGS)

console:
	@scripts/console

check:
	@scripts/check

test:
	@scripts/test $(ARGS)

sim:
	@SEEDS=$(SEEDS) FIRST=$(FIRST) TRACE=$(TRACE) scripts/sim

soak:
	@SECONDS_EACH=$(SECONDS_EACH) scripts/soak $(ARGS)

bench:
	@scripts/bench $(ARGS)

clean:
	@cargo clean
	@rm -rf console/node_modules console/dist clients/node/node_modules clients/python/.venv clients/openapi/.venv
