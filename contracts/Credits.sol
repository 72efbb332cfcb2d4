// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC1155MetadataURI} from "@openzeppelin/contracts/token/ERC1155/extensions/IERC1155MetadataURI.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ERC1155Utils} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Utils.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {
    Account,
    Activation,
    ICredits,
    Kind,
    Lot,
    Outcome,
    Permit,
    PlanState,
    Result,
    Rule,
    Settlement,
    SignedOrder,
    Split,
    Terms,
    Voucher
} from "./interfaces/ICredits.sol";
import {IQuoter} from "./interfaces/IQuoter.sol";
import {Lots} from "./libraries/Lots.sol";
import {PlanIds} from "./libraries/PlanIds.sol";
import {SignedOrders} from "./libraries/SignedOrders.sol";
import {Splits} from "./libraries/Splits.sol";
import {TermsRules} from "./libraries/TermsRules.sol";
import {Traits} from "./libraries/Traits.sol";
import {Vouchers} from "./libraries/Vouchers.sol";

/// @title Payment plans and their credits
/// @notice See {ICredits}, which documents every function, event and error.
/// @dev Read from top to bottom it is the life of a plan: register, change, order, pay, mint, redeem, settle, burn, read.
/// OpenZeppelin brings approvals, transfers and hooks of ERC-1155 and the two-step owner, who sets the protocol fee and nothing else.
/// The ledger is ours: {_grant}, {_add}, {_spend}, {_extend} and {_shorten} are the only functions that change a balance.
contract Credits is ICredits, ERC1155, Ownable2Step, EIP712 {
    using Lots for mapping(uint256 => Lots.Mark);
    using Traits for uint8;
    using Arrays for uint256[];
    using Arrays for address[];

    /// @dev A plan as stored. An order reads the first slot and the splits, a redemption the second slot and the account.
    struct Plan {
        // first slot
        address token;
        uint32 credits;
        uint32 duration;
        uint16 feeBps;
        uint8 splitCount;
        uint8 traits;
        // second slot
        address owner;
        uint32 minRedeem;
        uint32 maxRedeem; // 0 where nothing is redeemed
        uint8 rule;
        bool startsOnUse;
        bool transferable;
        // further slots
        address pendingOwner;
        address quoter;
        Split[16] splits; // MAX_SPLITS of them
        string uri;
    }

    /// @dev A holder's credits of one plan, in one slot. The balance is `granted - gone`, less what has expired since `gone` was written.
    struct Holding {
        uint64 granted; // since nothing was left the last time
        uint64 gone; // of these: redeemed, burned, transferred or expired
        uint64 settled; // by vouchers, ever
        uint24 firstLot; // earlier lots are counted in `gone`
        uint24 endLot; // one more than the last lot; 0 where credits do not expire
        bool trialTaken;
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
    mapping(uint256 planId => mapping(address holder => Holding)) private _holdings;
    mapping(uint256 planId => mapping(address holder => mapping(uint256 number => Lots.Mark))) private _lots;
    mapping(uint256 planId => mapping(address holder => uint256)) private _accessUntil;
    mapping(uint256 planId => mapping(bytes32 paymentReference => bool)) private _references;
    /// @dev Keyed by the plan owner too, so that what one owner allowed ends with their ownership.
    mapping(uint256 planId => mapping(address owner => mapping(address account => bool))) private _redeemers;
    mapping(uint256 planId => mapping(address owner => mapping(address account => bool))) private _minters;

    uint16 private _feeBps;
    address private _feeReceiver;

    /// @param feeOwner Who may set the protocol fee, which starts at zero.
    constructor(address feeOwner) ERC1155("") Ownable(feeOwner) {}

    modifier onlyPlanOwner(uint256 planId) {
        _checkPlanOwner(planId);
        _;
    }

    modifier onlyMinter(uint256 planId) {
        _checkMinter(planId);
        _;
    }

    modifier onlySelf() {
        _checkSelf();
        _;
    }

    function _checkSelf() private view {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
    }

    function _checkPlanOwner(uint256 planId) private view {
        if (_existing(planId).owner != msg.sender) revert NotPlanOwner(planId, msg.sender);
    }

    function _checkMinter(uint256 planId) private view {
        Plan storage plan = _existing(planId);
        address planOwner = plan.owner;
        if (msg.sender != planOwner && !isMinter(planId, msg.sender)) revert NotMinter(planId, msg.sender);
        if (plan.traits.has(Traits.USAGE)) revert WrongKind(planId, Kind.USAGE);
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

    // ------------------------------------------------------------------ order

    /// @inheritdoc ICredits
    function order(uint256 planId, address receiver, uint256 quantity, uint256 maxCost)
        external
        payable
        returns (uint256 cost)
    {
        return _order(planId, receiver, quantity, maxCost);
    }

    /// @inheritdoc ICredits
    function orderWithPermit(
        uint256 planId,
        address receiver,
        uint256 quantity,
        uint256 maxCost,
        Permit calldata permit
    ) external returns (uint256 cost) {
        bytes memory call = abi.encodeCall(
            IERC20Permit.permit, (msg.sender, address(this), maxCost, permit.deadline, permit.v, permit.r, permit.s)
        );
        // Whether it works does not matter: it may have been brought before. What matters is whether the payment works.
        LibCall.tryCall(_plans[planId].token, 0, gasleft(), 0, call);
        return _order(planId, receiver, quantity, maxCost);
    }

    function _order(uint256 planId, address receiver, uint256 quantity, uint256 maxCost)
        private
        returns (uint256 cost)
    {
        Plan storage plan = _plans[planId];
        uint256 granted;
        (cost, granted) = _sell(planId, plan, msg.sender, receiver, quantity, maxCost);
        _checkValue(plan, cost);
        _pay(planId, plan, msg.sender, cost);
        _askReceiver(msg.sender, planId, receiver, granted);
    }

    /// @inheritdoc ICredits
    function orderWithAuthorization(SignedOrder calldata signedOrder, bytes calldata signature)
        external
        returns (uint256 cost)
    {
        (uint256 planId, address payer, address receiver) =
            (signedOrder.planId, signedOrder.payer, signedOrder.receiver);
        Plan storage plan = _plans[planId];
        uint256 granted;
        (cost, granted) = _sell(planId, plan, payer, receiver, signedOrder.quantity, signedOrder.maxCost);
        SignedOrders.collect(signedOrder, plan.token, signature);
        _pay(planId, plan, address(this), cost);
        if (cost < signedOrder.maxCost) _send(plan.token, address(this), payer, signedOrder.maxCost - cost);
        _askReceiver(msg.sender, planId, receiver, granted);
    }

    /// @inheritdoc ICredits
    function pay(uint256 planId, uint256 quantity, uint256 maxCost, bytes32 context)
        external
        payable
        returns (uint256 cost)
    {
        Plan storage plan = _plans[planId];
        uint8 traits = plan.traits;
        if (!traits.has(Traits.USAGE)) revert WrongKind(planId, _kindOf(_existing(planId).traits));
        cost = _checkSale(planId, plan, traits, msg.sender, quantity, maxCost);
        _checkValue(plan, cost);
        emit Paid(planId, msg.sender, quantity, cost, context);
        _pay(planId, plan, msg.sender, cost);
    }

    /// @dev Check and effect of every order. What follows is the interaction: the payment, then the receiver's hook.
    function _sell(
        uint256 planId,
        Plan storage plan,
        address payer,
        address receiver,
        uint256 quantity,
        uint256 maxCost
    ) private returns (uint256 cost, uint256 granted) {
        (uint8 traits, uint256 credits) = (plan.traits, plan.credits);
        if (traits.has(Traits.USAGE)) revert WrongKind(planId, Kind.USAGE);
        cost = _checkSale(planId, plan, traits, payer, quantity, maxCost);
        unchecked {
            granted = credits * quantity; // below 2^64
        }
        _grant(msg.sender, planId, plan, traits, receiver, granted);
        emit Ordered(planId, payer, receiver, quantity, cost);
    }

    function _checkSale(
        uint256 planId,
        Plan storage plan,
        uint8 traits,
        address payer,
        uint256 quantity,
        uint256 maxCost
    ) private view returns (uint256 cost) {
        if (!traits.has(Traits.ACTIVE)) _revertNotActive(planId);
        _checkQuantity(planId, quantity, traits);
        cost = _costOf(planId, plan, traits, payer, quantity);
        if (cost > maxCost) revert CostAboveMax(cost, maxCost);
    }

    function _revertNotActive(uint256 planId) private view {
        _existing(planId);
        revert PlanNotActive(planId);
    }

    /// @dev The upper bound keeps every product of an order far from overflowing, and makes it long work for a stranger to
    /// fill somebody's account on a free plan.
    function _checkQuantity(uint256 planId, uint256 quantity, uint8 traits) private pure {
        if (quantity == 0 || quantity > MAX_QUANTITY || (quantity != 1 && traits.has(Traits.TRIAL))) {
            revert InvalidQuantity(planId, quantity);
        }
    }

    function _costOf(uint256 planId, Plan storage plan, uint8 traits, address payer, uint256 quantity)
        private
        view
        returns (uint256)
    {
        if (traits.has(Traits.OUTSIDE)) revert SettledOutside(planId);
        if (traits.has(Traits.QUOTED)) return _askQuoter(planId, plan.quoter, payer, quantity);
        unchecked {
            return _sumOfSplits(plan) * quantity; // below 16 * 2^96 * 2^32
        }
    }

    function _sumOfSplits(Plan storage plan) private view returns (uint256 sum) {
        uint256 count = plan.splitCount;
        unchecked {
            for (uint256 i; i < count; ++i) {
                sum += plan.splits[i].amount;
            }
        }
    }

    function _askQuoter(uint256 planId, address quoter, address payer, uint256 quantity)
        private
        view
        returns (uint256)
    {
        bytes memory call = abi.encodeCall(IQuoter.quote, (planId, payer, quantity));
        (bool done,, bytes memory answer) = LibCall.tryStaticCall(quoter, gasleft(), 32, call);
        if (!done || answer.length != 32 || uint256(bytes32(answer)) > type(uint128).max) {
            revert QuoteFailed(planId, quoter);
        }
        return uint256(bytes32(answer));
    }

    function _checkValue(Plan storage plan, uint256 cost) private view {
        uint256 expected = plan.token == address(0) ? cost : 0;
        if (msg.value != expected) revert WrongValue(expected, msg.value);
    }

    /// @dev Pays every split, then the fee that was taken out of them. The first receiver comes last and gets what is left.
    /// @param source The payer, or this contract where an authorization brought the money.
    function _pay(uint256 planId, Plan storage plan, address source, uint256 cost) private {
        (address token, uint256 feeBps, uint256 i) = (plan.token, plan.feeBps, plan.splitCount);
        uint256 total = i > 1 ? _sumOfSplits(plan) : 0;
        (uint256 left, uint256 fees) = (cost, 0);
        while (i > 0) {
            Split storage split = plan.splits[--i];
            uint256 due = i == 0 ? left : Splits.partDown(cost, split.amount, total);
            uint256 fee = Splits.feeDown(due, feeBps);
            unchecked {
                left -= due; // all parts together are at most the cost
                fees += fee;
                _send(token, source, split.receiver, due - fee);
            }
        }
        if (fees > 0) _payFee(planId, plan, source, fees);
    }

    /// @dev Whoever receives the fees must not be able to make an order fail, so a fee is sent in a call of its own, with
    /// limited gas. What cannot be delivered goes to the plan's first receiver.
    function _payFee(uint256 planId, Plan storage plan, address source, uint256 amount) private {
        (address token, address feeReceiver) = (plan.token, _feeReceiver);
        bytes memory call = abi.encodeCall(this.sendFee, (token, source, feeReceiver, amount));
        (bool sent,,) = LibCall.tryCall(address(this), 0, ISOLATED_GAS, 0, call);
        if (sent) return;
        emit FeeForgone(planId, feeReceiver, amount);
        _send(token, source, plan.splits[0].receiver, amount);
    }

    /// @inheritdoc ICredits
    function sendFee(address token, address payer, address receiver, uint256 amount) external onlySelf {
        if (receiver == address(0)) revert InvalidFeeReceiver(receiver);
        _send(token, payer, receiver, amount);
    }

    function _send(address token, address source, address receiver, uint256 amount) private {
        if (amount == 0) return; // some tokens refuse to move nothing
        bool sent;
        if (token == address(0)) sent = SafeTransferLib.trySafeTransferETH(receiver, amount, gasleft());
        else if (source == address(this)) sent = SafeERC20.trySafeTransfer(IERC20(token), receiver, amount);
        else sent = SafeTransferLib.trySafeTransferFrom(token, source, receiver, amount);
        if (!sent) revert PaymentFailed(token, source, receiver, amount);
    }

    // ------------------------------------------------------------------ mint

    /// @inheritdoc ICredits
    function mint(uint256 planId, address to, uint256 amount) external onlyMinter(planId) {
        _mintTo(planId, msg.sender, to, amount);
    }

    /// @inheritdoc ICredits
    function grantSettled(uint256 planId, address to, uint256 quantity, bytes32 paymentReference)
        external
        onlyMinter(planId)
    {
        Plan storage plan = _plans[planId];
        _checkQuantity(planId, quantity, plan.traits);
        if (_references[planId][paymentReference]) revert ReferenceUsed(planId, paymentReference);
        _references[planId][paymentReference] = true;
        emit GrantedSettled(planId, to, quantity, paymentReference);
        _mintTo(planId, msg.sender, to, plan.credits * quantity);
    }

    /// @inheritdoc ICredits
    function mintBatch(uint256 planId, address[] calldata to, uint256[] calldata amounts) external onlyMinter(planId) {
        if (to.length != amounts.length) revert ERC1155InvalidArrayLength(to.length, amounts.length);
        for (uint256 i; i < to.length; ++i) {
            _checkIsolatedGas();
            (address receiver, uint256 amount) = (to[i], amounts[i]);
            bytes memory call = abi.encodeCall(this.mintItem, (planId, msg.sender, receiver, amount));
            (bool done,, bytes memory reason) = LibCall.tryCall(address(this), 0, ISOLATED_GAS, 4, call);
            if (!done) emit MintSkipped(planId, receiver, amount, bytes4(reason));
        }
    }

    /// @dev A call gets at most 63/64 of what is left. Without this check a gas estimate, or a caller who sends too little,
    /// would quietly drop items of a batch.
    function _checkIsolatedGas() private view {
        uint256 required = ISOLATED_GAS + ISOLATED_GAS / 63 + 5000;
        if (gasleft() < required) revert NotEnoughGas(gasleft(), required);
    }

    /// @inheritdoc ICredits
    function mintItem(uint256 planId, address operator, address to, uint256 amount) external onlySelf {
        _mintTo(planId, operator, to, amount);
    }

    function _mintTo(uint256 planId, address operator, address to, uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        Plan storage plan = _plans[planId];
        _grant(operator, planId, plan, plan.traits, to, amount);
        _askReceiver(operator, planId, to, amount);
    }

    // ------------------------------------------------------------------ redeem, settle, burn

    /// @inheritdoc ICredits
    function redeem(uint256 planId, address holder, uint256 amount, bytes32 context) external {
        Plan storage plan = _existing(planId);
        if (!_mayRedeem(planId, plan, holder)) revert RedeemNotAllowed(planId, holder, msg.sender);
        if (plan.maxRedeem == 0) revert NotRedeemable(planId);
        if (amount < plan.minRedeem || amount > plan.maxRedeem) {
            revert RedeemOutOfRange(planId, amount, plan.minRedeem, plan.maxRedeem);
        }
        _take(planId, holder, amount);
        if (plan.startsOnUse) _extend(planId, plan, holder, amount);
        emit Redeemed(planId, holder, msg.sender, amount, context);
    }

    function _mayRedeem(uint256 planId, Plan storage plan, address holder) private view returns (bool) {
        uint8 rule = plan.rule;
        if (msg.sender == holder && rule != uint8(Rule.OWNER)) return true;
        if (msg.sender == plan.owner && rule == uint8(Rule.OWNER)) return true;
        return rule != uint8(Rule.HOLDER) && isRedeemer(planId, msg.sender);
    }

    /// @inheritdoc ICredits
    function settle(uint256 planId, Settlement[] calldata items) external returns (Outcome[] memory outcomes) {
        Plan storage plan = _existing(planId);
        if (plan.transferable || plan.maxRedeem == 0 || plan.startsOnUse) {
            revert VouchersNotAccepted(planId);
        }
        if (msg.sender != plan.owner && !isRedeemer(planId, msg.sender)) revert NotRedeemer(planId, msg.sender);
        bytes32 domainSeparator = _domainSeparator();
        outcomes = new Outcome[](items.length);
        (uint256 count, uint256 credits) = (0, 0);
        unchecked {
            for (uint256 i; i < items.length; ++i) {
                Settlement calldata item = items[i];
                (uint256 taken, Result result) = _settleOne(planId, item, domainSeparator);
                outcomes[i] = Outcome(uint64(taken), result); // at most the item's amount
                if (taken > 0) ++count;
                credits += taken;
                if (result != Result.SETTLED) emit SettledShort(planId, item.holder, taken, result);
            }
        }
        emit Settled(planId, msg.sender, count, credits);
    }

    function _settleOne(uint256 planId, Settlement calldata item, bytes32 domainSeparator)
        private
        returns (uint256 taken, Result result)
    {
        (address holder, uint256 ceiling) = (item.holder, item.ceiling);
        if (block.timestamp > item.deadline) return (0, Result.EXPIRED);
        Holding storage holding = _holdings[planId][holder];
        (uint256 granted, uint256 gone, uint256 first) = _count(planId, holder, holding);
        uint256 settled = holding.settled;
        if (settled >= ceiling) return (0, Result.USED_UP);
        if (!_hasSigned(planId, holder, ceiling, item, domainSeparator)) return (0, Result.NOT_SIGNED);
        unchecked {
            taken = item.amount;
            if (taken > ceiling - settled) taken = ceiling - settled;
            if (taken > granted - gone) (taken, result) = (granted - gone, Result.SHORT);
            if (taken == 0) return (taken, result);
            (holding.gone, holding.settled) = (uint64(gone + taken), uint64(settled + taken));
            if (first > 0) holding.firstLot = uint24(first);
        }
        _emitTransfer(msg.sender, holder, address(0), planId, taken);
    }

    /// @dev An account's own key counts first, whether or not it has code (EIP-7702); then what its code says.
    function _hasSigned(
        uint256 planId,
        address holder,
        uint256 ceiling,
        Settlement calldata item,
        bytes32 domainSeparator
    ) private view returns (bool) {
        bytes32 digest = Vouchers.digestOf(
            planId, holder, msg.sender, ceiling, item.context, item.deadline, domainSeparator
        );
        address signer = ECDSA.tryRecoverCalldata(digest, item.signature);
        if (signer == holder && signer != address(0)) return true;
        if (holder.code.length == 0) return false;
        _checkIsolatedGas();
        bytes memory call = abi.encodeCall(IERC1271.isValidSignature, (digest, item.signature));
        (bool done,, bytes memory answer) = LibCall.tryStaticCall(holder, ISOLATED_GAS, 32, call);
        return done && answer.length == 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @dev Deployed code is the published code, byte for byte: nothing of the domain is kept in it.
    function _domainNameAndVersionMayChange() internal pure override returns (bool) {
        return true;
    }

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("nvm_chain Credits", "1");
    }

    /// @inheritdoc ICredits
    function burn(uint256 planId, address holder, uint256 amount) external {
        if (msg.sender != holder) _checkAuthorized(msg.sender, holder);
        if (amount == 0) revert ZeroAmount();
        _take(planId, holder, amount);
    }

    // ------------------------------------------------------------------ the ledger

    function _grant(address operator, uint256 planId, Plan storage plan, uint8 traits, address to, uint256 amount)
        private
    {
        if (to == address(0)) revert ERC1155InvalidReceiver(to);
        if (traits.has(Traits.TRIAL)) _takeTrial(planId, to);
        if (!traits.has(Traits.TIME)) _add(planId, to, amount, plan.duration);
        else if (plan.startsOnUse) _add(planId, to, amount, 0);
        else _extend(planId, plan, to, amount);
        _emitTransfer(operator, address(0), to, planId, amount);
    }

    /// @dev The last step of every grant: a contract must say that it takes the credits.
    function _askReceiver(address operator, uint256 planId, address to, uint256 amount) private {
        ERC1155Utils.checkOnERC1155Received(operator, address(0), to, planId, amount, "");
    }

    function _takeTrial(uint256 planId, address to) private {
        Holding storage holding = _holdings[planId][to];
        if (holding.trialTaken) revert TrialAlreadyTaken(planId, to);
        holding.trialTaken = true;
    }

    function _add(uint256 planId, address to, uint256 amount, uint256 duration) private {
        Holding storage holding = _holdings[planId][to];
        (uint256 granted, uint256 end) = (holding.granted, holding.endLot);
        unchecked {
            if (
                granted > 0
                    && (granted == holding.gone || amount > type(uint64).max - granted || end == type(uint24).max)
            ) {
                (granted, end) = _restart(planId, to, holding);
            }
            if (amount > type(uint64).max - granted || end == type(uint24).max) {
                revert CreditsOverflow(planId, to, amount);
            }
            granted += amount;
            holding.granted = uint64(granted);
            if (duration == 0) return;
            _lots[planId][to][end] = Lots.Mark(uint64(block.timestamp + duration), uint64(granted));
            holding.endLot = uint24(end + 1);
        }
    }

    /// @dev Counts from zero again where that loses nothing: without lots, and where all of them are used or expired. A new
    /// purchase then takes the place of the first lot.
    function _restart(uint256 planId, address holder, Holding storage holding)
        private
        returns (uint256 granted, uint256 end)
    {
        uint256 gone;
        (granted, gone,) = _count(planId, holder, holding);
        end = holding.endLot;
        if (end > 0 && granted != gone) return (granted, end);
        (holding.gone, holding.firstLot) = (0, 0);
        return (granted - gone, 0);
    }

    /// @dev Counts what has expired as gone, which {_spend} then writes.
    function _count(uint256 planId, address holder, Holding storage holding)
        private
        view
        returns (uint256 granted, uint256 gone, uint256 first)
    {
        uint256 end;
        (granted, gone, first, end) = (holding.granted, holding.gone, holding.firstLot, holding.endLot);
        if (end == 0) return (granted, gone, first);
        mapping(uint256 => Lots.Mark) storage marks = _lots[planId][holder];
        uint256 live = marks.firstLive(first, end);
        if (live == first) return (granted, gone, first);
        uint256 expired = marks[live - 1].granted;
        return (granted, expired > gone ? expired : gone, live);
    }

    function _live(uint256 planId, address holder) private view returns (uint256) {
        (uint256 granted, uint256 gone,) = _count(planId, holder, _holdings[planId][holder]);
        return granted - gone;
    }

    function _spend(uint256 planId, address holder, uint256 amount) private {
        Holding storage holding = _holdings[planId][holder];
        (uint256 granted, uint256 gone, uint256 first) = _count(planId, holder, holding);
        unchecked {
            if (amount > granted - gone) {
                // Where periods start on purchase nothing is ever counted as granted.
                if (_startsOnPurchase(_plans[planId])) return _shorten(planId, holder, amount);
                revert InsufficientCredits(planId, holder, granted - gone, amount);
            }
            holding.gone = uint64(gone + amount);
            if (first > 0) holding.firstLot = uint24(first);
        }
    }

    function _take(uint256 planId, address holder, uint256 amount) private {
        _spend(planId, holder, amount);
        _emitTransfer(msg.sender, holder, address(0), planId, amount);
    }

    function _emitTransfer(address operator, address from, address to, uint256 planId, uint256 amount) private {
        emit TransferSingle(operator, from, to, planId, amount);
    }

    function _startsOnPurchase(Plan storage plan) private view returns (bool) {
        return plan.traits.has(Traits.TIME) && !plan.startsOnUse;
    }

    /// @dev Opens the access window or adds to its end, so that early renewal loses nothing. Cannot overflow: each call adds
    /// less than 2^96 seconds.
    function _extend(uint256 planId, Plan storage plan, address holder, uint256 periods) private {
        if (periods > type(uint64).max) revert CreditsOverflow(planId, holder, periods);
        uint256 end = _accessUntil[planId][holder];
        if (end < block.timestamp) end = block.timestamp;
        unchecked {
            _setAccess(planId, holder, end + periods * plan.duration);
        }
    }

    function _shorten(uint256 planId, address holder, uint256 periods) private {
        uint256 left = _periodsLeft(planId, holder);
        if (periods > left) revert InsufficientCredits(planId, holder, left, periods);
        uint256 end = block.timestamp;
        if (periods < left) end = _accessUntil[planId][holder] - periods * _plans[planId].duration;
        _setAccess(planId, holder, end);
    }

    function _setAccess(uint256 planId, address holder, uint256 end) private {
        _accessUntil[planId][holder] = end;
        emit AccessChanged(planId, holder, end);
    }

    /// @dev A period of which something is left counts as one.
    function _periodsLeft(uint256 planId, address holder) private view returns (uint256) {
        (uint256 end, uint256 duration) = (_accessUntil[planId][holder], _plans[planId].duration);
        return end > block.timestamp ? (end - block.timestamp + duration - 1) / duration : 0;
    }

    // ------------------------------------------------------------------ transfer

    /// @inheritdoc IERC1155
    function safeTransferFrom(address from, address to, uint256 planId, uint256 amount, bytes memory data)
        public
        override(ERC1155, IERC1155)
    {
        _checkTransfer(from, to);
        _move(planId, from, to, amount);
        _emitTransfer(msg.sender, from, to, planId, amount);
        ERC1155Utils.checkOnERC1155Received(msg.sender, from, to, planId, amount, data);
    }

    /// @inheritdoc IERC1155
    function safeBatchTransferFrom(
        address from,
        address to,
        uint256[] memory planIds,
        uint256[] memory amounts,
        bytes memory data
    ) public override(ERC1155, IERC1155) {
        _checkTransfer(from, to);
        if (planIds.length != amounts.length) revert ERC1155InvalidArrayLength(planIds.length, amounts.length);
        for (uint256 i; i < planIds.length; ++i) {
            _move(planIds.unsafeMemoryAccess(i), from, to, amounts.unsafeMemoryAccess(i));
        }
        emit TransferBatch(msg.sender, from, to, planIds, amounts);
        ERC1155Utils.checkOnERC1155BatchReceived(msg.sender, from, to, planIds, amounts, data);
    }

    function _checkTransfer(address from, address to) private view {
        if (msg.sender != from) _checkAuthorized(msg.sender, from);
        if (to == address(0)) revert ERC1155InvalidReceiver(to);
    }

    function _move(uint256 planId, address from, address to, uint256 amount) private {
        if (!_existing(planId).transferable) revert NotTransferable(planId);
        _spend(planId, from, amount);
        _add(planId, to, amount, 0);
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc IERC1155
    function balanceOf(address holder, uint256 planId) public view override(ERC1155, IERC1155) returns (uint256) {
        return _startsOnPurchase(_plans[planId]) ? _periodsLeft(planId, holder) : _live(planId, holder);
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
    function planIdOf(address creator, Terms memory terms, bytes32 salt) external view returns (uint256 planId) {
        return PlanIds.planIdOf(address(this), creator, terms, salt);
    }

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

    function _kindOf(uint8 traits) private pure returns (Kind) {
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

    /// @inheritdoc ICredits
    function quote(uint256 planId, address payer, uint256 quantity) external view returns (uint256 cost) {
        Plan storage plan = _existing(planId);
        _checkQuantity(planId, quantity, plan.traits);
        return _costOf(planId, plan, plan.traits, payer, quantity);
    }

    /// @inheritdoc ICredits
    function accountOf(uint256 planId, address holder) external view returns (Account memory account) {
        Holding storage holding = _holdings[planId][holder];
        return Account({
            balance: balanceOf(holder, planId),
            settled: holding.settled,
            accessUntil: _accessUntil[planId][holder],
            trialTaken: holding.trialTaken
        });
    }

    /// @inheritdoc ICredits
    function accessUntil(uint256 planId, address holder) external view returns (uint256) {
        return _accessUntil[planId][holder];
    }

    /// @inheritdoc ICredits
    function lotsOf(uint256 planId, address holder, uint256 offset, uint256 limit)
        external
        view
        returns (Lot[] memory lots)
    {
        mapping(uint256 => Lots.Mark) storage marks = _lots[planId][holder];
        Holding storage holding = _holdings[planId][holder];
        (, uint256 used, uint256 first) = _count(planId, holder, holding);
        uint256 end = holding.endLot;
        first = marks.firstUnused(first, end, used);
        unchecked {
            if (offset >= end - first) return lots;
            if (limit > end - first - offset) limit = end - first - offset;
            if (offset > 0) used = marks[first + offset - 1].granted;
            lots = new Lot[](limit);
            for (uint256 i; i < limit; ++i) {
                Lots.Mark storage mark = marks[first + offset + i];
                uint256 granted = mark.granted;
                lots[i] = Lot(granted - used, mark.expiresAt);
                used = granted;
            }
        }
    }

    /// @inheritdoc ICredits
    function isReferenceUsed(uint256 planId, bytes32 paymentReference) external view returns (bool) {
        return _references[planId][paymentReference];
    }

    /// @inheritdoc ICredits
    function voucherDigestOf(Voucher calldata voucher) external view returns (bytes32) {
        return Vouchers.digestOf(
            voucher.planId,
            voucher.holder,
            voucher.redeemer,
            voucher.ceiling,
            voucher.context,
            voucher.deadline,
            _domainSeparator()
        );
    }

    /// @inheritdoc ICredits
    function authorizationNonceOf(SignedOrder calldata signedOrder) external view returns (bytes32) {
        return SignedOrders.nonceOf(signedOrder);
    }

    /// @inheritdoc ICredits
    function canRedeem(uint256 planId, address holder, uint256 amount) external view returns (bool ok, bytes4 reason) {
        Plan storage plan = _plans[planId];
        if (plan.owner == address(0)) return (false, UnknownPlan.selector);
        if (plan.maxRedeem == 0) return (false, NotRedeemable.selector);
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
