// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Credits} from "../../../../contracts/credits/Credits.sol";
import {
    Activation,
    PlanKind,
    RedemptionRule,
    Split,
    OrderAuthorization,
    Terms,
    Voucher
} from "../../../../contracts/credits/ICredits.sol";
import {Checks} from "../support/Checks.sol";
import {vm} from "../support/Vm.sol";

/// @notice What is signed or hashed binds each of its fields, the contract and the chain (I4, I5).
contract DigestsTest is Checks {
    Credits private credits = new Credits(address(1));
    Credits private other = new Credits(address(1));

    function _terms(uint256 seed) private pure returns (Terms memory terms) {
        terms.kind = PlanKind(seed % 3);
        terms.activation = Activation(seed / 4 % 2);
        terms.rule = RedemptionRule(seed / 8 % 3);
        terms.token = address(uint160(seed >> 64));
        (terms.credits, terms.duration) = (uint32(seed >> 32), uint32(seed >> 96));
        (terms.minRedeem, terms.maxRedeem) = (uint32(seed >> 128), uint32(seed >> 160));
        terms.splits = new Split[](2);
        terms.splits[0] = Split(address(uint160(seed)), uint96(seed >> 160));
    }

    /// @dev Flips one bit of one word of an encoding: any change of any field, and of nothing else.
    function _flip(bytes memory data, uint256 word, uint256 bit) private pure {
        data[32 * word + 31 - bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
    }

    function testFuzz_voucherDigestOf__withOneBitChanged__isAnother(Voucher memory voucher, uint256 field, uint256 bit)
        external
        view
    {
        uint16[6] memory widths = [uint16(256), 160, 160, 64, 256, 64];
        field = _bound(field, 0, 5);
        bytes memory data = abi.encode(voucher);
        _flip(data, field, _bound(bit, 0, widths[field] - 1));
        Voucher memory changed = abi.decode(data, (Voucher));
        _check(
            credits.voucherDigestOf(voucher) != credits.voucherDigestOf(changed),
            string.concat("a voucher does not bind field ", vm.toString(field))
        );
    }

    function testFuzz_authorizationNonceOf__withOneBitChanged__isAnother(
        OrderAuthorization memory order,
        uint256 field,
        uint256 bit
    ) external view {
        // planId, payer, receiver, quantity, maxCost, -, -, salt: the times are in the token's own signature.
        uint16[8] memory widths = [uint16(256), 160, 160, 256, 256, 0, 0, 256];
        field = _bound(field, 0, 5);
        if (field == 5) field = 7;
        bytes memory data = abi.encode(order);
        _flip(data, field, _bound(bit, 0, widths[field] - 1));
        OrderAuthorization memory changed = abi.decode(data, (OrderAuthorization));
        _check(
            credits.authorizationNonceOf(order) != credits.authorizationNonceOf(changed),
            string.concat("a nonce does not bind field ", vm.toString(field))
        );
    }

    function testFuzz_planIdOf__withOneBitChanged__isAnother(uint256 seed, uint256 field, uint256 bit) external view {
        Terms memory terms = _terms(seed);
        // The words of the encoding behind the offset of the whole; 3 is the offset of the splits, which end it.
        uint16[18] memory widths = [uint16(0), 0, 160, 0, 160, 1, 32, 32, 32, 32, 0, 1, 1, 0, 160, 96, 160, 96];
        field = _bound(field, 0, 17);
        if (widths[field] == 0) field = 2;
        bytes memory data = abi.encode(terms);
        _flip(data, field + 1, _bound(bit, 0, widths[field] - 1));
        Terms memory changed = abi.decode(data, (Terms));
        _check(
            credits.planIdOf(address(1), terms, 0) != credits.planIdOf(address(1), changed, 0),
            string.concat("a plan id does not bind word ", vm.toString(field))
        );
        _check(credits.planIdOf(address(1), terms, 0) != credits.planIdOf(address(2), terms, 0), "creator not bound");
        _check(
            credits.planIdOf(address(1), terms, 0) != credits.planIdOf(address(1), terms, bytes32(uint256(1))),
            "salt not bound"
        );
    }

    function testFuzz_digests__ofAnotherContractOrChain__areOthers(
        Voucher memory voucher,
        OrderAuthorization memory order,
        uint256 seed
    ) external {
        Terms memory terms = _terms(seed);
        bytes32 digest = credits.voucherDigestOf(voucher);
        bytes32 nonce = credits.authorizationNonceOf(order);
        uint256 planId = credits.planIdOf(address(1), terms, 0);
        _check(digest != other.voucherDigestOf(voucher), "voucher: contract not bound");
        _check(nonce != other.authorizationNonceOf(order), "nonce: contract not bound");
        _check(planId != other.planIdOf(address(1), terms, 0), "plan id: contract not bound");
        vm.chainId(block.chainid + 1);
        _check(digest != credits.voucherDigestOf(voucher), "voucher: chain not bound");
        _check(nonce != credits.authorizationNonceOf(order), "nonce: chain not bound");
        _check(planId != credits.planIdOf(address(1), terms, 0), "plan id: chain not bound");
    }
}
