// Prints bindings.json: the canonical JSON and the context of bindings, and which targets are refused, by plain JavaScript.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as ethers from "ethers";
import * as viem from "viem";

const did = (number) => `did:nv:${BigInt(number).toString(16).padStart(64, "0")}`;
const sha256 = (bytes) => `sha-256:${createHash("sha256").update(bytes).digest("hex")}`;

/** RFC 8785 for an object of texts and small integers: JavaScript writes both as the RFC says, and sorts by UTF-16. */
const canonical = (object) => `{${Object.keys(object).sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(object[name])}`).join(",")}}`;

const PLAIN = { v: 1, level: "full", method: "POST", service: did(7), target: "/ask", body: sha256("{}"), id: "request-1" };
const CASES = [
  ["a request as many will be", {}],
  ["a request without content", { method: "GET", body: "-" }],
  ["the root", { target: "/" }],
  ["a query", { target: "/ask?topic=tea&lang=en" }],
  ["a query with encoded slashes", { target: "/ask?next=%2Fhome%5C&u=https://example.com//a" }],
  ["a query with two question marks", { target: "/ask?a=b?c" }],
  ["percent signs in small letters", { target: "/caf%c3%a9" }],
  ["percent signs in capital letters", { target: "/caf%C3%A9" }],
  ["a slash at the end", { target: "/ask/" }],
  ["three dots", { target: "/ask/..." }],
  ["characters that JSON escapes nowhere", { target: "/a'b(c)*!$&,;=:@~" }],
  ["characters that browsers would escape", { target: "/a?b=<c>|{d}" }],
  ["a quote in the query", { target: '/ask?q="tea"' }],
  ["the largest service", { service: did(2n ** 256n - 1n) }],
  ["the first service", { service: did(1) }],
  ["a method with a hyphen", { method: "M-SEARCH", body: "-" }],
  ["another id", { id: "pay_7d5d747be160e280504c099d984bcfe0" }],
  ["an id with all kinds of characters", { id: "A~!#$%&'()*+,-./:;<=>?@[]^_`{|}" }],
  ["the level resource", { level: "resource", method: "*", body: "*" }],
  ["the level resource with a query", { level: "resource", method: "*", body: "*", target: "/ask?q=1" }],
];

function buildVector(name, changes) {
  const binding = { ...PLAIN, ...changes };
  const text = canonical(binding);
  const context = viem.keccak256(viem.stringToBytes(text));
  assert.equal(context, ethers.keccak256(ethers.toUtf8Bytes(text)));
  assert.deepEqual(JSON.parse(text), binding);
  return { name, binding, canonical: text, context };
}

// ---------------------------------------------------------------------- targets

const TARGETS = [
  "/", "/ask", "/ask/", "/ask?", "/ask?q=..", "/ask?q=/../", "/ask?q=%2f", "/ask?q=\\", "/a.b", "/.a", "/a..b", "/...", "/%2e%2e%2e",
  "/a;b", "/a%20b", "/a?b#c", "/a#b", "", "ask", "?q=1", "*", "http://host/ask", "//ask", "/a//b", "/a/", "/a//", "/a\\b", "/a%5cb", "/a%5Cb",
  "/a%2fb", "/a%2Fb", "/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b", "/%2e", "/%2E%2e", "/a/.%2e/b", "/a/%2e./b", "/a/..;x/b", "/..;", "/.;/a",
  "/a%00b", "/a?b=%00", "/a\u0000b", "/a?b=\u0000", "/é", "/a?b=é", "/a b", "/a?b= c", "/a\tb", "/a\nb", "/a\rb", "/a\u007fb", "/a?b=\u0080",
  `/${"a".repeat(8191)}`, `/${"a".repeat(8192)}`,
];

function isAccepted(target) {
  if (target.length > 8192 || [...target].some((each) => each <= " " || each > "~" || each === "#")) return false;
  if (/%00/.test(target) || target[0] !== "/") return false;
  const [path] = target.split("?", 1);
  if (path.includes("//") || path.includes("\\") || /%(2f|5c)/i.test(path)) return false;
  const segments = path.split("/").map((segment) => segment.split(";")[0].replace(/%2e/gi, "."));
  return !segments.some((segment) => segment === "." || segment === "..");
}

/** What every browser does with an address. What is accepted has to come through unchanged. */
function isUnchanged(target) {
  const url = new URL(`http://host${target}`);
  return url.pathname + (target.endsWith("?") ? "?" : url.search) === target;
}

const targets = TARGETS.map((target) => ({ target, accepted: isAccepted(target) }));
for (const { target, accepted } of targets) assert.ok(!accepted || isUnchanged(target), target);

const bodies = ["", "{}", "a", "é", "\u0000", "a".repeat(1000)].map((text) => ({ text, digest: text ? sha256(text) : "-" }));

console.log(
  JSON.stringify(
    {
      about: [
        "vectors: each binding, its canonical JSON, and keccak-256 of that text in UTF-8, which is the context of the voucher.",
        "targets: which paths with queries a binding and a gateway accept.",
        "bodies: the digest of each text in UTF-8.",
      ],
      vectors: CASES.map(([name, changes]) => buildVector(name, changes)),
      targets,
      bodies,
    },
    null,
    1,
  ),
);
