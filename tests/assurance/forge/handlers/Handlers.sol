// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AttachedPlan} from "../../../../contracts/agents/IAgentRegistry.sol";
import {Account, PlanKind, Lot, PlanState} from "../../../../contracts/credits/ICredits.sol";

import {Newcomer} from "./Newcomer.sol";
import {vm} from "../support/Vm.sol";

/// @notice All handlers in one, and the checks of the invariants against the books.
contract Handlers is Newcomer {
    constructor() {
        _setUpBase();
        _setUpNewcomer();
        _setUpPlans();
        _setUpUnpayable();
        _setUpCallback();
        _setUpAgents();
    }

    function checkHoldings() external onTime {
        for (uint256 i; i < tokens.length; ++i) {
            string memory what = string.concat("I1 the contract's own of token ", vm.toString(i));
            _same(_held(tokens[i], address(credits)), forced[tokens[i]], what);
        }
    }

    function checkSums() external onTime {
        for (uint256 i; i < plans.length; ++i) {
            PlanNote storage plan = plans[i];
            (uint256 live, uint256 expired) = (0, 0);
            for (uint256 j; j < holders.length; ++j) {
                live += credits.balanceOf(holders[j], plan.id);
                expired += _expired(plan, holders[j]);
            }
            uint256 expected = plan.granted - plan.redeemed - plan.burned - expired;
            _same(live, expected, string.concat("I2 granted - redeemed - burned - expired of ", _name(plan)));
        }
    }

    function checkBalances() external onTime {
        for (uint256 i; i < plans.length; ++i) {
            _checkBalances("the history", plans[i]);
            _checkAllowed(plans[i], "the history");
        }
    }

    function checkCeilings() external onTime {
        for (uint256 i; i < plans.length; ++i) {
            for (uint256 j; j < 8; ++j) {
                Position storage position = positions[plans[i].id][holders[j]];
                uint256 settled = credits.accountOf(plans[i].id, holders[j]).settled;
                string memory whose = string.concat(" on ", _name(plans[i]), " of ", vm.toString(holders[j]));
                _same(settled, position.settled, string.concat("I4 credits settled", whose));
                _check(settled <= position.highestCeiling, string.concat("I4 settled above all ceilings", whose));
            }
        }
    }

    function checkTerms() external onTime {
        for (uint256 i; i < plans.length; ++i) {
            PlanNote storage plan = plans[i];
            bytes32 hash = keccak256(abi.encode(credits.termsOf(plan.id)));
            _same(hash, plan.termsHash, string.concat("I5 hash of the terms of ", _name(plan)));
            _checkState(plan, "the history");
        }
    }

    function checkMoney() external onTime {
        for (uint256 i; i < tokens.length; ++i) {
            for (uint256 j; j < parties.length; ++j) {
                uint256 expected = moneyOf[tokens[i]][parties[j]];
                uint256 held = _held(tokens[i], parties[j]);
                if (held == expected) continue;
                _same(held, expected, string.concat("I6 token ", vm.toString(i), " of ", vm.toString(parties[j])));
            }
        }
    }

    function checkOnlyOnce() external onTime {
        for (uint256 i; i < plans.length; ++i) {
            PlanNote storage plan = plans[i];
            for (uint256 j; plan.trial && j < holders.length; ++j) {
                Position storage position = positions[plan.id][holders[j]];
                string memory whose = string.concat(" on ", _name(plan), " of ", vm.toString(holders[j]));
                _check(position.grants <= 1, string.concat("I7 trial granted more than once", whose));
                bool taken = credits.accountOf(plan.id, holders[j]).trialTaken;
                _check(taken == position.trialTaken, string.concat("I7 trialTaken", whose));
            }
            bytes32 paymentReference = bytes32((clock + i) % 40);
            bool used = credits.isReferenceUsed(plan.id, paymentReference);
            _check(used == plan.references[paymentReference], string.concat("I7 isReferenceUsed on ", _name(plan)));
        }
    }

    function checkExpiry() external onTime {
        for (uint256 i; i < plans.length; ++i) {
            for (uint256 j; j < WILLING && plans[i].duration > 0; ++j) {
                if (plans[i].kind == PlanKind.CREDITS) _checkLots(plans[i], holders[j]);
                string memory what = string.concat("I9 accessUntil on ", _name(plans[i]), " of ");
                uint256 until = credits.accessUntil(plans[i].id, holders[j]);
                _same(until, positions[plans[i].id][holders[j]].until, string.concat(what, vm.toString(holders[j])));
            }
        }
    }

    function _checkLots(PlanNote storage plan, address holder) private view {
        Lot[] memory lots = credits.lotsOf(plan.id, holder, 0, type(uint256).max);
        Lump[] storage lumps = positions[plan.id][holder].lumps;
        string memory whose = string.concat(" on ", _name(plan), " of ", vm.toString(holder));
        uint256 found;
        for (uint256 i; i < lumps.length; ++i) {
            if (lumps[i].expiresAt <= clock || lumps[i].credits == 0) continue;
            _check(found < lots.length, string.concat("I9 lotsOf: too few", whose));
            _same(lots[found].credits, lumps[i].credits, string.concat("I9 credits of a lot", whose));
            _same(lots[found++].expiresAt, lumps[i].expiresAt, string.concat("I9 expiry of a lot", whose));
        }
        _same(lots.length, found, string.concat("I9 number of lots", whose));
    }

    function checkAgents() external onTime {
        uint256[] memory counts = new uint256[](plans.length);
        for (uint256 id = 1; id <= agents.length; ++id) {
            AgentNote storage agent = agents[id - 1];
            string memory which = string.concat(" of agent ", vm.toString(id));
            _same(registry.ownerOf(id), agent.owner, string.concat("owner", which));
            _same(keccak256(bytes(registry.tokenURI(id))), keccak256(bytes(agent.uri)), string.concat("URI", which));
            _same(registry.plansOf(id).length, agent.plans.length, string.concat("number of plans", which));
            for (uint256 i; i < agent.plans.length; ++i) {
                AttachedPlan storage link = agent.plans[i];
                ++counts[indexOf[link.planId]];
                (uint32 least, uint32 most) = registry.costOf(id, link.planId);
                _check(least == link.minCredits && most == link.maxCredits, string.concat("cost", which));
                _check(_accepts(link.planId, id), string.concat("agentsOf does not name the agent", which));
            }
        }
        for (uint256 i; i < plans.length; ++i) {
            _same(registry.agentCountOf(plans[i].id), counts[i], string.concat("agents of ", _name(plans[i])));
        }
    }

    function _accepts(uint256 planId, uint256 agentId) private view returns (bool) {
        uint256[] memory ids = registry.agentsOf(planId, 0, type(uint256).max);
        for (uint256 i; i < ids.length; ++i) {
            if (ids[i] == agentId) return true;
        }
        return false;
    }
}
