// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {PlanKind, RedemptionRule, Split, Terms} from "../../../../contracts/credits/ICredits.sol";

import {Checks} from "../support/Checks.sol";
import {vm} from "../support/Vm.sol";

/// @notice The books the campaign keeps beside the contract, as naively as they can be kept: lists, sums and no packing.
/// @dev Written only from what the handlers meant to do, never from what the contract answers.
abstract contract Books is Checks {
    uint256 internal constant FOREVER = type(uint256).max;

    struct PlanNote {
        uint256 id;
        bytes32 termsHash;
        PlanKind kind;
        bool startsOnUse;
        address token;
        address quoter;
        bool outside;
        uint256 credits;
        uint256 duration;
        uint256 minRedeem;
        uint256 maxRedeem;
        RedemptionRule rule;
        bool trial;
        bool transferable;
        uint256 feeBps;
        Split[] splits;
        // what the owner may change
        address owner;
        address pendingOwner;
        bool active;
        string uri;
        // sums over all holders
        uint256 granted;
        uint256 redeemed;
        uint256 burned;
        mapping(bytes32 paymentReference => bool) references;
        mapping(address owner => mapping(address account => bool)) redeemers;
        mapping(address owner => mapping(address account => bool)) minters;
    }

    /// @dev What one grant brought and what is left of it. Of periods that begin on purchase: a run of them, one after the other, of
    /// which the last ends at `expiresAt`.
    struct Lump {
        uint256 credits;
        uint256 expiresAt;
    }

    struct Position {
        Lump[] lumps;
        uint256 until;
        uint256 settled;
        uint256 highestCeiling;
        uint256 grants;
        bool trialTaken;
    }

    PlanNote[] internal plans;
    mapping(uint256 planId => uint256 index) internal indexOf;
    mapping(uint256 planId => mapping(address holder => Position)) internal positions;

    function _note(Terms memory terms, uint256 planId, address owner, uint256 feeBps) internal {
        indexOf[planId] = plans.length;
        PlanNote storage plan = plans.push();
        plan.id = planId;
        plan.termsHash = keccak256(abi.encode(terms));
        plan.kind = terms.kind;
        plan.startsOnUse = uint8(terms.activation) == 1;
        plan.token = terms.token;
        plan.quoter = terms.quoter;
        plan.outside = terms.paidExternally;
        plan.credits = terms.credits;
        plan.duration = terms.duration;
        plan.minRedeem = terms.minRedeem;
        plan.maxRedeem = terms.maxRedeem;
        plan.rule = terms.rule;
        plan.trial = terms.trial;
        plan.transferable = terms.transferable;
        plan.feeBps = feeBps;
        plan.owner = owner;
        plan.active = true;
        for (uint256 i; i < terms.splits.length; ++i) {
            plan.splits.push(terms.splits[i]);
        }
    }

    function _startsOnPurchase(PlanNote storage plan) internal view returns (bool) {
        return plan.kind == PlanKind.TIME && !plan.startsOnUse;
    }

    function _expires(PlanNote storage plan) internal view returns (bool) {
        return plan.kind == PlanKind.CREDITS && plan.duration > 0;
    }

    // ------------------------------------------------------------------ balances

    function _balance(PlanNote storage plan, address holder) internal view returns (uint256 sum) {
        Position storage position = positions[plan.id][holder];
        if (_startsOnPurchase(plan)) {
            if (position.until <= block.timestamp) return 0;
            uint256 left = position.until - block.timestamp;
            return left / plan.duration + (left % plan.duration == 0 ? 0 : 1);
        }
        for (uint256 i; i < position.lumps.length; ++i) {
            if (position.lumps[i].expiresAt > block.timestamp) sum += position.lumps[i].credits;
        }
    }

    function _expired(PlanNote storage plan, address holder) internal view returns (uint256 sum) {
        Lump[] storage lumps = positions[plan.id][holder].lumps;
        for (uint256 i; i < lumps.length; ++i) {
            if (lumps[i].expiresAt <= block.timestamp) sum += lumps[i].credits;
            else if (_startsOnPurchase(plan)) sum += _periodsOver(plan, lumps[i]);
        }
    }

    /// @dev Of a run of periods, how many have ended.
    function _periodsOver(PlanNote storage plan, Lump storage run) private view returns (uint256) {
        if (run.expiresAt <= block.timestamp) return run.credits;
        uint256 start = run.expiresAt - run.credits * plan.duration;
        return block.timestamp > start ? (block.timestamp - start) / plan.duration : 0;
    }

    function _overflows(PlanNote storage plan, address to, uint256 amount) internal view returns (bool) {
        if (_startsOnPurchase(plan)) return amount > type(uint64).max;
        return amount > _most(plan) - _balance(plan, to);
    }

    /// @dev What an account holds of a plan's credits.
    function _most(PlanNote storage plan) internal view returns (uint256) {
        return _expires(plan) ? 2 ** 53 - 1 : 2 ** 54 - 1;
    }

    // ------------------------------------------------------------------ changes

    function _noteGrant(PlanNote storage plan, address to, uint256 amount) internal {
        Position storage position = positions[plan.id][to];
        plan.granted += amount;
        ++position.grants;
        if (plan.trial) position.trialTaken = true;
        if (!_startsOnPurchase(plan)) return _put(plan, to, amount);
        _noteExtension(plan, to, amount);
        position.lumps.push(Lump(amount, position.until));
    }

    function _put(PlanNote storage plan, address to, uint256 amount) internal {
        Lump[] storage lumps = positions[plan.id][to].lumps;
        if (_expires(plan)) lumps.push(Lump(amount, block.timestamp + plan.duration));
        else if (lumps.length == 0) lumps.push(Lump(amount, FOREVER));
        else lumps[0].credits += amount;
    }

    function _noteExtension(PlanNote storage plan, address holder, uint256 periods) internal {
        Position storage position = positions[plan.id][holder];
        uint256 start = position.until > block.timestamp ? position.until : block.timestamp;
        position.until = start + periods * plan.duration;
    }

    /// @dev Takes from the lump that expires first, and so on.
    function _takeOut(PlanNote storage plan, address holder, uint256 amount) internal {
        Lump[] storage lumps = positions[plan.id][holder].lumps;
        for (uint256 i; i < lumps.length && amount > 0; ++i) {
            if (lumps[i].expiresAt <= block.timestamp) continue;
            uint256 taken = amount < lumps[i].credits ? amount : lumps[i].credits;
            lumps[i].credits -= taken;
            amount -= taken;
        }
        _same(amount, 0, "books: more taken than there was");
    }

    function _noteRedemption(PlanNote storage plan, address holder, uint256 amount) internal {
        plan.redeemed += amount;
        _takeOut(plan, holder, amount);
        if (plan.startsOnUse) _noteExtension(plan, holder, amount);
    }

    function _noteBurn(PlanNote storage plan, address holder, uint256 amount) internal {
        plan.burned += amount;
        if (!_startsOnPurchase(plan)) return _takeOut(plan, holder, amount);
        Position storage position = positions[plan.id][holder];
        uint256 left = _balance(plan, holder);
        position.until = amount < left ? position.until - amount * plan.duration : block.timestamp;
        _cut(plan, position.lumps, amount);
    }

    /// @dev Takes the periods that end last, and so on back to the one that is running.
    function _cut(PlanNote storage plan, Lump[] storage runs, uint256 amount) private {
        for (uint256 i = runs.length; i > 0 && amount > 0; --i) {
            Lump storage run = runs[i - 1];
            uint256 live = run.credits - _periodsOver(plan, run);
            uint256 taken = amount < live ? amount : live;
            run.credits -= taken;
            run.expiresAt -= taken * plan.duration;
            amount -= taken;
        }
        _same(amount, 0, "books: more periods taken than there were");
    }

    // ------------------------------------------------------------------ words

    function _name(PlanNote storage plan) internal view returns (string memory) {
        string[3] memory kinds = ["CREDITS", "TIME", "USAGE"];
        return string.concat("plan ", vm.toString(indexOf[plan.id]), " (", kinds[uint8(plan.kind)], ")");
    }
}
