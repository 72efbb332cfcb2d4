// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ERC1155Utils} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Utils.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {Account, ICredits, PlanState, Rule, Split, Terms} from "./interfaces/ICredits.sol";
import {PlanIds} from "./libraries/PlanIds.sol";
import {Splits} from "./libraries/Splits.sol";

/// @title Payment plans and their credits
/// @notice See {ICredits}, which documents every function, event and error.
/// @dev Read from top to bottom it is the life of a plan: register, change, order, mint, redeem, burn, transfer, read.
/// OpenZeppelin brings approvals, transfers and hooks of ERC-1155 and the two-step owner, who sets the protocol fee and nothing else.
/// The ledger is ours: {_grant} and {_spend} are the only functions that change a balance.
contract Credits is ICredits, ERC1155, Ownable2Step {
    /// @dev A plan as stored. An order reads the first slot and the splits, a redemption the second slot and the account.
    struct Plan {
        // first slot
        address token;
        uint40 credits;
        uint16 feeBps;
        uint8 splitCount;
        bool trial;
        bool active;
        // second slot
        address owner;
        uint40 minRedeem;
        uint40 maxRedeem;
        Rule rule;
        bool transferable;
        // further slots
        address pendingOwner;
        Split[16] splits; // MAX_SPLITS of them
        string uri;
    }

    /// @inheritdoc ICredits
    uint256 public constant MAX_FEE_BPS = 1000;
    /// @inheritdoc ICredits
    uint256 public constant MAX_SPLITS = 16;
    /// @inheritdoc ICredits
    uint256 public constant MAX_QUANTITY = type(uint32).max;
    /// @inheritdoc ICredits
    uint256 public constant ISOLATED_GAS = 200_000;

    mapping(uint256 planId => Plan) private _plans;
    mapping(uint256 planId => mapping(address holder => Account)) private _accounts;
    /// @dev Keyed by the plan owner too, so that what one owner allowed ends with their ownership.
    mapping(uint256 planId => mapping(address owner => mapping(address account => bool))) private _redeemers;
    mapping(uint256 planId => mapping(address owner => mapping(address account => bool))) private _minters;

    uint16 private _feeBps;
    address private _feeReceiver;

    /// @param feeOwner Who may set the protocol fee, which starts at zero.
    constructor(address feeOwner) ERC1155("") Ownable(feeOwner) {}

    modifier onlyPlanOwner(uint256 planId) {
        if (_existing(planId).owner != msg.sender) revert NotPlanOwner(planId, msg.sender);
        _;
    }

    modifier onlyMinter(uint256 planId) {
        address planOwner = _existing(planId).owner;
        if (msg.sender != planOwner && !_minters[planId][planOwner][msg.sender]) revert NotMinter(planId, msg.sender);
        _;
    }

    modifier onlySelf() {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
        _;
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

    // ------------------------------------------------------------------ register

    /// @inheritdoc ICredits
    function registerPlan(Terms calldata terms, bytes32 salt, string calldata planUri)
        external
        returns (uint256 planId)
    {
        _checkTerms(terms);
        planId = PlanIds.planIdOf(address(this), msg.sender, terms, salt);
        Plan storage plan = _plans[planId];
        if (plan.owner != address(0)) revert PlanAlreadyRegistered(planId);

        uint16 feeBps = _feeBps;
        plan.token = terms.token;
        plan.credits = terms.credits;
        plan.feeBps = feeBps;
        plan.splitCount = uint8(terms.splits.length); // at most MAX_SPLITS
        plan.trial = terms.trial;
        plan.active = true;
        plan.owner = msg.sender;
        plan.minRedeem = terms.minRedeem;
        plan.maxRedeem = terms.maxRedeem;
        plan.rule = terms.rule;
        plan.transferable = terms.transferable;
        for (uint256 i; i < terms.splits.length; ++i) {
            plan.splits[i] = terms.splits[i];
        }
        plan.uri = planUri;

        emit PlanRegistered(planId, msg.sender, terms, salt, feeBps);
        emit URI(planUri, planId);
    }

    function _checkTerms(Terms calldata terms) private view {
        if (terms.credits == 0) revert ZeroCredits();
        if (terms.minRedeem == 0 || terms.minRedeem > terms.maxRedeem) {
            revert InvalidRedeemRange(terms.minRedeem, terms.maxRedeem);
        }
        if (terms.splits.length > MAX_SPLITS) revert TooManySplits(terms.splits.length, MAX_SPLITS);
        for (uint256 i; i < terms.splits.length; ++i) {
            Split calldata split = terms.splits[i];
            if (split.amount == 0 || split.receiver == address(0) || split.receiver == address(this)) {
                revert InvalidSplit(i, split.receiver, split.amount);
            }
        }
        if (terms.splits.length > 0 && terms.token != address(0) && terms.token.code.length == 0) {
            revert TokenWithoutCode(terms.token);
        }
    }

    // ------------------------------------------------------------------ change

    /// @inheritdoc ICredits
    function setPlanUri(uint256 planId, string calldata planUri) external onlyPlanOwner(planId) {
        _plans[planId].uri = planUri;
        emit URI(planUri, planId);
    }

    /// @inheritdoc ICredits
    function setPlanActive(uint256 planId, bool active) external onlyPlanOwner(planId) {
        _plans[planId].active = active;
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

    // ------------------------------------------------------------------ order

    /// @inheritdoc ICredits
    function order(uint256 planId, address receiver, uint256 quantity, uint256 maxCost)
        external
        payable
        returns (uint256 cost)
    {
        // Check
        Plan storage plan = _plans[planId];
        (bool active, bool trial, address token, uint256 count) = (plan.active, plan.trial, plan.token, plan.splitCount);
        if (!active) _revertNotActive(planId);
        _checkQuantity(planId, quantity, trial);
        cost = _costOf(plan, count, quantity);
        if (cost > maxCost) revert CostAboveMax(cost, maxCost);
        _checkValue(token == address(0) ? cost : 0);

        // Effect
        uint256 granted = plan.credits * quantity;
        _grant(planId, msg.sender, receiver, granted, trial);
        emit Ordered(planId, msg.sender, receiver, quantity, cost);

        // Interaction
        _pay(planId, plan, token, quantity);
        ERC1155Utils.checkOnERC1155Received(msg.sender, address(0), receiver, planId, granted, "");
    }

    function _revertNotActive(uint256 planId) private view {
        _existing(planId);
        revert PlanNotActive(planId);
    }

    /// @dev The upper bound keeps every product of an order far from overflowing, and makes it long work for a stranger to
    /// fill somebody's account on a free plan.
    function _checkQuantity(uint256 planId, uint256 quantity, bool trial) private pure {
        if (quantity == 0 || quantity > MAX_QUANTITY || (trial && quantity != 1)) {
            revert InvalidQuantity(planId, quantity);
        }
    }

    function _costOf(Plan storage plan, uint256 count, uint256 quantity) private view returns (uint256 cost) {
        unchecked {
            for (uint256 i; i < count; ++i) {
                cost += plan.splits[i].amount;
            }
            cost *= quantity; // below 16 * 2^96 * 2^32
        }
    }

    function _checkValue(uint256 expected) private view {
        if (msg.value != expected) revert WrongValue(expected, msg.value);
    }

    /// @dev Pays every split straight from the caller, then the fee that was taken out of them.
    function _pay(uint256 planId, Plan storage plan, address token, uint256 quantity) private {
        (uint256 count, uint256 feeBps) = (plan.splitCount, plan.feeBps);
        uint256 fees;
        for (uint256 i; i < count; ++i) {
            Split storage split = plan.splits[i];
            (address receiver, uint256 amount) = (split.receiver, split.amount);
            (uint256 share, uint256 fee) = Splits.shareAndFeeDown(amount, quantity, feeBps);
            fees += fee;
            _send(token, msg.sender, receiver, share);
        }
        if (fees > 0) _payFee(planId, plan, token, fees);
    }

    /// @dev Whoever receives the fees must not be able to make an order fail, so a fee is sent in a call of its own, with
    /// limited gas. What cannot be delivered goes to the plan's first receiver.
    function _payFee(uint256 planId, Plan storage plan, address token, uint256 amount) private {
        address feeReceiver = _feeReceiver;
        bytes memory call = abi.encodeCall(this.sendFee, (token, msg.sender, feeReceiver, amount));
        (bool sent,,) = LibCall.tryCall(address(this), 0, ISOLATED_GAS, 0, call);
        if (sent) return;
        emit FeeForgone(planId, feeReceiver, amount);
        _send(token, msg.sender, plan.splits[0].receiver, amount);
    }

    /// @inheritdoc ICredits
    function sendFee(address token, address payer, address receiver, uint256 amount) external onlySelf {
        if (receiver == address(0)) revert InvalidFeeReceiver(receiver);
        _send(token, payer, receiver, amount);
    }

    function _send(address token, address payer, address receiver, uint256 amount) private {
        bool sent = token == address(0)
            ? SafeTransferLib.trySafeTransferETH(receiver, amount, gasleft())
            : SafeTransferLib.trySafeTransferFrom(token, payer, receiver, amount);
        if (!sent) revert PaymentFailed(token, payer, receiver, amount);
    }

    // ------------------------------------------------------------------ mint

    /// @inheritdoc ICredits
    function mint(uint256 planId, address to, uint256 amount) external onlyMinter(planId) {
        _mintTo(planId, msg.sender, to, amount);
    }

    /// @inheritdoc ICredits
    function mintBatch(uint256 planId, address[] calldata to, uint256[] calldata amounts) external onlyMinter(planId) {
        if (to.length != amounts.length) revert ERC1155InvalidArrayLength(to.length, amounts.length);
        // A call gets at most 63/64 of what is left. Without this check a gas estimate, or a caller who sends too little,
        // would quietly drop items.
        uint256 required = ISOLATED_GAS + ISOLATED_GAS / 63 + 5000;
        for (uint256 i; i < to.length; ++i) {
            if (gasleft() < required) revert NotEnoughGas(gasleft(), required);
            bytes memory call = abi.encodeCall(this.mintItem, (planId, msg.sender, to[i], amounts[i]));
            (bool done,, bytes memory reason) = LibCall.tryCall(address(this), 0, ISOLATED_GAS, 4, call);
            if (!done) emit MintSkipped(planId, to[i], amounts[i], bytes4(reason));
        }
    }

    /// @inheritdoc ICredits
    function mintItem(uint256 planId, address operator, address to, uint256 amount) external onlySelf {
        _mintTo(planId, operator, to, amount);
    }

    function _mintTo(uint256 planId, address operator, address to, uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        _grant(planId, operator, to, amount, _plans[planId].trial);
        ERC1155Utils.checkOnERC1155Received(operator, address(0), to, planId, amount, "");
    }

    // ------------------------------------------------------------------ redeem, burn

    /// @inheritdoc ICredits
    function redeem(uint256 planId, address holder, uint256 amount, bytes32 context) external {
        Plan storage plan = _existing(planId);
        if (!_mayRedeem(planId, plan, holder)) revert RedeemNotAllowed(planId, holder, msg.sender);
        if (amount < plan.minRedeem || amount > plan.maxRedeem) {
            revert RedeemOutOfRange(planId, amount, plan.minRedeem, plan.maxRedeem);
        }
        _spend(planId, holder, amount);
        emit TransferSingle(msg.sender, holder, address(0), planId, amount);
        emit Redeemed(planId, holder, msg.sender, amount, context);
    }

    function _mayRedeem(uint256 planId, Plan storage plan, address holder) private view returns (bool) {
        Rule rule = plan.rule;
        if (rule != Rule.OWNER && msg.sender == holder) return true;
        if (rule == Rule.OWNER && msg.sender == plan.owner) return true;
        return rule != Rule.HOLDER && _redeemers[planId][plan.owner][msg.sender];
    }

    /// @inheritdoc ICredits
    function burn(uint256 planId, address holder, uint256 amount) external {
        if (msg.sender != holder) _checkAuthorized(msg.sender, holder);
        if (amount == 0) revert ZeroAmount();
        _spend(planId, holder, amount);
        emit TransferSingle(msg.sender, holder, address(0), planId, amount);
    }

    // ------------------------------------------------------------------ the ledger

    function _grant(uint256 planId, address operator, address to, uint256 amount, bool trial) private {
        if (to == address(0)) revert ERC1155InvalidReceiver(to);
        _add(planId, to, amount, trial);
        emit TransferSingle(operator, address(0), to, planId, amount);
    }

    function _add(uint256 planId, address to, uint256 amount, bool trial) private {
        Account storage account = _accounts[planId][to];
        uint256 granted = account.granted;
        unchecked {
            if (amount > type(uint72).max - granted) revert CreditsOverflow(planId, to, amount);
            account.granted = uint72(granted + amount);
        }
        if (trial) {
            if (account.trialTaken) revert TrialAlreadyTaken(planId, to);
            account.trialTaken = true;
        }
    }

    function _spend(uint256 planId, address holder, uint256 amount) private {
        Account storage account = _accounts[planId][holder];
        (uint256 granted, uint256 spent) = (account.granted, account.spent);
        unchecked {
            if (amount > granted - spent) revert InsufficientCredits(planId, holder, granted - spent, amount);
            account.spent = uint72(spent + amount);
        }
    }

    /// @dev Every ERC-1155 transfer comes through here; OpenZeppelin checks approval before and calls the hook after.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory values) internal override {
        if (ids.length != values.length) revert ERC1155InvalidArrayLength(ids.length, values.length);
        for (uint256 i; i < ids.length; ++i) {
            if (!_existing(ids[i]).transferable) revert NotTransferable(ids[i]);
            _spend(ids[i], from, values[i]);
            _add(ids[i], to, values[i], false);
        }
        if (ids.length == 1) emit TransferSingle(msg.sender, from, to, ids[0], values[0]);
        else emit TransferBatch(msg.sender, from, to, ids, values);
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc IERC1155
    function balanceOf(address holder, uint256 planId) public view override(ERC1155, IERC1155) returns (uint256) {
        Account storage account = _accounts[planId][holder];
        return account.granted - account.spent;
    }

    /// @inheritdoc IERC1155MetadataURI
    function uri(uint256 planId) public view override(ERC1155, IERC1155MetadataURI) returns (string memory) {
        return _plans[planId].uri;
    }

    /// @inheritdoc ICredits
    function protocolFee() external view returns (uint16 feeBps, address receiver) {
        return (_feeBps, _feeReceiver);
    }

    /// @inheritdoc ICredits
    function planIdOf(address creator, Terms calldata terms, bytes32 salt) external view returns (uint256 planId) {
        return PlanIds.planIdOf(address(this), creator, terms, salt);
    }

    /// @inheritdoc ICredits
    function termsOf(uint256 planId) external view returns (Terms memory terms) {
        Plan storage plan = _existing(planId);
        return Terms({
            token: plan.token,
            splits: _splitsOf(plan),
            credits: plan.credits,
            minRedeem: plan.minRedeem,
            maxRedeem: plan.maxRedeem,
            rule: plan.rule,
            trial: plan.trial,
            transferable: plan.transferable
        });
    }

    /// @inheritdoc ICredits
    function stateOf(uint256 planId) external view returns (PlanState memory state) {
        Plan storage plan = _existing(planId);
        return PlanState({owner: plan.owner, pendingOwner: plan.pendingOwner, active: plan.active, feeBps: plan.feeBps});
    }

    /// @inheritdoc ICredits
    function isRedeemer(uint256 planId, address account) external view returns (bool) {
        return _redeemers[planId][_plans[planId].owner][account];
    }

    /// @inheritdoc ICredits
    function isMinter(uint256 planId, address account) external view returns (bool) {
        return _minters[planId][_plans[planId].owner][account];
    }

    /// @inheritdoc ICredits
    function quote(uint256 planId, address, uint256 quantity) external view returns (uint256 cost) {
        Plan storage plan = _existing(planId);
        _checkQuantity(planId, quantity, plan.trial);
        return _costOf(plan, plan.splitCount, quantity);
    }

    /// @inheritdoc ICredits
    function accountOf(uint256 planId, address holder) external view returns (Account memory account) {
        return _accounts[planId][holder];
    }

    /// @inheritdoc ICredits
    function canRedeem(uint256 planId, address holder, uint256 amount) external view returns (bool ok, bytes4 reason) {
        Plan storage plan = _plans[planId];
        if (plan.owner == address(0)) return (false, UnknownPlan.selector);
        if (amount < plan.minRedeem || amount > plan.maxRedeem) return (false, RedeemOutOfRange.selector);
        if (amount > balanceOf(holder, planId)) return (false, InsufficientCredits.selector);
        return (true, bytes4(0));
    }

    function _existing(uint256 planId) private view returns (Plan storage plan) {
        plan = _plans[planId];
        if (plan.owner == address(0)) revert UnknownPlan(planId);
    }

    function _splitsOf(Plan storage plan) private view returns (Split[] memory splits) {
        splits = new Split[](plan.splitCount);
        for (uint256 i; i < splits.length; ++i) {
            splits[i] = plan.splits[i];
        }
    }
}
