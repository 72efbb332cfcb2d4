// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Settlement, SettlementResult} from "../../../../contracts/credits/ICredits.sol";
import {Checks} from "../support/Checks.sol";
import {Vm, vm} from "../support/Vm.sol";
import {ISettlementData, SettlementByAssembly, SettlementCalldataTwin, SettlementTwin} from "./SettlementTwin.sol";

/// @notice Our only assembly does what plain Solidity does, on what is encoded right and on what is not (I4).
contract SettlementDataTest is Checks {
    address private byAssembly = address(new SettlementByAssembly());
    address private twin = address(new SettlementTwin());
    address private calldataTwin = address(new SettlementCalldataTwin());

    function _items(uint256 seed, uint256 count) private pure returns (Settlement[] memory items) {
        items = new Settlement[](count);
        for (uint256 i; i < count; ++i) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            Settlement memory item = items[i];
            item.holder = address(uint160(roll));
            (item.total, item.ceiling, item.deadline) = (uint64(roll >> 160), uint64(roll >> 192), uint64(roll >> 96));
            item.context = bytes32(roll);
            item.signature = new bytes(roll % 7 == 0 ? 0 : roll % 131);
            for (uint256 j; j < item.signature.length; ++j) {
                item.signature[j] = bytes1(uint8(uint256(keccak256(abi.encode(roll, j)))));
            }
        }
    }

    /// @dev Both succeed with the same answer, or both fail.
    function _compare(bytes memory data, string memory what) private view returns (bool) {
        (bool done, bytes memory answer) = byAssembly.staticcall(data);
        (bool expected, bytes memory other) = twin.staticcall(data);
        // Of an item that lies before the list, the compiler has two opinions.
        if (done && !expected && _wordOf(data, 3) >> 255 == 1) (expected, other) = calldataTwin.staticcall(data);
        _check(done == expected, string.concat(what, done ? ": accepted and should not be" : ": refused"));
        if (done) _same(keccak256(answer), keccak256(other), what);
        else _same(answer.length, 0, string.concat(what, ": a reason"));
        return done;
    }

    function testFuzz_read__ofAnyItem__isTheItem(uint256 seed, uint256 count, bool isTrusted, uint256 time) external {
        Settlement[] memory items = _items(seed, _bound(count, 1, 6));
        Settlement memory item = items[items.length - 1];
        if (time % 3 == 0) item.holder = address(this);
        vm.warp(uint256(item.deadline) + time % 4 > 1 ? uint256(item.deadline) + time % 4 - 1 : 1);
        _check(_compare(abi.encodeCall(ISettlementData.read, (isTrusted, items)), "read"), "read: refused");
    }

    function testFuzz_emitTransfer__ofAnything__isTheEvent(uint256 planId, address holder, uint256 amount) external {
        vm.recordLogs();
        ISettlementData(byAssembly).emitTransfer(planId, holder, amount);
        ISettlementData(twin).emitTransfer(planId, holder, amount);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _same(keccak256(abi.encode(logs[0].topics)), keccak256(abi.encode(logs[1].topics)), "topics");
        _same(keccak256(logs[0].data), keccak256(logs[1].data), "data");
    }

    function testFuzz_digests__ofAnyItems__areThoseOfTheirVouchers(
        uint256 seed,
        uint256 count,
        uint256 planId,
        address redeemer,
        bytes32 domainSeparator
    ) external view {
        Settlement[] memory items = _items(seed, _bound(count, 0, 6));
        _check(
            _compare(abi.encodeCall(ISettlementData.digests, (planId, redeemer, domainSeparator, items)), "digests"),
            "digests: refused"
        );
    }

    function testFuzz_outcomes__ofAnyNumber__areEncodedAsTheCompilerDoes(uint64[] calldata amounts, uint256 seed)
        external
        view
    {
        SettlementResult[] memory results = new SettlementResult[](amounts.length);
        for (uint256 i; i < results.length; ++i) {
            results[i] = SettlementResult(uint256(keccak256(abi.encode(seed, i))) % 5);
        }
        _check(_compare(abi.encodeCall(ISettlementData.outcomes, (amounts, results)), "outcomes"), "outcomes: refused");
    }

    // ------------------------------------------------------------------ what is encoded wrong

    /// @dev Words of the call behind its selector: whether trusted, offset of the list, its length, offset of the item, its six words,
    /// length of the signature, the signature.
    function _call(uint256 seed) private pure returns (bytes memory data) {
        data = abi.encodeCall(ISettlementData.read, (seed % 2 == 0, _items(seed, 1)));
    }

    function _setWord(bytes memory data, uint256 word, uint256 value) private pure {
        for (uint256 i; i < 32; ++i) {
            data[4 + 32 * word + i] = bytes1(uint8(value >> (248 - 8 * i)));
        }
    }

    function _wordOf(bytes memory data, uint256 word) private pure returns (uint256 value) {
        for (uint256 i; i < 32; ++i) {
            value = value << 8 | uint8(data[4 + 32 * word + i]);
        }
    }

    function testFuzz_read__withOneBitOfAWordChanged__isReadAsTheDecoderDoes(uint256 seed, uint256 word, uint256 bit)
        external
        view
    {
        bytes memory data = _call(seed);
        word = _bound(word, 3, 10);
        _setWord(data, word, _wordOf(data, word) ^ 1 << _bound(bit, 0, 255));
        _compare(data, "one bit");
    }

    /// @dev Places around the end of the data, in and out of it.
    function testFuzz_read__withAnotherPlaceOrLength__isReadAsTheDecoderDoes(uint256 seed, uint256 which, uint256 value)
        external
        view
    {
        bytes memory data = _call(seed);
        uint8[3] memory words = [3, 9, 10];
        uint256 kind = value % 5;
        value = uint256(keccak256(abi.encode(value)));
        if (kind == 0) value = type(uint64).max - value % 200;
        else if (kind == 1) value = uint256(type(uint64).max) + 1 + value % 200;
        else if (kind == 2) value = type(uint256).max - value % 600;
        else value = value % (data.length + 64);
        _setWord(data, words[which % 3], value);
        _compare(data, "another place");
    }

    function testFuzz_read__ofDataThatEndsTooSoon__isReadAsTheDecoderDoes(uint256 seed, uint256 length) external view {
        bytes memory data = _call(seed);
        bytes memory cut = new bytes(_bound(length, 4, data.length));
        for (uint256 i; i < cut.length; ++i) {
            cut[i] = data[i];
        }
        _compare(cut, "cut off");
    }
}
