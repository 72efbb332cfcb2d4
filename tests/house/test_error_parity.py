"""Errors are data: each class has its two templates; each error of the contracts has its class, and a revert becomes it at once."""

import copy
import pickle
import re
import time
import traceback
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain import errors
from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.chain.reverts import decode_revert, error_name
from nvm_chain.errors import (
    CONTRACT_ERRORS,
    ContractError,
    NvmChainError,
    Panicked,
    RevertedWithoutReason,
    RevertedWithReason,
    TransactionError,
    list_errors,
)
from nvm_chain.errors.base import HELP
from nvm_chain.errors.templates import read_slots
from tests.support.shell import run_cli

CONTRACTS: tuple[ContractName, ...] = ("Credits", "AgentRegistry")
ENTRIES = [entry for name in CONTRACTS for entry in read_artifact(name).abi if entry["type"] == "error"]
ERRORS = {entry["name"]: entry for entry in ENTRIES}
ERROR_STRING = keccak(text="Error(string)")[:4]
PANIC = keccak(text="Panic(uint256)")[:4]

NEXT_STEPS = re.compile(
    r"^(Approve|Ask|Build|Charge|Check|Compare|Configure|Copy|Correct|Deploy|Do|Give|If|Install|Let|Look|Make|Nothing|Open|Order|Pay|Raise"
    r"|Read|Redeem|Refuse|Remove|Report|Run|Send|Set|Sign|Try|Use|Wait|Write) |^\{advice\}\.$"
)
"""What a next step begins with: what to do."""
UNTOLD = {
    "AuthorizationFailed": {"token"},
    "InsufficientFunds": {"token"},
    "InsufficientAllowance": {"token"},
    "PaymentFailed": {"token"},
    "BindingMismatch": {"binding", "next_ceiling"},
    "PaymentMalformed": {"code"},
    "TooManyOpenRequests": {"next_ceiling"},
    "WindowClosed": {"next_ceiling"},
    "AccessOpening": {"next_ceiling"},
    "AccessNotOpened": {"next_ceiling"},
    "PeriodsNotStated": {"next_ceiling"},
    "OnlyHolderOpens": {"next_ceiling"},
    "TooManyRequests": {"next_ceiling"},
    "HolderCannotPay": {"next_ceiling"},
    "HolderNotSettled": {"next_ceiling"},
    "QuotaReached": {"next_ceiling"},
    "TooManyReleases": {"next_ceiling"},
    "TooManyPayments": {"next_ceiling"},
}
"""The token is told by the amount, in whole units or with the token's address. A ceiling would not help the last nine, and a binding is for programs."""
CLASSES = {error.__name__: error for error in list_errors()}
FAMILIES = [
    name
    for name, item in vars(errors).items()
    if isinstance(item, type) and issubclass(item, NvmChainError) and not item.problem
]
"""The classes that others come from, and that are never raised."""


def types_of(name: str) -> list[str]:
    return [item["type"] for item in ERRORS[name]["inputs"]]


def selector_of(name: str) -> bytes:
    return keccak(text=f"{name}({','.join(types_of(name))})")[:4]


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def sample(kind: str, position: int) -> Any:
    """Return a value of an ABI type that no other position has."""
    if kind == "address":
        return to_checksum_address((0xABCDEF << 136 | position).to_bytes(20, "big"))
    if kind == "bytes32":
        return b"words %d" % position + bytes(25)
    return position % 3 if kind == "uint8" else 1000 + position


def build(name: str) -> ContractError:
    return CONTRACT_ERRORS[name](*[sample(kind, i) for i, kind in enumerate(types_of(name))])


# ---------------------------------------------------------------------- the templates


def test_list_errors__of_all_rooms__has_each_class_once() -> None:
    assert len(CLASSES) == len(list_errors())
    assert set(CONTRACT_ERRORS) < set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_error__templates__are_a_problem_and_a_next_step(name: str) -> None:
    error = CLASSES[name]
    for template in (error.problem, error.next_step):
        assert template.endswith(".")
        assert not template.endswith("..")
        assert " is no " not in template
        assert template.count("`") % 2 == 0
        assert set(read_slots(template)) <= set(error.field_names)
    assert NEXT_STEPS.search(error.next_step), error.next_step


@pytest.mark.parametrize("name", CLASSES)
def test_error__fields__are_all_told_in_its_templates(name: str) -> None:
    """A field that no template shows is for programs; there are few, and each is known here."""
    error = CLASSES[name]
    told = set(read_slots(error.problem + error.next_step))
    assert set(error.field_names) - told <= UNTOLD.get(name, set())


@pytest.mark.parametrize("name", CLASSES)
def test_error__documentation__says_when_it_is_raised_and_has_an_anchor(name: str) -> None:
    assert (CLASSES[name].__doc__ or "").startswith("Raised ")
    assert CLASSES[name].anchor == name.lower()


@pytest.mark.parametrize("name", [*CLASSES, *FAMILIES])
def test_error__link__is_a_command_that_says_what_it_means(name: str) -> None:
    error = getattr(errors, name)
    program, *words = error.link.split()
    assert (program, error.link) == ("nvm-chain", f"{HELP} {name}")
    ran = run_cli(*words)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith(name)
    assert not error.field_names or f"Fields: {', '.join(error.field_names)}" in " ".join(ran.stdout.split())


def test_error__of_a_class_of_somebody_else__links_to_its_base() -> None:
    class Theirs(errors.InvalidConfig):
        """Raised by a program that uses this package."""

    assert Theirs.link == errors.InvalidConfig.link


def test_error__in_a_traceback__says_where_it_is_described() -> None:
    lines = traceback.format_exception_only(errors.NoDeployment(1))
    assert lines[-1] == "See `nvm-chain help errors NoDeployment`.\n"


# ---------------------------------------------------------------------- the classes


def test_contract_errors__and_abis__have_the_same_names() -> None:
    assert sorted(CONTRACT_ERRORS) == sorted(ERRORS)
    assert len(set(CONTRACT_ERRORS.values())) == len(ERRORS)


def test_contract_errors__in_two_abis__are_the_same() -> None:
    """There is one Python class per name."""
    assert [entry["name"] for entry in ENTRIES if entry["inputs"] != ERRORS[entry["name"]]["inputs"]] == []


def test_contract_errors__in_the_abi__are_no_types_but_integers_addresses_words_and_kinds() -> None:
    assert {kind for name in ERRORS for kind in types_of(name)} == {"uint256", "address", "bytes32", "uint8"}
    enums = [item["internalType"] for name in ERRORS for item in ERRORS[name]["inputs"] if item["type"] == "uint8"]
    assert set(enums) == {"enum PlanKind"}


@pytest.mark.parametrize("name", ERRORS)
def test_contract_error__fields__are_those_of_the_abi_in_snake_case(name: str) -> None:
    expected = [snake_case(item["name"]) for item in ERRORS[name]["inputs"]]
    assert list(CONTRACT_ERRORS[name].field_names) == expected
    assert (CONTRACT_ERRORS[name].__doc__ or "").startswith("Raised ")


@pytest.mark.parametrize("name", ERRORS)
def test_contract_error__message__is_sentences_that_name_the_next_step(name: str) -> None:
    text = str(build(name))
    assert text[0].isupper() or text.startswith(("0x", "1"))
    assert text == f"{build(name).problem} {build(name).next_step}"


@pytest.mark.parametrize("name", ERRORS)
def test_contract_error__copied_or_pickled__stays_the_same(name: str) -> None:
    error = build(name)
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert twin.args == error.args
        assert str(twin) == str(error)


# ---------------------------------------------------------------------- decoding


@pytest.mark.parametrize("name", ERRORS)
def test_decode_revert__of_each_error__gives_its_class_and_arguments(name: str) -> None:
    error = build(name)
    decoded = decode_revert(selector_of(name) + encode(types_of(name), list(error.args)))
    assert type(decoded) is CONTRACT_ERRORS[name]
    assert decoded.args == error.args
    assert error_name(selector_of(name)) == name


@given(
    st.integers(0, 2**256 - 1),
    st.binary(min_size=20, max_size=20),
    st.lists(st.integers(0, 2**256 - 1), min_size=2, max_size=2),
)
def test_decode_revert__of_any_arguments__keeps_them(plan_id: int, holder: bytes, numbers: list[int]) -> None:
    arguments = (plan_id, to_checksum_address(holder), *numbers)
    data = selector_of("InsufficientCredits") + encode(types_of("InsufficientCredits"), arguments)
    assert decode_revert(data).args == arguments


def test_decode_revert__of_text_and_panic__gives_them() -> None:
    text = decode_revert(ERROR_STRING + encode(["string"], ["ERC20: no"]))
    panic = decode_revert(PANIC + encode(["uint256"], [0x11]))
    assert (type(text), text.args) == (RevertedWithReason, ("ERC20: no",))
    assert (type(panic), panic.args) == (Panicked, (0x11,))


@pytest.mark.parametrize("data", [b"", b"\0" * 4, b"\x08\xc3\x79", bytes.fromhex("deadbeef") + b"\1" * 64])
def test_decode_revert__of_data_that_nobody_knows__keeps_it(data: bytes) -> None:
    error = decode_revert(data)
    assert (type(error), error.args) == (RevertedWithoutReason, ("0x" + data.hex(),))


def test_error_name__of_unknown_selector__is_none() -> None:
    assert error_name(bytes.fromhex("deadbeef")) is None


# ---------------------------------------------------------------------- hostile data

WORD = 32
MANY = 2**256 - 1


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(WORD, "big") for number in numbers)


HOSTILE_TEXTS = {
    "offset beyond everything": words(MANY),
    "offset to itself": words(0),
    "offset before the text": words(WORD, MANY),
    "length of two to the 63": words(WORD, 2**63),
    "length that overflows with its offset": words(WORD, MANY - 31),
    "no text behind the length": words(WORD, 5),
    "no UTF-8": words(WORD, 4) + b"\xff\xfe\xfd\xfc".ljust(WORD, b"\0"),
    "half a surrogate": words(WORD, 3) + b"\xed\xa0\x80".ljust(WORD, b"\0"),
    "a megabyte of ones": b"\xff" * 1_000_000,
    "a text of a megabyte": words(WORD, 1_000_000) + b"a" * 1_000_000,
    "padding that is not zero": words(WORD, 1) + b"a" * WORD,
    "half a word": b"\0" * 16,
}


def decode_quickly(data: bytes) -> TransactionError:
    """Decode, and insist that both that and the message come to an end. The limit is far above what a slow machine needs."""
    started = time.process_time()
    error = decode_revert(data)
    text = str(error)
    assert time.process_time() - started < 60
    assert len(text) < 1000
    return error


@pytest.mark.parametrize("payload", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
@pytest.mark.parametrize(
    "selector", [ERROR_STRING, PANIC, selector_of("InvalidSplit"), selector_of("ZeroCredits")], ids=bytes.hex
)
def test_decode_revert__of_hostile_data__gives_a_typed_error_at_once(selector: bytes, payload: bytes) -> None:
    assert isinstance(decode_quickly(selector + payload), NvmChainError)


@pytest.mark.parametrize("name", [name for name in ERRORS if types_of(name)])
@pytest.mark.parametrize("missing", [1, 31, 32])
def test_decode_revert__of_truncated_arguments__keeps_the_data(name: str, missing: int) -> None:
    data = (selector_of(name) + encode(types_of(name), list(build(name).args)))[:-missing]
    error = decode_quickly(data)
    assert (type(error), error.args) == (RevertedWithoutReason, ("0x" + data.hex(),))


def test_decode_revert__of_an_address_with_dirty_upper_bytes__keeps_the_data() -> None:
    data = selector_of("TokenWithoutCode") + b"\xff" * WORD
    assert decode_quickly(data).args == ("0x" + data.hex(),)


@given(st.sampled_from([ERROR_STRING, PANIC, *map(selector_of, ERRORS)]), st.binary(max_size=300))
def test_decode_revert__of_anything_behind_a_known_selector__never_raises(selector: bytes, payload: bytes) -> None:
    assert isinstance(decode_quickly(selector + payload), TransactionError)


@given(st.binary(max_size=300))
def test_decode_revert__of_anything__never_raises(data: bytes) -> None:
    assert isinstance(decode_quickly(data), TransactionError)
