// Speaks the part of solc's command line that py-solc-x and the analysers use, on top of npm's `solc` (solc as WebAssembly).
//   solc.js --version
//   solc.js --standard-json [--base-path DIR] [--include-path DIR]... < input.json > output.json
"use strict";

const fs = require("fs");
const path = require("path");
const solc = require("solc");

const args = process.argv.slice(2);

if (args.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
  process.exit(0);
}
if (!args.includes("--standard-json")) {
  process.stderr.write("tools/solc.js answers --version and --standard-json only\n");
  process.exit(2);
}

/** The folders that follow a flag. */
function folders(flag) {
  return args.flatMap((arg, i) => (arg === flag ? [path.resolve(args[i + 1])] : []));
}

const roots = [...folders("--base-path"), ...folders("--include-path")];

/** Read a source for the compiler from below the base path or an include path, and from nowhere else. */
function readSource(name) {
  for (const root of roots) {
    const file = path.resolve(root, name.replace(/^file:\/\//, ""));
    if (file.startsWith(root + path.sep) && fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
  }
  return { error: `${name} is not below ${roots.join(" or ")}` };
}

/** Built-ins have negative ids in the AST. WebAssembly prints them as 32-bit unsigned numbers, which some readers refuse. */
function nativeIds(key, value) {
  const signed = (id) => (id > 0x7fffffff ? id - 0x100000000 : id);
  if (key === "referencedDeclaration" && typeof value === "number") return signed(value);
  if (key === "overloadedDeclarations" && Array.isArray(value)) return value.map(signed);
  return value;
}

const output = solc.compile(fs.readFileSync(0, "utf8"), { import: readSource });
process.stdout.write(JSON.stringify(JSON.parse(output, nativeIds)) + "\n");
