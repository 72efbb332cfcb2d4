#!/bin/sh
# What importing web3 8 does to a Python process as a whole.
#
# One would guess: importing a client library changes nothing outside the library. Python's limit on nested calls stays at 1,000, and
#   code that relies on RecursionError, a reader of JSON for instance, ends as early as before.
# True: web3 8 asks for eth-account 0.14, which asks for eth-keyfile 0.10, which brings py-ecc, which raises the limit of the whole
#   process to 100,000 when it is imported. With web3 7 nothing does.
# Why it matters: a gateway or a client for paid requests reads JSON of strangers. What it counted on to stop at depth 1,000 no longer
#   does after an upgrade of web3, so the depth has to be limited by the reader itself, or the limit set again after the import.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > try.py <<'EOF'
import sys
from importlib.metadata import version

before = sys.getrecursionlimit()
import web3  # noqa

after = sys.getrecursionlimit()
brought = "py_ecc" in sys.modules
print(f"web3 {version('web3')}, eth-keyfile {version('eth-keyfile')}: {before} before the import, {after} after, py_ecc loaded: {brought}")
assert (before, after, brought) == (1000, int(sys.argv[1]), sys.argv[2] == "yes")
EOF

try() {
  python3 -m venv "$1"
  "$1/bin/python" -m pip install --disable-pip-version-check --quiet "web3==$1" "$2" "$3"
  "$1/bin/python" try.py "$4" "$5"
}
try 7.15.0 eth-account==0.13.7 eth-keyfile==0.8.1 1000 no
try 8.0.0 eth-account==0.14.0 eth-keyfile==0.10.0 100000 yes
echo "as described"
