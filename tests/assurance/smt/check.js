// Runs the compiler's model checker over the files of this folder, with z3 as solver, and writes what it found as JSON.
//
//     node tests/assurance/smt/check.js path/to/z3 Prices.sol [Distances.sol ...]
//
// One object per file: what was proved (how many assertions), and each assertion that was refuted or could not be decided.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const root = path.resolve(__dirname, '..', '..', '..');
const solc = require(path.join(root, 'node_modules', 'solc'));
const SECONDS = 20;

function solve(z3, query) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'smt-'));
  const file = path.join(folder, 'query.smt2');
  fs.writeFileSync(file, query);
  try {
    return { contents: execFileSync(z3, [`-T:${SECONDS}`, file], { encoding: 'utf8', stdio: 'pipe' }) };
  } catch (failure) {
    // z3 ends with an error code where there is no model to print, and has answered all the same.
    return { contents: String(failure.stdout || 'unknown\n') };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function check(z3, name) {
  const source = `tests/assurance/smt/${name}`;
  const contract = `${path.basename(name, '.sol')}Claims`;
  const input = {
    language: 'Solidity',
    sources: { [source]: { content: fs.readFileSync(path.join(root, source), 'utf8') } },
    settings: {
      evmVersion: 'cancun',
      remappings: [
        '@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/',
        'solady/=node_modules/solady/src/',
      ],
      outputSelection: { '*': { '*': [] } },
      modelChecker: {
        contracts: { [source]: [contract] },
        engine: 'bmc',
        solvers: ['smtlib2'],
        targets: ['assert'],
        showProvedSafe: true,
        showUnproved: true,
        showUnsupported: true,
      },
    },
  };
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (file) => ({ contents: fs.readFileSync(path.join(root, file), 'utf8') }),
      smtSolver: (query) => solve(z3, query),
    }),
  );
  const messages = (output.errors || []).map((error) => ({
    code: error.errorCode,
    severity: error.severity,
    line: error.sourceLocation && error.sourceLocation.start >= 0
      ? fs.readFileSync(path.join(root, error.sourceLocation.file), 'utf8').slice(0, error.sourceLocation.start).split('\n').length
      : 0,
    message: error.message,
  }));
  return { source, messages };
}

const [z3, ...names] = process.argv.slice(2);
process.stdout.write(JSON.stringify(names.map((name) => check(z3, name)), null, 1) + '\n');
