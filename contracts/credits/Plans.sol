// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

import {Activation, ICredits, PlanKind, PlanState, Split, Terms} from "./ICredits.sol";
import {PlanFlags} from "./libraries/PlanFlags.sol";
import {PlanIds} from "./libraries/PlanIds.sol";
import {RedeemTerms, RedeemTermsWord} from "./libraries/RedeemTerms.sol";
import {SaleTerms, SaleTermsWord} from "./libraries/SaleTerms.sol";
import {PackedSplit, Splits} from "./libraries/Splits.sol";
import {TermsRules} from "./libraries/TermsRules.sol";

/// @title The part of Credits that knows plans: register, change, read
/// @dev OpenZeppelin brings the two-step owner, who sets the protocol fee and nothing else.
abstract contract Plans is Ownable2Step, ICredits {
    /// @dev A plan as stored. An order reads the first word and the splits, a redemption the second word and the position.
    struct Plan {
        SaleTerms sale;
        RedeemTerms redemption;
        address pendingOwner;
        address quoter;
        PackedSplit[16] splits; // MAX_SPLITS of them
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
        if (_requirePlan(planId).owner() != msg.sender) revert NotPlanOwner(planId, msg.sender);
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
    function registerPlan(Terms memory terms, bytes32 salt, string calldata planUri, uint16 maxFeeBps)
        external
        returns (uint256 planId)
    {
        // Check
        TermsRules.check(terms, MAX_SPLITS);
        uint16 feeBps = _feeBps;
        if (feeBps > maxFeeBps) revert FeeAboveMax(feeBps, maxFeeBps);
        planId = PlanIds.planIdOf(address(this), msg.sender, terms, salt);
        Plan storage plan = _plans[planId];
        if (plan.redemption.exists()) revert PlanAlreadyRegistered(planId);

        // Effect
        plan.sale = SaleTermsWord.pack(terms, feeBps);
        plan.redemption = RedeemTermsWord.pack(terms, msg.sender);
        plan.quoter = terms.quoter;
        Split[] memory splits = terms.splits;
        for (uint256 i; i < splits.length; ++i) {
            plan.splits[i] = Splits.pack(splits[i]);
        }
        emit PlanRegistered(planId, msg.sender, terms, salt, feeBps);
        _setUri(planId, planUri);
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
        Plan storage plan = _plans[planId];
        plan.sale = plan.sale.withActive(active);
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
        RedeemTerms redemption = _requirePlan(planId);
        Plan storage plan = _plans[planId];
        if (plan.pendingOwner != msg.sender) revert NotPendingPlanOwner(planId, msg.sender);
        emit PlanOwnershipTransferred(planId, redemption.owner(), msg.sender);
        plan.redemption = redemption.withOwner(msg.sender);
        plan.pendingOwner = address(0);
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc ICredits
    function termsOf(uint256 planId) external view returns (Terms memory terms) {
        RedeemTerms redemption = _requirePlan(planId);
        Plan storage plan = _plans[planId];
        SaleTerms sale = plan.sale;
        return Terms({
            kind: _kindOf(sale),
            activation: redemption.startsOnUse() ? Activation.ON_FIRST_USE : Activation.ON_PURCHASE,
            token: sale.token(),
            splits: _splitsOf(plan, sale),
            quoter: plan.quoter,
            paidExternally: sale.has(PlanFlags.PAID_EXTERNALLY),
            credits: uint32(sale.credits()),
            duration: uint32(sale.duration()),
            minRedeem: uint32(redemption.minRedeem()),
            maxRedeem: uint32(redemption.maxRedeem()),
            rule: redemption.rule(),
            trial: sale.has(PlanFlags.TRIAL),
            transferable: redemption.transferable()
        });
    }

    function _splitsOf(Plan storage plan, SaleTerms sale) private view returns (Split[] memory splits) {
        splits = new Split[](sale.splitCount());
        for (uint256 i; i < splits.length; ++i) {
            splits[i] = plan.splits[i].unpack();
        }
    }

    function _kindOf(SaleTerms sale) internal pure returns (PlanKind) {
        if (sale.has(PlanFlags.TIME)) return PlanKind.TIME;
        return sale.has(PlanFlags.USAGE) ? PlanKind.USAGE : PlanKind.CREDITS;
    }

    /// @inheritdoc ICredits
    function stateOf(uint256 planId) external view returns (PlanState memory state) {
        RedeemTerms redemption = _requirePlan(planId);
        Plan storage plan = _plans[planId];
        SaleTerms sale = plan.sale;
        return PlanState({
            owner: redemption.owner(),
            pendingOwner: plan.pendingOwner,
            active: sale.has(PlanFlags.ACTIVE),
            feeBps: uint16(sale.feeBps())
        });
    }

    /// @inheritdoc ICredits
    function isRedeemer(uint256 planId, address account) public view returns (bool) {
        return _redeemers[planId][_plans[planId].redemption.owner()][account];
    }

    /// @inheritdoc ICredits
    function isMinter(uint256 planId, address account) public view returns (bool) {
        return _minters[planId][_plans[planId].redemption.owner()][account];
    }

    function _requirePlan(uint256 planId) internal view returns (RedeemTerms redemption) {
        redemption = _plans[planId].redemption;
        if (!redemption.exists()) revert UnknownPlan(planId);
    }
}
