# One spelling per task. Everything is set up on first use, inside this folder, and found ready the next time.
#
#   make demo        make test        make check        make help
#
# Python comes from the locks in requirements/, the contracts' imports, compiler and chain from package-lock.json.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first of these that is 3.11 or newer. `make PYTHON=/path/to/python3.12 test` names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# Tests run in this many processes. More than half of their time they wait, for a chain or a disk, so five for two cores.
WORKERS ?= 5
# What `make demo` and `make deploy` pass on, as in `make demo ARGS="--rpc http://127.0.0.1:8545"`.
ARGS ?=

BIN := .venv/bin
UV := . .venv-uv/index && .venv-uv/bin/uv
INSTALL := $(UV) pip install --quiet --no-deps
PYTEST := $(BIN)/python -m pytest -p tests.session.quick -n $(WORKERS) --dist worksteal
# What `make check` runs of the tests, and `make test` leaves to it.
CHECKED := tests/house tests/assurance/static
# The contracts that are deployed; contracts/test/ breaks rules on purpose.
SHIPPED := 'contracts/agents/*.sol' 'contracts/credits/*.sol' 'contracts/credits/libraries/*.sol' 'contracts/examples/*.sol'

# Without a home folder, what wants one gets it here.
ifeq ($(shell test -n "$$HOME" && test -d "$$HOME" && test -w "$$HOME" && echo yes),)
export HOME := $(CURDIR)/.home
endif

# Modules are compiled once, whatever the environment says: every process that a test starts would do it again.
export PYTHONDONTWRITEBYTECODE :=

say = @printf '==> %s\n'

# Random histories of the contract that `make test` compares with the model, their operations, and the mistakes that have to be
# found by them. `make deep` compares thousands of histories, and makes all mistakes.
test: export NVM_CHAIN_HISTORIES ?= 2
test: export NVM_CHAIN_STEPS ?= 1000
test: export NVM_CHAIN_MUTANTS ?= 1
# Seeds of each other random test. `make deep` runs all that the test names.
test: export NVM_CHAIN_SEEDS ?= 1

# Ape keeps its state here, not in the home folder. (`make deploy` leaves it there: that is where accounts are.)
test check deep bench: export APE_DATA_FOLDER := $(CURDIR)/.ape

.PHONY: help demo test check check-tools check-house check-site deep bench stack deploy compile explorer docs site format lock setup setup-check clean

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: .venv/done-package ## Run the whole story on a chain inside this process: no Node.js, no account; no network but to install
	$(say) 'Running the demo'
	@$(BIN)/nvm-chain demo $(ARGS)
	$(say) 'Your own programs run with $(BIN)/python, the command is $(BIN)/nvm-chain'

test: setup ## Run the tests: on anvil and on the embedded chain, by forge, and through Ape
	$(say) 'Every test but those of make check: on anvil, and one of each call on the embedded chain too'
	@$(PYTEST) $(CHECKED:%=--ignore=%)

check: check-tools check-house check-site ## Run formatters, linters, the type checker, static analysis and the tests of the house's own rules

check-tools: setup-check
	$(say) 'ruff: format and rules'
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	$(say) 'mypy --strict'
	@$(BIN)/mypy --strict
	$(say) 'forge fmt, solhint'
	@$(BIN)/forge fmt --check contracts tests
	@node_modules/.bin/solhint --config .solhint.json --disc --noPoster --max-warnings 0 $(SHIPPED)

check-house: setup-check
	$(say) 'Static analysis and the rules of the house'
	@$(PYTEST) $(CHECKED)

check-site: setup-check
	$(say) 'Links of the documents, by building the site'
	@$(BIN)/python -m tools.site

deep: setup .venv-slither/done .venv-semgrep/done .venv-halmos/done .venv-mutmut/done ## Run the long campaigns, proofs and mutants, and write the report: make deep SEED=7 MINUTES=60
	@$(BIN)/python -m tests.assurance.deep $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))
	$(say) 'The index again, with all seeds'
	@$(PYTEST) tests/index
	$(say) 'Everything that needs a chain again, with all seeds, on the embedded chain'
	@$(PYTEST) --chain eth-tester tests/contracts tests/attacks tests/conformance tests/integration tests/index/test_following_chains.py

bench: setup ## Measure gas from receipts, compare with the committed table, and time ours beside others
	$(say) 'Measuring gas'
	@$(BIN)/python -m tests.bench.gas.bench
	$(say) 'Timing vouchers, balances, transactions, round trips, the index, the meter, the gateway and x402, each beside another way'
	@for suite in vouchers balances transactions requests index statements meter gateway payments official plugin; do $(BIN)/python -m tests.bench $$suite || exit 1; done
	$(say) 'Timing imports and the command line'
	@$(BIN)/python -m tests.bench.startup

stack: setup ## Run tests on the oldest and the newest web3, eth-account and eth-tester, by Python: make stack ARGS="3.11"
	$(say) 'The oldest and the newest of what the package depends on'
	@. .venv-uv/index && WORKERS=$(WORKERS) $(BIN)/python -m tools.stack $(ARGS)

deploy: setup ## Deploy with Ape: make deploy ARGS="--network base:sepolia --account NAME"
	@$(BIN)/ape run deploy $(ARGS)

compile: .solc/done .venv/done-package ## Compile the contracts and write the artifacts into the package
	$(say) 'Compiling (about 10 seconds)'
	@$(BIN)/python -m tools.compile_contracts package

explorer: .solc/done .venv/done-package ## Write what a block explorer asks for to verify the code: build/Credits.standard.json
	$(say) 'Writing the input of the compiler'
	@$(BIN)/python -m tools.compile_contracts explorer

docs: .venv/done-package ## Write the tables of docs/, of the invariants and of SECURITY.md anew, and the pictures of docs/assets
	$(say) 'Writing tables and pictures'
	@$(BIN)/python tools/write_docs.py
	@$(BIN)/python tools/write_invariants.py
	@$(BIN)/python tools/write_findings.py
	@$(BIN)/python -m tools.pictures

site: .venv/done-package .venv-site/done ## Build the documentation site, with search: build/site/html/index.html
	$(say) 'Building the site (about 8 seconds)'
	@$(BIN)/python -m tools.site

format: setup ## Format Python and Solidity
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format
	@$(BIN)/forge fmt contracts tests

# Keeps the versions that are in the locks; `make lock ARGS=--upgrade` takes newer ones.
LOCK := $(UV) pip compile --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-header --quiet $(ARGS)
lock: .venv-uv/done ## Write requirements/*.lock anew from pyproject.toml and requirements/*.in
	$(say) 'Locking'
	@$(LOCK) pyproject.toml --extra ape --extra client --extra gateway --extra postgres --extra report --group dev --output-file requirements/dev.lock
	@$(LOCK) pyproject.toml --extra client --extra gateway --group build --constraint requirements/dev.lock --output-file requirements/run.lock
	@$(LOCK) pyproject.toml --extra fast --extra gateway --extra postgres --group build --constraint requirements/dev.lock --output-file requirements/gateway.lock
	@$(LOCK) --no-config requirements/streamlit.in --output-file requirements/streamlit.lock
	@for tool in halmos mutmut semgrep site slither uv; do \
		$(LOCK) requirements/$$tool.in --output-file requirements/$$tool.lock || exit 1; done

setup-check: setup .venv-slither/done .venv-semgrep/done .venv-site/done

setup: node_modules/done .venv/done-package .venv/done-tools .solc/done .build/done .browser/done .venv-streamlit/done ## Set up what tests and checks need, without running any

clean: ## Remove everything that make has set up or written
	rm -rf .venv .venv-* .stack .browser node_modules .solc .build .ape .home .deep .forge dist build htmlcov .coverage* \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .cache
	find nvm_chain scripts tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- set-up. A done file is newer than the lock it was made from.

# uv installs in a tenth of the time that pip takes. It is told where pip looks, if that is another place than usual, and to
# trust whom this system trusts, as pip does: a company's own certificates, for instance.
.venv-uv/done: requirements/uv.lock
	@test -n '$(PYTHON)' || { \
		echo 'Python 3.11 or newer is needed. Neither python3 nor python3.11, 3.12 or 3.13 is one.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	$(say) "Making virtual environments with $$($(PYTHON) --version)"
	@mkdir -p "$$HOME"
	@$(PYTHON) -m venv --clear .venv-uv
	@.venv-uv/bin/python -m pip --disable-pip-version-check install --no-input --quiet --quiet --require-hashes --requirement $<
	@.venv-uv/bin/python -m pip config list > .venv-uv/pip
	@sed -n "s/^\(:env:\|global\)\.index-url='\(.*\)'$$/export UV_DEFAULT_INDEX='\2'/p" .venv-uv/pip | head -n 1 > .venv-uv/index
	@sed -n "s/^\(:env:\|global\)\.cert='\(.*\)'$$/export SSL_CERT_FILE='\2'/p" .venv-uv/pip | head -n 1 >> .venv-uv/index
	@! .venv-uv/bin/python -c 'import ssl; assert ssl.create_default_context().cert_store_stats()["x509_ca"]' 2>/dev/null \
		|| echo 'export UV_SYSTEM_CERTS="$${UV_SYSTEM_CERTS-1}"' >> .venv-uv/index
	@touch $@

# A .venv that somebody made before stays, with what else is installed there. Only one without a Python that runs is made anew.
.venv/done-run: .venv-uv/done requirements/run.lock
	@if .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo '==> Keeping .venv and what else is installed there'; \
	else \
		test ! -e .venv || echo '==> Making .venv anew: it has no Python 3.11 or newer'; \
		$(PYTHON) -m venv --clear .venv; \
	fi
	$(say) 'Installing the locked versions of what the package needs into .venv'
	@$(INSTALL) --python .venv --require-hashes --requirement requirements/run.lock
	@touch $@

# Builds with what the lock brought: nothing is downloaded here.
.venv/done-package: .venv/done-run pyproject.toml
	$(say) 'Installing nvm-chain itself, editable'
	@$(INSTALL) --python .venv --no-build-isolation --editable .
	@touch $@

.venv/done-dev: .venv/done-run requirements/dev.lock
	$(say) 'Installing Ape, pytest and the linters'
	@$(INSTALL) --python .venv --no-build-isolation --require-hashes --requirement requirements/dev.lock
	@touch $@

node_modules/done: package-lock.json package.json .npmrc
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || { \
		echo 'Node.js 20 or newer with npm is needed for this, and was not found. (make demo does without.)' >&2; exit 1; }
	$(say) 'Installing solc, anvil and the contracts'\'' imports from npm (about 20 seconds)'
	@mkdir -p "$$HOME"
	@npm ci --loglevel=error --no-progress >/dev/null
	@touch $@

.venv/done-tools: .venv/done-dev node_modules/done tools/link_tools.py
	@$(BIN)/python tools/link_tools.py
	@touch $@

.solc/done: .venv/done-dev node_modules/done tools/install_solc.py tools/solc.js
	$(say) 'Looking for the Solidity compiler'
	@$(BIN)/python tools/install_solc.py
	@touch $@

.browser/done: .venv/done-dev node_modules/done tools/install_browser.py tools/fonts.conf
	$(say) 'Unpacking the browser of the tests (about 10 seconds)'
	@$(BIN)/python tools/install_browser.py
	@touch $@

# The tests read what is written here.
SOURCES := $(shell find contracts -name '*.sol') tools/compile_contracts.py
.build/done: .solc/done .venv/done-package $(SOURCES)
	$(say) 'Compiling the contracts, those of the tests too (about 12 seconds)'
	@$(BIN)/python -m tools.compile_contracts all
	@touch $@

# What analyses the contracts and what builds the site, each tool in an environment of its own: they disagree about what they are
# built on.
.venv-%/done: requirements/%.lock .venv-uv/done
	$(say) 'Installing $*'
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-$*
	@$(INSTALL) --python .venv-$* --require-hashes --requirement $<
	@touch $@

# Streamlit runs apps that import the package, so its environment has all of .venv below it. Its own versions come first, without
# the override in pyproject.toml: its numpy is newer.
.venv-streamlit/done: requirements/streamlit.lock .venv/done-dev
	$(say) 'Installing Streamlit'
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-streamlit
	@$(INSTALL) --no-config --python .venv-streamlit --require-hashes --requirement $<
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$(.venv-streamlit/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/house.pth"
	@touch $@

# mutmut runs the house's tests, so its environment has all of .venv below it.
.venv-mutmut/done: requirements/mutmut.lock .venv/done-dev
	$(say) 'Installing mutmut'
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-mutmut
	@$(INSTALL) --python .venv-mutmut --require-hashes --requirement $<
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$(.venv-mutmut/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/house.pth"
	@touch $@
