// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {Activation, ICredits, Kind, PlanState, Rule, Split, Terms} from "../interfaces/ICredits.sol";
import {PlanIds} from "../libraries/PlanIds.sol";
import {TermsRules} from "../libraries/TermsRules.sol";
import {Traits} from "../libraries/Traits.sol";

/// @title The part of Credits that knows plans: register, change, read
/// @dev OpenZeppelin brings the two-step owner, who sets the protocol fee and nothing else.
abstract contract Plans is Ownable2Step, ICredits {
    using Traits for uint8;

    /// @dev A plan as stored. An order reads the first slot and the splits, a redemption the second slot and the account.
    struct Plan {
        // first slot
        address token;
        uint32 credits;
        uint32 duration;
        uint16 feeBps;
        uint8 splitCount;
        uint8 traits; // bits of {Traits}
        // second slot
        address owner;
        uint32 minRedeem;
        uint32 maxRedeem; // 0 where nothing is redeemed
        uint8 rule; // a {Rule}
        bool startsOnUse; // a period starts when it is redeemed
        bool transferable;
        // further slots
        address pendingOwner;
        address quoter;
        Split[16] splits; // MAX_SPLITS of them
        string uri;
    }

    /// @inheritdoc ICredits
    uint256 public constant MAX_FEE_BPS = 1000;

    /// @inheritdoc ICredits
    uint256 public constant MAX_SPLITS = 16;

    mapping(uint256 planId => Plan) internal _plans;

    /// @dev Keyed by the plan owner too, so that what one owner allowed ends with their ownership.
    mapping(uint256 planId => mapping(address owner => mapping(address account => bool))) private _redeemers;
    mapping(uint256 planId => mapping(address owner => mapping(address account => bool))) private _minters;

    uint16 private _feeBps;
    address internal _feeReceiver;

    modifier onlyPlanOwner(uint256 planId) {
        _checkPlanOwner(planId);
        _;
    }

    function _checkPlanOwner(uint256 planId) private view {
        if (_existing(planId).owner != msg.sender) revert NotPlanOwner(planId, msg.sender);
    }

    // ------------------------------------------------------------------ protocol fee

    /// @inheritdoc ICredits
    function setProtocolFee(uint16 feeBps, address receiver) external onlyOwner {
        if (feeBps > MAX_FEE_BPS) revert FeeAboveCap(feeBps, MAX_FEE_BPS);
        if (receiver == address(this) || (feeBps > 0 && receiver == address(0))) revert InvalidFeeReceiver(receiver);
        _feeBps = feeBps;
        _feeReceiver = receiver;
        emit ProtocolFeeSet(feeBps, receiver);
    }

    /// @inheritdoc ICredits
    function protocolFee() external view returns (uint16 feeBps, address receiver) {
        return (_feeBps, _feeReceiver);
    }

    // ------------------------------------------------------------------ register

    /// @inheritdoc ICredits
    function registerPlan(Terms memory terms, bytes32 salt, string calldata planUri) external returns (uint256 planId) {
        TermsRules.check(terms, MAX_SPLITS);
        planId = PlanIds.planIdOf(address(this), msg.sender, terms, salt);
        Plan storage plan = _plans[planId];
        if (plan.owner != address(0)) revert PlanAlreadyRegistered(planId);

        uint16 feeBps = _feeBps;
        uint8 traits = _traitsOf(terms);
        plan.token = terms.token;
        plan.credits = terms.credits;
        plan.duration = terms.duration;
        plan.feeBps = feeBps;
        plan.splitCount = uint8(terms.splits.length); // at most MAX_SPLITS
        plan.traits = traits;
        plan.owner = msg.sender;
        plan.minRedeem = terms.minRedeem;
        plan.maxRedeem = terms.maxRedeem;
        plan.rule = uint8(terms.rule);
        plan.startsOnUse = terms.activation == Activation.ON_FIRST_USE;
        plan.transferable = terms.transferable;
        plan.quoter = terms.quoter;
        Split[] memory splits = terms.splits;
        for (uint256 i; i < splits.length; ++i) {
            plan.splits[i] = splits[i];
        }
        emit PlanRegistered(planId, msg.sender, terms, salt, feeBps);
        _setUri(planId, planUri);
    }

    function _traitsOf(Terms memory terms) private pure returns (uint8 traits) {
        traits = Traits.ACTIVE;
        if (terms.trial) traits |= Traits.TRIAL;
        if (terms.kind == Kind.TIME) traits |= Traits.TIME;
        if (terms.kind == Kind.USAGE) traits |= Traits.USAGE;
        if (terms.quoter != address(0)) traits |= Traits.QUOTED;
        if (terms.settledOutside) traits |= Traits.OUTSIDE;
    }

    /// @inheritdoc ICredits
    function planIdOf(address creator, Terms memory terms, bytes32 salt) external view returns (uint256 planId) {
        return PlanIds.planIdOf(address(this), creator, terms, salt);
    }

    // ------------------------------------------------------------------ change

    /// @inheritdoc ICredits
    function setPlanUri(uint256 planId, string calldata planUri) external onlyPlanOwner(planId) {
        _setUri(planId, planUri);
    }

    function _setUri(uint256 planId, string calldata planUri) private {
        _plans[planId].uri = planUri;
        emit URI(planUri, planId);
    }

    /// @inheritdoc ICredits
    function setPlanActive(uint256 planId, bool active) external onlyPlanOwner(planId) {
        uint8 others = _plans[planId].traits & ~Traits.ACTIVE;
        _plans[planId].traits = active ? others | Traits.ACTIVE : others;
        emit PlanActiveSet(planId, active);
    }

    /// @inheritdoc ICredits
    function setRedeemer(uint256 planId, address redeemer, bool allowed) external onlyPlanOwner(planId) {
        _redeemers[planId][msg.sender][redeemer] = allowed;
        emit RedeemerSet(planId, msg.sender, redeemer, allowed);
    }

    /// @inheritdoc ICredits
    function setMinter(uint256 planId, address minter, bool allowed) external onlyPlanOwner(planId) {
        _minters[planId][msg.sender][minter] = allowed;
        emit MinterSet(planId, msg.sender, minter, allowed);
    }

    /// @inheritdoc ICredits
    function transferPlanOwnership(uint256 planId, address newOwner) external onlyPlanOwner(planId) {
        _plans[planId].pendingOwner = newOwner;
        emit PlanOwnershipOffered(planId, msg.sender, newOwner);
    }

    /// @inheritdoc ICredits
    function acceptPlanOwnership(uint256 planId) external {
        Plan storage plan = _existing(planId);
        if (plan.pendingOwner != msg.sender) revert NotPendingPlanOwner(planId, msg.sender);
        emit PlanOwnershipTransferred(planId, plan.owner, msg.sender);
        plan.owner = msg.sender;
        plan.pendingOwner = address(0);
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc ICredits
    function termsOf(uint256 planId) external view returns (Terms memory terms) {
        Plan storage plan = _existing(planId);
        uint8 traits = plan.traits;
        return Terms({
            kind: _kindOf(traits),
            activation: plan.startsOnUse ? Activation.ON_FIRST_USE : Activation.ON_PURCHASE,
            token: plan.token,
            splits: _splitsOf(plan),
            quoter: plan.quoter,
            settledOutside: traits.has(Traits.OUTSIDE),
            credits: plan.credits,
            duration: plan.duration,
            minRedeem: plan.minRedeem,
            maxRedeem: plan.maxRedeem,
            rule: Rule(plan.rule),
            trial: traits.has(Traits.TRIAL),
            transferable: plan.transferable
        });
    }

    function _splitsOf(Plan storage plan) private view returns (Split[] memory splits) {
        splits = new Split[](plan.splitCount);
        for (uint256 i; i < splits.length; ++i) {
            splits[i] = plan.splits[i];
        }
    }

    function _kindOf(uint8 traits) internal pure returns (Kind) {
        if (traits.has(Traits.TIME)) return Kind.TIME;
        return traits.has(Traits.USAGE) ? Kind.USAGE : Kind.CREDITS;
    }

    /// @inheritdoc ICredits
    function stateOf(uint256 planId) external view returns (PlanState memory state) {
        Plan storage plan = _existing(planId);
        return PlanState({
            owner: plan.owner,
            pendingOwner: plan.pendingOwner,
            active: plan.traits.has(Traits.ACTIVE),
            feeBps: plan.feeBps
        });
    }

    /// @inheritdoc ICredits
    function isRedeemer(uint256 planId, address account) public view returns (bool) {
        return _redeemers[planId][_plans[planId].owner][account];
    }

    /// @inheritdoc ICredits
    function isMinter(uint256 planId, address account) public view returns (bool) {
        return _minters[planId][_plans[planId].owner][account];
    }

    function _existing(uint256 planId) internal view returns (Plan storage plan) {
        plan = _plans[planId];
        if (plan.owner == address(0)) revert UnknownPlan(planId);
    }
}
