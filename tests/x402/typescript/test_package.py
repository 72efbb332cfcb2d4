"""Our TypeScript package as npm packs it: what is in it, its own tests, and programs that import it."""

import json

from tests.x402.typescript.workspace import Workspace, run_npm

ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
"""The address of the key in the program, which consists of elevens."""


def test_package__as_packed__holds_what_a_buyer_needs_and_nothing_else(workspace: Workspace) -> None:
    installed = workspace.folder / "node_modules" / "@nvm-chain" / "x402"
    files = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    sources = {path.stem for path in (workspace.source / "src").glob("*.ts")}
    built = {f"dist/{name}{suffix}" for name in sources for suffix in (".js", ".d.ts")}
    assert files == built | {"LICENSE", "README.md", "package.json"}
    described = json.loads((installed / "package.json").read_text("utf-8"))
    assert "dependencies" not in described
    assert described["license"] == "Apache-2.0"
    assert set(described["peerDependencies"]) == {"@x402/core", "viem"}


def test_package__its_own_tests__pass(workspace: Workspace) -> None:
    printed = run_npm(workspace.source, "test", "--silent")
    assert "# fail 0" in printed
    assert int(printed.split("# pass ")[1].split()[0]) > 30


def test_package__in_plain_javascript__is_imported(workspace: Workspace) -> None:
    program = 'import("@nvm-chain/x402").then(({ Payer }) => console.log(typeof Payer))'
    done = workspace.call(["node", "--input-type=module", "--eval", program])
    assert (done.returncode, done.stdout.strip()) == (0, "function"), done.stderr


def test_package__in_a_strict_typescript_program__compiles_and_runs(workspace: Workspace) -> None:
    compiled = workspace.call(["node_modules/.bin/tsc", "-p", "tsconfig.json"])
    assert compiled.returncode == 0, compiled.stdout
    done = workspace.call(["node", "compiled/consumer.mjs"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"holder": ADDRESS, "other": ADDRESS, "text": "it is a test", "paid": "function"}
    assert not (workspace.folder / "never-written.json").exists()
