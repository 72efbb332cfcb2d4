// A compiler that stays loaded: one JSON request a line on standard input, one JSON answer a line on standard output.
//   {"files": {PATH: SOURCE}, "target": [PATH, CONTRACT], "settings": {...}, "trees": [PATH, ...]}
// Sources that a request does not bring are read once from the folder given as the argument.
"use strict";

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const root = path.resolve(process.argv[2]);
const solc = require(path.join(root, "node_modules", "solc"));

const known = new Map();

/** Read a source below the root, once. */
function readSource(name) {
  if (!known.has(name)) {
    const file = path.resolve(root, name);
    const found = file.startsWith(root + path.sep) && fs.existsSync(file);
    known.set(name, found ? { contents: fs.readFileSync(file, "utf8") } : { error: `${name} is not below ${root}` });
  }
  return known.get(name);
}

/** Compile one contract and answer with its code, or read files and answer with their trees, or with the first error. */
function answer({ files, target: [file, contract], settings, trees }) {
  const sources = {};
  for (const [name, content] of Object.entries(files)) sources[name] = { content };
  sources[file] ??= { content: readSource(file).contents };
  const code = ["evm.bytecode.object", "evm.deployedBytecode.object"];
  const outputSelection = trees.length > 0 ? {} : { [file]: { [contract]: code } };
  for (const name of trees) outputSelection[name] = { "": ["ast"] };
  const input = { language: "Solidity", sources, settings: { ...settings, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: readSource }));
  const error = (output.errors ?? []).find((each) => each.severity === "error");
  if (error) return { error: error.formattedMessage };
  if (trees.length > 0) return { trees: Object.fromEntries(trees.map((name) => [name, output.sources[name].ast])) };
  const { evm } = output.contracts[file][contract];
  return { creation: evm.bytecode.object, runtime: evm.deployedBytecode.object };
}

// Who asked may be gone before the answer.
process.stdout.on("error", () => process.exit(0));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
});
