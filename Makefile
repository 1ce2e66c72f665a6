# Everything goes through npm scripts: they put the project's own Node first on the PATH, whatever Node the machine has.
# `make run` starts the product on embedded defaults, `make test` runs every test.

.PHONY: run test e2e-kind soak bench-sip bench-media bench-scale check lab generate install

run: install
	@npm run --silent demo

test: install lab
	npm run test:all

# The same tests in a cluster of kind, on a machine with Docker and kind; what is about a node of our own is left out.
e2e-kind: install lab
	RINGCHECK_KIND=yes npm run kube -- --exclude test/kube/node.test.ts --exclude test/kube/product-on-node.test.ts

soak: install lab
	npm run soak

# The SIP user agent against SIPp, on two cores with nothing else to do; it takes long.
bench-sip: install lab
	npm run bench:sip -- --date "$$(date -u +%F)"

# Calls a core, cost and memory of media against bare sockets and SIPp's echo, likewise.
bench-media: install lab
	npm run bench:media -- --date "$$(date -u +%F)"

# The operator with 1,000, 3,000 and 10,000 probes; about a quarter of an hour.
bench-scale: install lab
	npm run kube:install
	npm run bench:scale -- --date "$$(date -u +%F)"

check: install
	npm run check

generate: install
	npm run generate

# The real peers that tests call: installs what is missing, or says what to install.
lab:
	@sh test/lab/install.sh

install: node_modules/.installed

node_modules/.installed: package-lock.json
	npm ci
	@touch $@
