// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

// Only here: the house rule no-assembly (tests/assurance/static/rules/solidity.yml) says why.
/* solhint-disable no-inline-assembly */

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

import {Settlement, SettlementResult} from "../ICredits.sol";
import {Vouchers} from "./Vouchers.sol";

/// @notice Where a {Settlement} is in the data of the call.
type SettlementItem is uint256;

/// @notice Where in memory a voucher is written out to be hashed.
type VoucherForm is uint256;

/// @notice Where in memory the outcomes are, encoded as `settle` returns them.
type OutcomeList is uint256;

using SettlementData for SettlementItem global;
using SettlementData for VoucherForm global;
using SettlementData for OutcomeList global;

/// @title What `settle` reads, hashes and returns, word by word
/// @dev The only assembly of our own. Settling is what a seller does most: Solidity's own way of reading the items, hashing the
/// vouchers and encoding the outcomes costs about 2,000 gas more for each. `tests/assurance/forge/unit/SettlementTwin.sol` is the same in plain
/// Solidity, and tests hold both equal.
library SettlementData {
    // ------------------------------------------------------------------ items
    // holder | total | ceiling | context | deadline | offset of the signature, a word each

    /// @notice Returns an item of the list. {read} checks that it is within the call's data.
    function itemAt(Settlement[] calldata items, uint256 index) internal pure returns (SettlementItem item) {
        assembly ("memory-safe") {
            item := add(items.offset, calldataload(add(items.offset, shl(5, index))))
        }
    }

    /// @notice Returns whose credits an item is about.
    function holder(SettlementItem item) internal pure returns (address holder_) {
        assembly ("memory-safe") {
            holder_ := calldataload(item)
        }
    }

    /// @notice Returns the signature of an item. Reverts without data if it is not within the call's data.
    function signatureOf(SettlementItem item) internal pure returns (bytes calldata signature) {
        assembly ("memory-safe") {
            let place := add(item, calldataload(add(item, 0xa0)))
            signature.length := calldataload(place)
            signature.offset := add(place, 0x20)
            let end := add(signature.offset, signature.length)
            if or(shr(64, signature.length), gt(end, calldatasize())) { revert(0, 0) }
        }
    }

    // ------------------------------------------------------------------ vouchers
    // the struct: type, plan, holder, redeemer, ceiling, context, deadline; then 0x1901, domain, hash of the struct; isTrusted

    /// @notice Returns a form for many vouchers of one plan and redeemer.
    /// @param isTrusted Whether the redeemer needs no signatures.
    function prepareForm(uint256 planId, address redeemer, bytes32 domainSeparator, bool isTrusted)
        internal
        pure
        returns (VoucherForm form)
    {
        bytes32 typeHash = Vouchers.TYPEHASH;
        assembly ("memory-safe") {
            form := mload(0x40)
            mstore(form, typeHash)
            mstore(add(form, 0x20), planId)
            mstore(add(form, 0x60), redeemer)
            mstore(add(form, 0xe0), 0x1901)
            mstore(add(form, 0x100), domainSeparator)
            mstore(add(form, 0x140), isTrusted)
            mstore(0x40, add(form, 0x160))
        }
    }

    /// @notice Returns what an item asks for. It goes by its voucher, unless it has no signature and needs none: where the caller is
    /// trusted, or settles credits of their own.
    /// @dev Reverts without data if a number is wider than its type, or the item or the length of its signature is not within the call's data.
    /// @return holder_ Whose credits.
    /// @return limit The total that they should reach, and by a voucher at most its ceiling.
    /// @return byVoucher Whether the voucher has to be signed.
    /// @return isExpired Whether the voucher's deadline is over.
    function read(VoucherForm form, SettlementItem item)
        internal
        view
        returns (address holder_, uint256 limit, bool byVoucher, bool isExpired)
    {
        assembly ("memory-safe") {
            holder_ := calldataload(item)
            limit := calldataload(add(item, 0x20))
            let ceiling := calldataload(add(item, 0x40))
            let deadline := calldataload(add(item, 0x80))
            let offset := calldataload(add(item, 0xa0))
            let tooWide := or(shr(160, holder_), shr(64, or(or(item, limit), or(ceiling, or(deadline, offset)))))
            let place := add(item, offset)
            let isCutOff := or(gt(add(item, 0xc0), calldatasize()), gt(add(place, 0x20), calldatasize()))
            if or(tooWide, isCutOff) { revert(0, 0) }

            let isTrusted := or(mload(add(form, 0x140)), eq(holder_, caller()))
            byVoucher := or(iszero(isTrusted), iszero(iszero(calldataload(place))))
            isExpired := and(byVoucher, gt(timestamp(), deadline))
            limit := xor(limit, mul(xor(limit, ceiling), and(byVoucher, lt(ceiling, limit))))
        }
    }

    /// @notice Returns what the holder of an item's voucher signs, as {Vouchers-digestOf} does.
    /// @dev Ceiling, context and deadline follow each other both in the item and in the struct.
    function digestOf(VoucherForm form, SettlementItem item) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            mstore(add(form, 0x40), calldataload(item))
            calldatacopy(add(form, 0x80), add(item, 0x40), 0x60)
            mstore(add(form, 0x120), keccak256(form, 0xe0))
            digest := keccak256(add(form, 0xfe), 0x42)
        }
    }

    /// @notice Emits the ERC-1155 event of credits that the caller has taken from a holder.
    function emitTransfer(VoucherForm form, address from, uint256 amount) internal {
        bytes32 topic = IERC1155.TransferSingle.selector;
        assembly ("memory-safe") {
            mstore(0x00, mload(add(form, 0x20)))
            mstore(0x20, amount)
            log4(0x00, 0x40, topic, caller(), from, 0)
        }
    }

    // ------------------------------------------------------------------ outcomes
    // 0x20, how many, then two words each: amount, result

    /// @notice Returns room for so many outcomes.
    function prepareOutcomes(uint256 count) internal pure returns (OutcomeList outcomes) {
        assembly ("memory-safe") {
            outcomes := mload(0x40)
            mstore(outcomes, 0x20)
            mstore(add(outcomes, 0x20), count)
            mstore(0x40, add(outcomes, add(0x40, shl(6, count))))
        }
    }

    /// @notice Writes down the outcome of an item.
    function write(OutcomeList outcomes, uint256 index, uint256 amount, SettlementResult result) internal pure {
        assembly ("memory-safe") {
            let place := add(outcomes, add(0x40, shl(6, index)))
            mstore(place, amount)
            mstore(add(place, 0x20), result)
        }
    }

    /// @notice Ends the call and returns the outcomes. Nothing after it is executed.
    function give(OutcomeList outcomes) internal pure {
        assembly ("memory-safe") {
            return(outcomes, add(0x40, shl(6, mload(add(outcomes, 0x20)))))
        }
    }
}
