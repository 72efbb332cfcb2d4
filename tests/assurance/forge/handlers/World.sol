// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits} from "../../../../contracts/credits/ICredits.sol";
import {ForcesCoin} from "../../../../contracts/test/receivers/ForcesCoin.sol";

import {FeeOwner} from "./FeeOwner.sol";
import {vm} from "../support/Vm.sol";

/// @notice What happens around the contract: time, tokens sent to it, tokens that block and pause, prices that change, strangers.
abstract contract World is FeeOwner {
    /// @dev Mostly to a second before, at or after the moment when somebody's credits or access end.
    function wait(uint128 seed) external onTime {
        uint256 target = clock + _bound(_mix(seed, "some time"), 0, 300);
        for (uint256 i; i < plans.length && _mix(seed, "aim") % 5 != 0; ++i) {
            uint256 end = _endOf(plans[(seed + i) % plans.length], _willing(_mix(seed, "whose") + i));
            if (end <= clock + 1) continue;
            target = end - 1 + _mix(seed, "edge") % 3;
            break;
        }
        clock = target;
        vm.warp(clock);
        for (uint256 i; i < plans.length; ++i) {
            if (plans[i].duration > 0) _checkBalances("I9 wait", plans[i]);
        }
    }

    function _endOf(PlanNote storage plan, address holder) private view returns (uint256) {
        Position storage position = positions[plan.id][holder];
        if (_startsOnPurchase(plan) || plan.startsOnUse) {
            // Not so far that nothing happens any more.
            return position.until > clock + 1e6 ? clock + plan.duration : position.until;
        }
        for (uint256 i; i < position.lumps.length; ++i) {
            Lump storage lump = position.lumps[i];
            if (lump.expiresAt > clock + 1 && lump.expiresAt != FOREVER && lump.credits > 0) return lump.expiresAt;
        }
        return 0;
    }

    /// @dev What is forced on the contract stays there, and nothing else.
    function forceMoney(uint128 seed) external onTime {
        address token = tokens[seed % tokens.length];
        uint256 amount = _bound(_mix(seed, "amount"), 1, 1e12);
        if (token == address(0)) {
            vm.deal(address(this), amount);
            new ForcesCoin{value: amount}(address(credits));
            moneyOf[token][address(credits)] += amount;
        } else {
            _fund(token, address(credits), amount);
        }
        forced[token] += amount;
    }

    function upsetMoney(uint128 seed) external onTime {
        uint256 which = seed % 4;
        if (which == 0) pauses.setPaused(isPaused = _mix(seed, "paused") % 3 == 0);
        if (which == 1) changesPrice.setPrice(_bound(_mix(seed, "price"), 0, 1e7));
        if (which == 2) dependsOnPayer.dislike(_caller(_mix(seed, "payer")));
        if (which != 3) return;
        address account = parties[_mix(seed, "account") % parties.length];
        if (account == address(credits)) return;
        bool blocked = _mix(seed, "blocked") % 3 == 0;
        blocksAddress.setBlocked(account, blocked);
        isBlocked[address(blocksAddress)][account] = blocked;
    }

    /// @dev Functions the contract keeps for itself: there is nobody who may call them.
    function sendFee(uint128 seed) external onTime {
        address token = tokens[seed % tokens.length];
        bytes memory data =
            abi.encodeCall(ICredits.sendFee, (token, _caller(_mix(seed, "payer")), _caller(seed), seed % 1000));
        _try("sendFee", _stranger(seed), data, ICredits.NotSelf.selector);
    }

    function mintItem(uint128 seed) external onTime {
        PlanNote storage plan = _anyPlan(seed);
        address caller = seed % 2 == 0 ? plan.owner : _stranger(seed);
        bytes memory data = abi.encodeCall(ICredits.mintItem, (plan.id, plan.owner, caller, 1));
        _try("mintItem", caller, data, ICredits.NotSelf.selector);
        _checkBalances("mintItem", plan);
    }

    function _stranger(uint256 seed) private view returns (address) {
        return seed % 3 == 0 ? feeOwner : _caller(_mix(seed, "stranger"));
    }

    /// @dev Plans that are not there, by every function that names one.
    function unknownPlan(uint128 seed) external onTime {
        (uint256 id, address who) = (_mix(seed, "unknown"), _caller(seed));
        bytes[8] memory calls = [
            abi.encodeCall(ICredits.order, (id, who, 1, 0)),
            abi.encodeCall(ICredits.payUsage, (id, 1, 0, 0)),
            abi.encodeCall(ICredits.mint, (id, who, 1)),
            abi.encodeCall(ICredits.grantExternal, (id, who, 1, 0)),
            abi.encodeCall(ICredits.redeem, (id, who, 1, 0)),
            abi.encodeCall(ICredits.setPlanActive, (id, true)),
            abi.encodeCall(ICredits.acceptPlanOwnership, (id)),
            abi.encodeCall(ICredits.setMinter, (id, who, true))
        ];
        _try("a plan that is not there", who, calls[_mix(seed, "which") % 8], ICredits.UnknownPlan.selector);
    }
}
