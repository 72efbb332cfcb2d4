"""Good inputs of the fuzzer that are long: OpenAPI documents, one of which is a bomb, and a configuration file."""

from typing import Final

OPENAPI: Final = (
    (
        b'{"openapi":"3.1.0","info":{"title":"Tea","version":"1"},"servers":[{"url":"https://{h}.example.com/v1",'
        b'"variables":{"h":{"default":"api"}}}],"paths":{"/ask/{id}":{"parameters":[{"$ref":"#/components/parameters/id"}],'
        b'"post":{"operationId":"ask","tags":["tea"],"responses":{"200":{"description":"ok"}}}}},'
        b'"components":{"parameters":{"id":{"name":"id","in":"path","required":true,"schema":{"type":"string"}}}}}'
    ),
    (
        b"openapi: 3.0.3\ninfo: &a {title: Tea, version: '1'}\nservers:\n- url: /v2\npaths:\n  /about:\n    get:\n"
        b"      operationId: about\n      responses: {'200': {description: ok}}\n  /x: {$ref: '#/paths/~1about'}\n"
    ),
    (
        b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
    ),
)
CONFIG: Final = b"""\
[chain]
network = "base:sepolia"
rpc = "env:NODE_URL"
chain_id = 84532
[gateway]
url = "https://api.example.com"
port = 8443
workers = 2
meter = "postgresql://db.example.com/books"
index = "postgresql://db.example.com/index"
cors_origins = ["https://app.example.com"]
[redeemer]
keyfile = "redeemer.json"
password = "file:password.txt"
[settler]
age = "6 hours"
[[services]]
did = "7"
upstream = "http://127.0.0.1:9000/v1"
hosts = ["service.example.com"]
limits = { rate = { requests = 5, every = "10s" }, quota = { credits = 40, every = "1 day" }, releases = 3 }
auth = { type = "basic", user = "gateway", secret = "sealed:service" }
"""
