// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    ICredits,
    PlanKind,
    SettlementOutcome,
    SettlementResult,
    Settlement,
    Voucher
} from "../../../../contracts/credits/ICredits.sol";
import {EvilWallet} from "../../../../contracts/test/receivers/EvilWallet.sol";

import {Redemptions} from "./Redemptions.sol";
import {vm} from "../support/Vm.sol";

/// @notice Settles batches of vouchers: good, late, settled already, changed after signing, signed by others, of wallets that lie,
/// and items without signature, where the plan's rule lets the settler redeem and where it does not.
abstract contract Vouchers is Redemptions {
    bytes32 private constant _TYPEHASH = keccak256(
        "Voucher(uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline)"
    );

    struct Item {
        Settlement settlement;
        bool isSigned;
    }

    function settle(uint128 seed) external onTime {
        bool wrong = _isWrong(seed);
        PlanNote storage plan = _findVoucherPlan(seed, wrong);
        address redeemer = wrong ? _caller(_mix(seed, "anyone")) : _settlerOf(plan, seed);
        uint256 count = _bound(_mix(seed, "count"), 0, 4);
        (Settlement[] memory items, bool[] memory isSigned) = (new Settlement[](count), new bool[](count));
        for (uint256 i; i < count; ++i) {
            (items[i], isSigned[i]) = _item(plan, redeemer, _mix(seed, vm.toString(i)));
        }
        _settleBatch(plan, redeemer, items, isSigned);
        // A batch that is sent twice takes what it takes once.
        if (_mix(seed, "twice") % 4 == 0) _settleBatch(plan, redeemer, items, isSigned);
    }

    function _settleBatch(PlanNote storage plan, address redeemer, Settlement[] memory items, bool[] memory isSigned)
        private
    {
        bytes memory data = abi.encodeCall(ICredits.settle, (plan.id, items));
        bytes4 why = _whyNoSettlement(plan, redeemer);
        (bool done, bytes memory answer) = _attempt(Attempt("settle", redeemer, address(credits), 0, data, why));
        if (done) _noteOutcomes(plan, redeemer, items, isSigned, abi.decode(answer, (SettlementOutcome[])));
        _checkBalances("settle", plan);
    }

    // ------------------------------------------------------------------ what is settled

    function _takesSettlements(PlanNote storage plan) internal view returns (bool) {
        return plan.kind == PlanKind.CREDITS && !plan.transferable;
    }

    function _findVoucherPlan(uint256 seed, bool wrong) private view returns (PlanNote storage plan) {
        plan = _anyPlan(seed);
        (plan,) = _findHolder(seed);
        for (uint256 i; i < plans.length && !wrong && !_takesSettlements(plan); ++i) {
            (plan,) = _findHolder(seed + i + 1);
        }
    }

    function _settlerOf(PlanNote storage plan, uint256 seed) private view returns (address) {
        for (uint256 i; i < 8; ++i) {
            address candidate = _caller(_mix(seed, "settler") + i);
            if (plan.redeemers[plan.owner][candidate]) return candidate;
        }
        return plan.owner;
    }

    /// @dev Of the holders that can sign, one; a ceiling near what was settled before; now and then something that is wrong.
    function _item(PlanNote storage plan, address redeemer, uint256 seed)
        private
        returns (Settlement memory item, bool isSigned)
    {
        item.holder = holders[_mix(seed, "holder") % 8];
        Position storage position = positions[plan.id][item.holder];
        uint256 most = position.settled + _balance(plan, item.holder) + 3;
        if (most > type(uint64).max) most = type(uint64).max;
        item.ceiling = uint64(_bound(_mix(seed, "ceiling"), position.settled, most));
        most = uint256(item.ceiling) + 2;
        item.total =
            uint64(_bound(_mix(seed, "total"), position.settled, most > type(uint64).max ? item.ceiling : most));
        if (_mix(seed, "total") % 9 == 0) item.total = uint64(_bound(_mix(seed, "less"), 0, position.settled));
        item.context = bytes32(uint256(seed));
        item.deadline = uint64(clock + (_mix(seed, "deadline") % 4 == 0 ? 0 : _mix(seed, "deadline") % 1000));
        if (_mix(seed, "late") % 12 == 0) item.deadline = uint64(clock - 1);
        if (item.holder == address(evilWallet)) return (item, _askEvil(plan, item, redeemer, seed));
        if (keyOf[item.holder] == 0 || _mix(seed, "unsigned") % 3 == 0) return (item, false);

        Voucher memory voucher = Voucher(plan.id, item.holder, redeemer, item.ceiling, item.context, item.deadline);
        uint256 change = _mix(seed, "change") % 32;
        if (change < 6) _change(voucher, change);
        address signer = change == 6 ? _otherThan(item.holder) : item.holder;
        item.signature = _sign(signer, change == 7 ? _foreignDigestOf(voucher) : _digestOf(voucher));
        if (_mix(seed, "compact") % 4 == 0) {
            item.signature = _compact(item.signature);
        }
        // The wallet of this campaign's one key reads 65 bytes only.
        bool readable = item.signature.length == 65 || item.holder != address(wallet);
        isSigned = change > 7 && readable;
    }

    /// @dev Signs a voucher that says something else than what is brought.
    function _change(Voucher memory voucher, uint256 which) private view {
        if (which == 0) voucher.planId = plans[(indexOf[voucher.planId] + 1) % plans.length].id;
        if (which == 1) voucher.holder = _otherThan(voucher.holder);
        if (which == 2) voucher.redeemer = _otherThan(voucher.redeemer);
        if (which == 3) voucher.ceiling ^= 1 << 40;
        if (which == 4) voucher.context = ~voucher.context;
        if (which == 5) voucher.deadline += 1;
    }

    function _otherThan(address account) private view returns (address) {
        return account == holders[0] ? holders[1] : holders[0];
    }

    function _askEvil(PlanNote storage plan, Settlement memory item, address redeemer, uint256 seed)
        private
        returns (bool)
    {
        EvilWallet.Answer answer = EvilWallet.Answer(_mix(seed, "answer") % 8);
        // Two items of one batch may ask it: the last answer set is the one that counts for both, so only one is ever set per call.
        if (_mix(seed, "answer") % 2 == 0) answer = EvilWallet.Answer.YES;
        if (evilAskedAt == tries["settle"] + 1) answer = evilWallet.answer();
        evilAskedAt = tries["settle"] + 1;
        evilWallet.setAnswer(answer);
        evilWallet.arm(address(credits), abi.encodeCall(ICredits.burn, (plan.id, address(evilWallet), 1)));
        item.signature = abi.encode(redeemer);
        return answer == EvilWallet.Answer.YES;
    }

    uint256 private evilAskedAt;

    // ------------------------------------------------------------------ what is signed, by hand

    function _digestOf(Voucher memory it) internal view returns (bytes32) {
        bytes32 digest = _digest(it, block.chainid, address(credits));
        _same(credits.voucherDigestOf(it), digest, "voucherDigestOf");
        return digest;
    }

    function _foreignDigestOf(Voucher memory it) private view returns (bytes32) {
        if (uint256(it.context) % 2 == 0) return _digest(it, block.chainid + 1, address(credits));
        return _digest(it, block.chainid, address(registry));
    }

    function _digest(Voucher memory it, uint256 chainId, address where) private pure returns (bytes32) {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("nvm_chain Credits"),
                keccak256("1"),
                chainId,
                where
            )
        );
        bytes32 structHash =
            keccak256(abi.encode(_TYPEHASH, it.planId, it.holder, it.redeemer, it.ceiling, it.context, it.deadline));
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }

    // ------------------------------------------------------------------ what must come of it

    function _whyNoSettlement(PlanNote storage plan, address redeemer) private view returns (bytes4) {
        if (!_takesSettlements(plan)) return ICredits.SettlementsNotAccepted.selector;
        bool may = redeemer == plan.owner || plan.redeemers[plan.owner][redeemer];
        return may ? bytes4(0) : ICredits.NotRedeemer.selector;
    }

    function _noteOutcomes(
        PlanNote storage plan,
        address redeemer,
        Settlement[] memory items,
        bool[] memory isSigned,
        SettlementOutcome[] memory outcomes
    ) private {
        _same(outcomes.length, items.length, "settle: number of outcomes");
        for (uint256 i; i < items.length; ++i) {
            SettlementOutcome memory expected = _outcome(plan, redeemer, items[i], isSigned[i]);
            string memory where = string.concat("I4 settle of ", _name(plan), ", item ", vm.toString(i));
            _same(uint8(outcomes[i].result), uint8(expected.result), string.concat(where, ", result"));
            _same(outcomes[i].amount, expected.amount, string.concat(where, ", credits taken"));
            if (expected.amount == 0) continue;
            Position storage position = positions[plan.id][items[i].holder];
            position.settled += expected.amount;
            // Only an item that took something counts: one that was refused must allow nothing.
            uint256 allowed = items[i].signature.length == 0 ? items[i].total : items[i].ceiling;
            if (allowed > position.highestCeiling) position.highestCeiling = allowed;
            plan.redeemed += expected.amount;
            _takeOut(plan, items[i].holder, expected.amount);
        }
    }

    /// @dev An item without signature is good up to its total where the rule lets the settler redeem, and nothing else is read of it.
    function _outcome(PlanNote storage plan, address redeemer, Settlement memory item, bool isSigned)
        private
        view
        returns (SettlementOutcome memory)
    {
        uint256 settled = positions[plan.id][item.holder].settled;
        bool byVoucher = item.signature.length > 0 || !_mayRedeem(plan, item.holder, redeemer);
        uint256 aim = byVoucher && item.ceiling < item.total ? item.ceiling : item.total;
        if (byVoucher && clock > item.deadline) return SettlementOutcome(0, SettlementResult.EXPIRED);
        if (settled >= aim) return SettlementOutcome(0, SettlementResult.ALREADY_SETTLED);
        if (byVoucher && !isSigned) return SettlementOutcome(0, SettlementResult.NOT_SIGNED);
        uint256 wanted = aim - settled;
        uint256 balance = _balance(plan, item.holder);
        if (wanted > balance) return SettlementOutcome(uint64(balance), SettlementResult.SHORT);
        return SettlementOutcome(uint64(wanted), SettlementResult.SETTLED);
    }
}
