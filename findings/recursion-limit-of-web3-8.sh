#!/bin/sh
# What the import of web3 8 does to a whole Python process.
#
# One would guess: the import of a client library changes nothing outside the library. Python's limit on nested calls stays at 1,000.
#   Code that relies on RecursionError, such as a reader of JSON, stops as early as before.
# True: the limit of the whole process becomes 100,000. web3 8 needs eth-account 0.14, which needs eth-keyfile 0.10. That one brings
#   py-ecc, and py-ecc raises the limit when it is imported. With web3 7 nothing raises it.
# Why it matters: a gateway or a client for paid requests reads JSON of strangers, and may count on the limit to stop at depth 1,000.
#   After an upgrade of web3 it no longer stops there. The reader has to limit the depth itself, or the process has to set the limit
#   again after the import.
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
