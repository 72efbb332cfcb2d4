// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OrderAuthorization, Settlement, Split, Terms, Voucher} from "../../../contracts/credits/ICredits.sol";
import {SettlementData, VoucherForm} from "../../../contracts/credits/libraries/SettlementData.sol";
import {Vouchers} from "../../../contracts/credits/libraries/Vouchers.sol";
import {Setting} from "./Setting.sol";

/// @notice That what is hashed determines the hash's every input: keccak256 is taken to have no collisions.
contract DigestProofs is Setting {
    /// @notice Two vouchers with one digest are the same voucher, field by field.
    /// @dev I4, C16
    function check_voucherDigestOf__equal__sameVoucher(Voucher memory a, Voucher memory b) public view {
        if (credits.voucherDigestOf(a) != credits.voucherDigestOf(b)) return;
        assert(a.planId == b.planId && a.holder == b.holder && a.redeemer == b.redeemer);
        assert(a.ceiling == b.ceiling && a.context == b.context && a.deadline == b.deadline);
    }

    /// @notice Two signed orders with one nonce are the same order: plan, payer, receiver, quantity, maximum and salt.
    /// @dev C24, I6
    function check_authorizationNonceOf__equal__sameOrder(OrderAuthorization memory a, OrderAuthorization memory b)
        public
        view
    {
        if (credits.authorizationNonceOf(a) != credits.authorizationNonceOf(b)) return;
        assert(a.planId == b.planId && a.payer == b.payer && a.receiver == b.receiver);
        assert(a.quantity == b.quantity && a.maxCost == b.maxCost && a.salt == b.salt);
    }

    /// @notice No digest and no nonce is the same on two chains.
    /// @dev C17
    function check_digests__twoChains__differ(
        Voucher memory voucher,
        OrderAuthorization memory order,
        uint64 a,
        uint64 b
    ) public {
        vm.assume(a != b);
        vm.chainId(a);
        (bytes32 digest, bytes32 nonce) = (credits.voucherDigestOf(voucher), credits.authorizationNonceOf(order));
        vm.chainId(b);
        assert(credits.voucherDigestOf(voucher) != digest);
        assert(credits.authorizationNonceOf(order) != nonce);
    }

    /// @notice Two plans with one id have one creator, one salt and the same price, credits and redemption range.
    /// @dev I5, C27
    function check_planIdOf__equal__sameTerms(
        address creator,
        address otherCreator,
        bytes32 salt,
        bytes32 otherSalt,
        uint32 granted,
        uint32 otherGranted,
        uint96 amount,
        uint96 otherAmount,
        address receiver,
        address otherReceiver
    ) public view {
        uint256 id = _idOf(creator, salt, granted, amount, receiver);
        if (id != _idOf(otherCreator, otherSalt, otherGranted, otherAmount, otherReceiver)) return;
        assert(creator == otherCreator && salt == otherSalt);
        assert(granted == otherGranted && amount == otherAmount && receiver == otherReceiver);
    }

    function _idOf(address creator, bytes32 salt, uint32 granted, uint96 amount, address receiver)
        private
        view
        returns (uint256)
    {
        Terms memory terms = _terms();
        terms.credits = granted;
        terms.splits[0] = Split(receiver, amount);
        return credits.planIdOf(creator, terms, salt);
    }
}

/// @notice That our assembly hashes what the documentation says.
contract SettlementDigestProofs {
    function byAssembly(uint256 planId, address redeemer, bytes32 domainSeparator, Settlement[] calldata items)
        external
        pure
        returns (bytes32)
    {
        VoucherForm form = SettlementData.prepareForm(planId, redeemer, domainSeparator, false);
        return form.digestOf(SettlementData.itemAt(items, 1));
    }

    function plainly(Voucher calldata voucher, bytes32 domainSeparator) external pure returns (bytes32) {
        return Vouchers.digestOf(voucher, domainSeparator);
    }

    /// @notice The digest that is worked out of an item of a settlement is the one of its voucher, for every voucher and every domain,
    /// whatever the total and the signature.
    /// @dev I4, C16
    function check_digestOf__byAssembly__isTheVouchers(
        Voucher memory voucher,
        bytes32 domainSeparator,
        uint64 total,
        bytes32 signature
    ) public view {
        Settlement[] memory items = new Settlement[](2);
        items[1] = Settlement(
            voucher.holder, total, voucher.ceiling, voucher.context, voucher.deadline, abi.encode(signature)
        );
        bytes32 digest = this.byAssembly(voucher.planId, voucher.redeemer, domainSeparator, items);
        assert(digest == this.plainly(voucher, domainSeparator));
    }
}
