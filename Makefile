# Horae. `make demo` serves it, `make test` proves it; both bring what they need.
.PHONY: demo stop test lint check bench verifier messages requirements
.DEFAULT_GOAL := demo
PY := .venv/bin/python

demo:      ## serve Horae on 127.0.0.1:8000 (PORT=...) with everything it needs, until Ctrl-C
	@bin/venv embedded
	@exec $(PY) -m config.embedded demo

stop:      ## stop it from another terminal
	@if [ -x $(PY) ]; then exec $(PY) -m config.embedded stop; else echo "Nothing of Horae runs here."; fi

test:      ## all tests; ARGS="-n 0 -k words" is passed to pytest
	@bin/venv dev
	@bin/test-servers
	@bin/test $(ARGS)

lint:      ## format, ruff, types, imports, migrations, templates, house rules
	@bin/venv dev
	@bin/lint

check: lint test

bench:     ## how fast it is, beside others; ARGS="--only availability --quick" chooses
	@bin/venv dev
	@bin/bench $(ARGS)

verifier:  ## dist/verify.pyz: one file that checks evidence and proofs offline
	@bin/venv embedded
	@mkdir -p dist && $(PY) -m audit.verifier dist/verify.pyz

messages:  ## bring locale/*.po up to date with the code
	@bin/venv dev
	@$(PY) -m config.messages update

requirements: ## compile requirements/*.in again; UPGRADE=--upgrade takes newer versions
	@bin/venv dev
	@cd requirements && for name in base embedded dev bench-peers; do \
	  ../.venv/bin/pip-compile --quiet $(UPGRADE) --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --no-emit-options --output-file=$$name.txt $$name.in || exit 1; \
	done
