// Speaks the part of solc's command line that py-solc-x uses, on top of the compiler that npm's `solc` package carries.
//   solc.js --version
//   solc.js --standard-json [--base-path DIR] [--include-path DIR] < input.json > output.json
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

/** The folder that follows a flag, if the flag is there. */
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

process.stdout.write(solc.compile(fs.readFileSync(0, "utf8"), { import: readSource }) + "\n");
