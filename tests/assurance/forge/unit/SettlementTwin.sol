// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

import {Settlement, SettlementOutcome, SettlementResult} from "../../../../contracts/credits/ICredits.sol";
import {
    OutcomeList,
    SettlementData,
    SettlementItem,
    VoucherForm
} from "../../../../contracts/credits/libraries/SettlementData.sol";
import {Vouchers} from "../../../../contracts/credits/libraries/Vouchers.sol";

/// @notice What {SettlementData} does, asked from outside.
interface ISettlementData {
    function read(bool isTrusted, Settlement[] calldata items)
        external
        view
        returns (address holder, uint256 limit, bool byVoucher, bool isExpired, bytes memory signature);

    function digests(uint256 planId, address redeemer, bytes32 domainSeparator, Settlement[] calldata items)
        external
        pure
        returns (bytes32[] memory);

    function outcomes(uint64[] calldata amounts, SettlementResult[] calldata results)
        external
        pure
        returns (SettlementOutcome[] memory);

    function emitTransfer(uint256 planId, address holder, uint256 amount) external;
}

/// @notice By the library, as `settle` uses it.
contract SettlementByAssembly is ISettlementData {
    /// @dev The last item.
    function read(bool isTrusted, Settlement[] calldata items)
        external
        view
        returns (address holder, uint256 limit, bool byVoucher, bool isExpired, bytes memory signature)
    {
        VoucherForm form = SettlementData.prepareForm(0, msg.sender, 0, isTrusted);
        SettlementItem item = SettlementData.itemAt(items, items.length - 1);
        (holder, limit, byVoucher, isExpired) = form.read(item);
        require(item.holder() == holder);
        signature = item.signatureOf();
    }

    /// @dev With other things put into memory in between, which must stay as they are.
    function digests(uint256 planId, address redeemer, bytes32 domainSeparator, Settlement[] calldata items)
        external
        pure
        returns (bytes32[] memory found)
    {
        found = new bytes32[](items.length);
        bytes memory before = abi.encode(planId, redeemer);
        OutcomeList list = SettlementData.prepareOutcomes(items.length);
        VoucherForm form = SettlementData.prepareForm(planId, redeemer, domainSeparator, items.length % 2 == 0);
        bytes memory later = abi.encode(domainSeparator, redeemer);
        for (uint256 i; i < items.length; ++i) {
            list.write(i, i, SettlementResult.SHORT);
            found[i] = form.digestOf(SettlementData.itemAt(items, i));
        }
        require(keccak256(before) == keccak256(abi.encode(planId, redeemer)));
        require(keccak256(later) == keccak256(abi.encode(domainSeparator, redeemer)));
    }

    function outcomes(uint64[] calldata amounts, SettlementResult[] calldata results)
        external
        pure
        returns (SettlementOutcome[] memory)
    {
        OutcomeList list = SettlementData.prepareOutcomes(amounts.length);
        for (uint256 i; i < amounts.length; ++i) {
            list.write(i, amounts[i], results[i]);
            abi.encode(amounts[i], results[i]); // something else that takes memory
        }
        list.give();
    }

    function emitTransfer(uint256 planId, address holder, uint256 amount) external {
        SettlementData.prepareForm(planId, msg.sender, 0, false).emitTransfer(holder, amount);
    }
}

/// @notice The same in plain Solidity.
contract SettlementTwin is ISettlementData {
    /// @dev Decodes the whole of the call, so that the compiler looks at every offset and every width.
    function read(bool isTrusted, Settlement[] calldata)
        external
        view
        virtual
        returns (address, uint256, bool, bool, bytes memory)
    {
        (, Settlement[] memory items) = abi.decode(msg.data[4:], (bool, Settlement[]));
        return _read(isTrusted, items[items.length - 1]);
    }

    function _read(bool isTrusted, Settlement memory item)
        internal
        view
        returns (address, uint256 limit, bool byVoucher, bool isExpired, bytes memory)
    {
        byVoucher = item.signature.length > 0 || !(isTrusted || item.holder == msg.sender);
        isExpired = byVoucher && block.timestamp > item.deadline;
        limit = byVoucher && item.ceiling < item.total ? item.ceiling : item.total;
        return (item.holder, limit, byVoucher, isExpired, item.signature);
    }

    function digests(uint256 planId, address redeemer, bytes32 domainSeparator, Settlement[] calldata items)
        external
        pure
        returns (bytes32[] memory found)
    {
        found = new bytes32[](items.length);
        for (uint256 i; i < items.length; ++i) {
            Settlement calldata item = items[i];
            bytes32 structHash = keccak256(
                abi.encode(Vouchers.TYPEHASH, planId, item.holder, redeemer, item.ceiling, item.context, item.deadline)
            );
            found[i] = keccak256(abi.encodePacked(hex"1901", domainSeparator, structHash));
        }
    }

    function outcomes(uint64[] calldata amounts, SettlementResult[] calldata results)
        external
        pure
        returns (SettlementOutcome[] memory list)
    {
        list = new SettlementOutcome[](amounts.length);
        for (uint256 i; i < amounts.length; ++i) {
            list[i] = SettlementOutcome(amounts[i], results[i]);
        }
    }

    function emitTransfer(uint256 planId, address holder, uint256 amount) external {
        emit IERC1155.TransferSingle(msg.sender, holder, address(0), planId, amount);
    }
}

/// @notice The same as the compiler reads it out of the call's data: there an item may lie before the list.
contract SettlementCalldataTwin is SettlementTwin {
    function read(bool isTrusted, Settlement[] calldata items)
        external
        view
        override
        returns (address, uint256, bool, bool, bytes memory)
    {
        return _read(isTrusted, items[items.length - 1]);
    }
}
