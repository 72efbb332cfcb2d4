"""reverts: nodes and client libraries carry revert data in several ways; what only looks like data is none."""

from typing import Any

import pytest
from eth_tester.exceptions import TransactionFailed
from hypothesis import given
from hypothesis import strategies as st
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError

from nvm_chain.chain.reverts import decode_revert, parse_revert_data, parse_rpc_error
from nvm_chain.errors import RevertedWithReason

binaries = st.binary(max_size=200)
NO_HEX: list[object] = [
    "",
    "x",
    "0x1",
    "0xzz",
    "0x 1",
    "deadbeef",
    "Reverted 0x1234",
    "0X12",
    "0x12\n",
    "0x" + "٠" * 2,
    None,
    5,
    True,
    [],
    b"0x12",
]


# ---------------------------------------------------------------------- decode_revert


@pytest.mark.parametrize("padding", ["00" * 12, "41" + "00" * 11, "ff" * 12], ids=["zeros", "FiatToken", "ones"])
def test_decode_revert__of_a_text_with_anything_behind_it__is_the_text(padding: str) -> None:
    """FiatToken v2.2 (solc 0.6.12) leaves the length of a signature, 0x41, behind texts after it has checked one."""
    text = "ERC20: transfer amount exceeds allowance, as tokens say"[:52]
    data = "08c379a0" + f"{32:064x}" + f"{len(text):064x}" + text.encode().hex() + padding
    found = decode_revert(bytes.fromhex(data))
    assert isinstance(found, RevertedWithReason)
    assert found.reason == text


# ---------------------------------------------------------------------- parse_rpc_error


@given(binaries)
def test_parse_rpc_error__with_hex_data__is_its_bytes(data: bytes) -> None:
    text = "0x" + data.hex()
    for error in ({"code": 3, "data": text}, {"data": text.upper().replace("X", "x")}, {"data": {"data": text}}):
        assert parse_rpc_error(error) == data


@pytest.mark.parametrize("data", NO_HEX, ids=repr)
def test_parse_rpc_error__with_data_that_is_no_hex__is_none(data: Any) -> None:
    assert parse_rpc_error({"data": data}) is None
    assert parse_rpc_error({"data": {"data": data}}) is None
    assert parse_rpc_error({"data": {"data": {"data": "0x12"}}}) is None


@pytest.mark.parametrize("error", [None, {}, {"message": "execution reverted"}, [], "0x12", 5], ids=repr)
def test_parse_rpc_error__without_data__is_none(error: Any) -> None:
    assert parse_rpc_error(error) is None


# ---------------------------------------------------------------------- parse_revert_data


@given(binaries)
def test_parse_revert_data__of_hex_in_an_exception__is_its_bytes(data: bytes) -> None:
    assert parse_revert_data(ContractCustomError("x", data="0x" + data.hex())) == data
    assert parse_revert_data(ContractLogicError("x", data={"data": "0x" + data.hex()})) == data


@given(binaries)
def test_parse_revert_data__of_eth_testers_bytes_in_pythons_notation__is_them(data: bytes) -> None:
    assert parse_revert_data(TransactionFailed(str(data))) == data
    assert parse_revert_data(TransactionFailed(f"execution reverted: {data!r}")) == data


@pytest.mark.parametrize("text", ["b'", "b'\\x", "b'' + b''", "b''.x", "b'\0'", "b'x', 5"])
def test_parse_revert_data__of_eth_testers_text_that_is_no_notation__is_none(text: str) -> None:
    assert parse_revert_data(TransactionFailed(text)) is None
    assert parse_revert_data(TransactionFailed(f"execution reverted: {text}")) == b""


@pytest.mark.parametrize("text", ["execution reverted", "Execution REVERTED: no reason", "VM Exception: revert"])
def test_parse_revert_data__of_a_revert_without_data__is_empty(text: str) -> None:
    assert parse_revert_data(ContractLogicError(text)) == b""
    assert parse_revert_data(ContractLogicError(text, data="no data")) == b""


@pytest.mark.parametrize(
    "text",
    [
        *[
            f"{{'code': -32603, 'message': 'EVM error {halt}'}}"
            for halt in (
                "InvalidFEOpcode",
                "OpcodeNotFound",
                "InvalidJump",
                "OutOfGas",
                "MemoryOOG",
                "InvalidOperandOOG",
                "OutOfOffset",
                "StackUnderflow",
                "StackOverflow",
                "StateChangeDuringStaticCall",
            )
        ],
        "invalid opcode: INVALID",
        "invalid jump destination",
        "stack underflow (0 <=> 1)",
        "stack limit reached 1024 (1023)",
        "out of gas",
        "gas uint64 overflow",
        "return data out of bounds",
        "write protection",
        "max call depth exceeded",
        "Wanted 1 stack item, had none",
        "Stack limit reached.",
        "Return data length is not sufficient to satisfy request",
        "VM execution error. Bad instruction fe",
    ],
)
def test_parse_revert_data__of_a_contract_that_halted__is_empty(text: str) -> None:
    assert parse_revert_data(Web3RPCError(text)) == b""


@pytest.mark.parametrize(
    "text", ["execution reverted: b'", "execution reverted: b'\\x7b'", 'reverted: b"', "revert " * 9999]
)
def test_parse_revert_data__of_a_text_that_a_contract_chose__is_no_data(text: str) -> None:
    assert parse_revert_data(ContractLogicError(text)) == b""


@pytest.mark.parametrize(
    "error",
    [
        Web3RPCError("nonce too low"),
        Exception(),
        Exception("b'"),
        Exception("gas price too low"),
        ValueError(5),
        Web3RPCError("EVM error FatalExternalError"),
        Web3RPCError("EVM error: failed to get storage: HTTP error 429 Too Many Requests"),
        Web3RPCError("rate limit exceeded"),
    ],
)
def test_parse_revert_data__of_anything_else__is_none(error: Exception) -> None:
    assert parse_revert_data(error) is None
