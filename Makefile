# The two commands that matter:
#   make run    a local ensemble of three servers, ready for any ZooKeeper client
#   make test   installs what the tests need (Debian packages), and runs them

GO      ?= go
# Packages whose goroutines share memory; the rest is single-threaded by design.
RACE    := ./client/... ./internal/host/... ./internal/server/... ./internal/tree/... ./internal/watch/... ./internal/node/...
SEEDS   ?= 10000
OPS     ?= 1000000
FROM    ?= 1
ROUNDS  ?= 20
FOR     ?= 10m
# How long sim-search looks for seeds that fail.
SEARCH  ?= 10m
# How many new seeds the tests run, and the first: no other state of the code has had them,
# and who tests the same code has the same.
NEW     ?= 4000
FRESH   ?= $(shell find . -name '*.go' | LC_ALL=C sort | xargs cat | cksum | cut -d' ' -f1)

.PHONY: build run test check packages sim sim-hours sim-search differ mutants fuzz fuzz-live clients rolling chaos chaos-mixed bench-compare bench-memory bench-failover resize

build:
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -trimpath -o bin/ostler ./cmd/ostler

run: build
	bin/ostler quickstart

test: packages check
	$(GO) test ./...
	CGO_ENABLED=1 $(GO) test -race $(RACE)
	$(GO) test -tags invariants ./internal/zab ./internal/replica ./internal/tree
	$(GO) test ./internal/sim -count=1 -timeout 0 -v -run 'TestSeeds|TestARunRepeats' -sim.seeds=$(NEW) -sim.from=$(FRESH)
	$(GO) test -tags interop -count=1 -timeout 15m ./test/interop
	$(GO) test -tags interop -count=1 ./test/differ
	$(GO) test -tags interop -count=1 ./test/chaos -run TestMixedChaos

check:
	$(GO) vet ./...
	$(GO) vet -tags interop ./test/interop ./test/differ ./test/chaos
	$(GO) vet -tags interop,clients ./test/interop
	cd tools && $(GO) tool gofumpt -l .. | (! grep .)
	cd tools && $(GO) build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	bin/staticcheck -tags interop ./test/interop ./test/differ ./test/chaos
	bin/staticcheck -tags interop,clients ./test/interop

# What the tests run against: Apache's server and shell, the C and Python clients.
packages:
	$(call install,zookeeper zookeeper-bin python3-kazoo gcc libc6-dev)

# $(call install,packages) installs the Debian packages that are missing.
define install
@for p in $(1); do \
  dpkg-query -W -f='$${Status}\n' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
if [ -n "$$missing" ]; then \
  as=; [ "$$(id -u)" = 0 ] || as=sudo; \
  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
endef

# Long runs.

# SEEDS simulated ensembles with all faults, from seed FROM.
sim:
	$(GO) test ./internal/sim -count=1 -timeout 0 -v -run TestSeeds -sim.seeds=$(SEEDS) -sim.from=$(FROM)

# More than 1,000 simulated hours.
sim-hours:
	$(MAKE) sim SEEDS=100000

# New seeds for as long as SEARCH says.
sim-search:
	$(GO) test ./internal/sim -count=1 -timeout 0 -v -run TestSeeds -sim.for=$(SEARCH)

# OPS random operations, in scripts from seed FROM, on Ostler and on Apache ZooKeeper.
differ: packages
	$(GO) test -tags interop -count=1 -timeout 0 -v ./test/differ -run TestScripts -differ.ops=$(OPS) -differ.from=$(FROM)

# Bugs put in on purpose, each of which the simulator has to find.
mutants:
	$(GO) test ./test/mutants -count=1 -timeout 0 -v -mutants

# Every fuzz target for a minute.
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    $(GO) test $$pkg -run '^$$' -fuzz "^$$f$$" -fuzztime 60s || exit 1; done; done

# Whole servers under malformed traffic for ten minutes.
fuzz-live:
	$(GO) test ./test/fuzzlive -count=1 -timeout 0 -v -fuzzlive.for=10m

# The test suites of client libraries, fetched for the run, against Ostler; node
# may be there from elsewhere than Debian.
clients: packages
	$(call install,g++ make python3 python3-pytest python3-mock python3-objgraph python3-pure-sasl $(if $(shell command -v npm),,nodejs npm libnode-dev))
	$(GO) test -tags interop,clients -count=1 -timeout 0 -v -run TestClientSuites ./test/interop

# Three Apache servers under load become Ostlers one by one and go back, ROUNDS times.
rolling: packages
	$(GO) test -tags interop -count=1 -timeout 0 -v -run TestRollingReplacement ./test/interop -rolling.rounds=$(ROUNDS)

CHAOS := $(GO) test ./test/chaos -count=1 -timeout 0 -v -run 'TestChaos$$'

# Three and five servers under load are killed, paused, wiped and cut off, FOR each.
chaos:
	$(CHAOS) -chaos.for=$(FOR) -chaos.layout=three
	$(CHAOS) -chaos.for=$(FOR) -chaos.layout=five

# The same with Apache's servers among them, until an Ostler, and then one of Apache's,
# has led the others FOR.
chaos-mixed: packages
	$(CHAOS) -chaos.for=$(FOR) -chaos.layout=ostler-leads
	$(CHAOS) -chaos.for=$(FOR) -chaos.layout=apache-leads

# An ensemble under load grows from one server to five and shrinks again, ROUNDS times.
resize:
	$(GO) test -count=1 -timeout 0 -v ./test/resize -resize.rounds=$(ROUNDS)

# Side by side with Apache ZooKeeper on this machine.
bench-compare: build packages
	$(GO) run ./test/compare

# How long nobody can write when the leader is killed or stopped, ROUNDS times each,
# side by side with Apache ZooKeeper on this machine.
bench-failover: build packages
	$(GO) run ./test/failover -rounds=$(ROUNDS)

# What watches and idle clients cost, in bytes.
bench-memory:
	$(GO) run ./test/memory
