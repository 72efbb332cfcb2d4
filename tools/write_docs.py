"""Write the error tables of docs/ from the contracts' NatSpec and from the errors of the package.

Between `<!-- errors:order -->` and `<!-- /errors -->` goes what a function of Credits reverts with, and with
`AgentRegistry.` before its name one of AgentRegistry; between `<!-- raises:order_plan -->` and `<!-- /raises -->` what a
Python function raises besides. `make docs` runs this.
"""

import re
from inspect import getdoc
from pathlib import Path
from typing import Final

from eth_utils.abi import collapse_if_tuple

import nvm_chain
from nvm_chain import errors
from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.errors import CONTRACT_ERRORS, NvmChainError
from nvm_chain.errors.templates import show_template

DOCS: Final = Path(__file__).parent.parent / "docs"
MARKED: Final = re.compile(r"<!-- (errors|raises):([\w.]+) -->\n(.*?)<!-- /\1 -->", re.DOTALL)
CLAUSE: Final = re.compile(
    r"Reverts(?: with (?P<names>.*?)(?: (?P<when>(?:if|for) .*?))?)?(?:,? (?:and )?as \{(?P<other>\w+)\} does)?\."
)

_NOT_OWNER: Final = {"OwnableUnauthorizedAccount": "if the caller is not the contract's owner"}
_TRANSFER: Final = {
    "ERC1155MissingApprovalForAll": "if the caller is neither the holder nor an operator of theirs",
    "ERC1155InvalidReceiver": "if the receiver is zero or a contract that does not accept the credits",
    "UnknownPlan": "if there is no such plan",
    "NotTransferable": "if the plan's credits are not transferable",
    "InsufficientCredits": "if the holder has too few credits",
    "CreditsOverflow": "if the receiver's account would overflow",
}
_NO_AGENT: Final = {"ERC721NonexistentToken": "if there is no such agent"}
_MOVE: Final = {
    **_NO_AGENT,
    "ERC721InsufficientApproval": "if the caller is neither the agent's owner nor approved by them",
    "ERC721IncorrectOwner": "if the agent is not that of `from`",
}
STANDARD: Final = {
    "acceptOwnership": {"OwnableUnauthorizedAccount": "if the contract was not offered to the caller"},
    "renounceOwnership": _NOT_OWNER,
    "safeBatchTransferFrom": {**_TRANSFER, "ERC1155InvalidArrayLength": "if the lists differ in length"},
    "safeTransferFrom": _TRANSFER,
    "setApprovalForAll": {"ERC1155InvalidOperator": "if the operator is zero"},
    "setProtocolFee": _NOT_OWNER,
    "transferOwnership": _NOT_OWNER,
    "AgentRegistry.approve": {
        **_NO_AGENT,
        "ERC721InvalidApprover": "if the caller is neither the agent's owner nor an operator of theirs",
    },
    "AgentRegistry.safeTransferFrom": {
        "ERC721InvalidReceiver": "if the receiver is zero or a contract that does not accept ERC-721 tokens",
        **_MOVE,
    },
    "AgentRegistry.setApprovalForAll": {"ERC721InvalidOperator": "if the operator is zero"},
    "AgentRegistry.transferFrom": {"ERC721InvalidReceiver": "if the receiver is zero", **_MOVE},
}
"""Errors of inherited OpenZeppelin functions. OpenZeppelin documents them in prose."""

_NO_PLAN: Final = {"UnknownPlan": "if there is no such plan"}
SAID_ONCE: Final = {
    "AgentRegistry.attachPlan": {**_NO_AGENT, **_NO_PLAN},
    "AgentRegistry.detachPlan": _NO_AGENT,
    "AgentRegistry.register": _NO_PLAN,
    "AgentRegistry.replacePlans": {**_NO_AGENT, **_NO_PLAN},
    "AgentRegistry.setAgentUri": _NO_AGENT,
}
"""Errors at the head of IAgentRegistry, which hold for all of its functions."""


def split_name(function: str) -> tuple[ContractName, str]:
    """Return the contract and the function of a name. The default contract is Credits."""
    home, _, name = function.rpartition(".")
    if home not in ("", "AgentRegistry"):
        raise ValueError(f"{function}: only AgentRegistry can stand before a function's name")
    return ("AgentRegistry" if home else "Credits"), name


def read_details(contract_name: ContractName) -> dict[str, str]:
    """Return the developer documentation of every function of a contract, by name."""
    contract = read_artifact(contract_name)
    documented = contract.natspec["dev"]["methods"]
    details = {}
    for entry in contract.abi:
        if entry["type"] == "function":
            types = ",".join(collapse_if_tuple(item) for item in entry["inputs"])
            details[entry["name"]] = documented.get(f"{entry['name']}({types})", {}).get("details", "")
    return details


def read_reverts(function: str) -> dict[str, str]:
    """Return the errors of a contract function with their conditions, in the order of its documentation."""
    contract, name = split_name(function)
    reverts = {**STANDARD.get(function, {}), **SAID_ONCE.get(function, {})}
    for clause in re.split(r"(?<=\.) (?=Reverts )", read_details(contract)[name]):
        if not clause.startswith("Reverts ") or clause.startswith("Reverts without data "):
            continue
        found = CLAUSE.fullmatch(clause)
        if found is None:
            raise ValueError(f"{function}: cannot read {clause!r}")
        others = read_reverts(function.removesuffix(name) + found["other"]) if found["other"] else {}
        names = re.findall(r"\w{4,}", found["names"] or "")
        if found["when"]:
            reverts |= {name: re.sub(r"\{(\w+)\}", r"`\1`", found["when"]) for name in names}
        else:
            others = {name: others[name] for name in names} if names else others
        reverts |= others
    return reverts


def format_reverts(function: str) -> str:
    """Return the table of a contract function's errors."""
    entries = (*read_artifact("Credits").abi, *read_artifact("AgentRegistry").abi)
    inputs = {entry["name"]: entry["inputs"] for entry in entries if entry["type"] == "error"}
    lines = ["| error | reverts | what to do |", "|---|---|---|"]
    for name, when in read_reverts(function).items():
        arguments = ", ".join(item["name"] for item in inputs[name])
        lines.append(f"| `{name}({arguments})` | {when} | {show_template(CONTRACT_ERRORS[name].next_step)} |")
    return "\n".join(lines) + "\n"


def read_raises(function: str) -> dict[str, str]:
    """Return the own errors of a Python function with their conditions, from its docstring."""
    text = (getdoc(getattr(nvm_chain, function)) or "").partition("Raises")[2]
    raises: dict[str, str] = {}
    for other, name in re.findall(r"\b[Aa]s `(?:nvm_chain\.)?(\w+)`|\b(\w+)\b", text):
        error = getattr(errors, name, None)
        if other and hasattr(nvm_chain, other):
            raises |= read_raises(other)
        elif (
            isinstance(error, type)
            and issubclass(error, NvmChainError)
            and name not in {*CONTRACT_ERRORS, "NvmChainError"}
        ):
            raises[name] = (getdoc(error) or "").partition("\n")[0].removeprefix("Raised ").replace("``", "`")
    return raises


def format_raises(function: str) -> str:
    """Return the table of a Python function's own errors."""
    lines = ["| Python error | raised |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in read_raises(function).items()]
    return "\n".join(lines) + "\n"


def write_tables(text: str) -> str:
    """Return a page with current tables."""

    def write(found: re.Match[str]) -> str:
        kind, function = found[1], found[2]
        table = format_reverts(function) if kind == "errors" else format_raises(function)
        return f"<!-- {kind}:{function} -->\n{table}<!-- /{kind} -->"

    return MARKED.sub(write, text)


def main() -> None:
    """Write every page with outdated tables, and print its name."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text("utf-8")
        if (fresh := write_tables(text)) != text:
            path.write_text(fresh, "utf-8")
            print(f"wrote {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
