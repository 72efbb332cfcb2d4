// What npm's path-to-regexp answers: `node tests/vectors/endpoints.mjs > tests/vectors/endpoints.json`. Another seed and count
// as arguments make other random cases.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { match } from "path-to-regexp";

const [seed = "1", count = "500"] = process.argv.slice(2);
let state = Number(seed);

// Math.random has no seed; this is mulberry32.
function random(limit) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % limit;
}
const pick = (list) => list[random(list.length)];
const many = (most, make) => Array.from({ length: random(most + 1) }, make).join("");

const TEXTS = ["/", "/", "/a", "a", "b", "-", ".", "A", "/b/", "-a", "é", "\\:", "ab"];
const NAMES = [":x", ":y", ":z", ":x1", ':"q r"', "*w", "*v", "*x"];
function randomPattern(depth = 0) {
  const part = () => {
    const kind = random(10);
    if (kind < 5) return pick(TEXTS);
    if (kind < 9 || depth > 2) return pick(NAMES);
    return `{${randomPattern(depth + 1)}}`;
  };
  return (depth ? "" : "/") + many(depth ? 4 : 7, part);
}
const randomPath = () => "/" + many(9, () => pick(["/", "/", "a", "b", "-", ".", "A", "B", "é", "É", ":", "ab"]));

// A path that the pattern may match: its text, with something in place of the names.
const fill = (pattern) =>
  pattern
    .replace(/[:*]("[^"]*"|\w+)/g, () => pick(["a", "b", "a-b", "a.b", "a/b", "-", "x"]))
    .replace(/[{}\\]/g, "")
    .replace(/a/g, () => pick(["a", "A"]));

function answer(pattern, path) {
  let matches;
  try {
    matches = match(pattern);
  } catch {
    return "error";
  }
  const found = matches(path);
  return found ? { ...found.params } : null;
}

const PATTERNS = {
  "/api/v1/agents/:agentId/tasks": ["/api/v1/agents/7/tasks", "/API/v1/agents/7/Tasks/", "/api/v1/agents//tasks", "/api/v1/agents/7/8/tasks", "/api/v1/agents/7/tasks//"],
  "/api/v1/agents/:agentId/tasks/invoke": ["/api/v1/agents/7/tasks/invoke", "/api/v1/agents/7/tasks"],
  "/": ["/", "", "//", "/a"],
  "": ["/", "", "//", "a"],
  "/a/": ["/a", "/a/", "/a//"],
  "/files/*path": ["/files/a", "/files/a/b.txt", "/files/", "/files", "/files/a/"],
  "/*path.json": ["/a.json", "/a/b.json.json", "/.json", "/a.JSON/"],
  "/:file.:ext": ["/a.b", "/a.b.c", "/.a", "/a."],
  "/:a-:b-:c": ["/1-2-3", "/1-2-3-4", "/--3", "/1--3"],
  "/users{/:id}/delete": ["/users/delete", "/users/1/delete", "/users//delete"],
  "/{a}{b}{c}": ["/", "/a", "/b", "/abc", "/cb"],
  "/{a{b{c}}}": ["/", "/a", "/ab", "/abc", "/b"],
  "/*a/x/*b": ["/1/x/2", "/1/x/x/2", "/x/x/x/x", "/1/2/x/3/x/4"],
  "/*a-:b": ["/1-2", "/1/2-3", "/1-2-3", "/1-"],
  '/:"with space"/:$dollar/:ünï': ["/1/2/3"],
  "/\\:a\\*\\{\\}\\(\\)\\[\\]\\+\\?\\!\\\\": ["/:a*{}()[]+?!\\"],
  "/caf\u00e9": ["/CAF\u00c9", "/cafe"],
  "/k": ["/\u212a", "/K"],
  "/ß": ["/SS", "/ẞ", "/ß"],
  "/ǆ": ["/ǅ", "/Ǆ"],
  "/:x/:x": ["/1/2"],
};
const REFUSED = ["/:", "/*", "/:1", "/(a)", "/a?", "/a+", "/[a]", "/a!", "/{a", "/a}", "/{a:}", "/\\", '/:"', '/:""', '/:"a', '/:"a\\', "/:a:b", "/:a*b", "/*a*b", "/*a:b", "/{:a}:b", "/:a{:b}", "/{a}{b}{c}{d}{e}{f}{g}{h}{i}", "/(.*)", "/:id(\\d+)", "/a*", "/{*a}*b"];

const cases = [];
const add = (pattern, path) => cases.push([pattern, path, answer(pattern, path)]);
for (const [pattern, paths] of Object.entries(PATTERNS)) for (const path of paths) add(pattern, path);
for (const pattern of REFUSED) add(pattern, "/a");
for (let i = 0; i < Number(count); i++) {
  const pattern = randomPattern();
  add(pattern, random(2) ? fill(pattern) : randomPath());
}
const home = fileURLToPath(import.meta.resolve("path-to-regexp")).replace(/dist.*/, "package.json");
const rows = cases.map((each) => "  " + JSON.stringify(each)).join(",\n");
const version = JSON.parse(readFileSync(home)).version;
console.log(`{\n "path-to-regexp": "${version}",\n "cases": [\n${rows}\n ]\n}`);
