"""Runs inside the environment of slither: reads what the compiler answered, writes what slither finds and prints of it as JSON.

    .venv-slither/bin/python -P slither_program.py ANSWER COMPILER OUTPUT

Used as a library, slither looks for no other project around it, and reads the contracts once for detectors and printers.
"""

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from crytic_compile import CryticCompile  # type: ignore[import-not-found]
from crytic_compile.platform import solc_standard_json  # type: ignore[import-not-found]
from slither import Slither  # type: ignore[import-not-found]
from slither.detectors import all_detectors  # type: ignore[import-not-found]
from slither.detectors.abstract_detector import AbstractDetector  # type: ignore[import-not-found]
from slither.printers import all_printers  # type: ignore[import-not-found]

PRINTERS = ("PrinterWrittenVariablesAndAuthorization", "PrinterEntryPoints", "VariableOrder")


NO_CODE = {"object": "", "sourceMap": ""}


def main(compiled: Path, compiler: str, output: Path) -> None:
    """Run every detector and the three printers."""
    answer = json.loads(compiled.read_text("utf-8"))
    for contracts in answer["contracts"].values():
        for contract in contracts.values():
            contract["evm"] = {"bytecode": NO_CODE, "deployedBytecode": NO_CODE}
    solc_standard_json.run_solc_standard_json = lambda *args, **kwargs: answer
    slither = Slither(CryticCompile(solc_standard_json.SolcStandardJson({"language": "Solidity"}), solc=compiler))
    for _, kind in inspect.getmembers(all_detectors, inspect.isclass):
        if issubclass(kind, AbstractDetector) and kind is not AbstractDetector:
            slither.register_detector(kind)
    findings = [finding for results in slither.run_detectors() for finding in results]
    for name in PRINTERS:
        slither.register_printer(getattr(all_printers, name))
    printed = {result["printer"]: result for result in (_data(output) for output in slither.run_printers())}
    result = {
        "detectors": sorted(detector.ARGUMENT for detector in slither.detectors),
        "findings": findings,
        "printed": printed,
        # in the order of the rows of vars-and-auth
        "functions": {contract.name: [_describe(one) for one in contract.functions] for contract in slither.contracts},
    }
    output.write_text(json.dumps(result), "utf-8")


def _data(output: Any) -> dict[str, Any]:
    data: dict[str, Any] = output if isinstance(output, dict) else output.data
    return data


def _describe(function: Any) -> dict[str, Any]:
    return {
        "name": function.canonical_name,
        "is_entry_point": function.is_implemented and function.visibility in ("public", "external"),
        "is_ours": function.source_mapping.filename.short.startswith("contracts/"),
        "is_reachable": function.is_implemented and not function.is_shadowed,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
