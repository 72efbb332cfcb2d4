// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ECDSA} from "solady/utils/ECDSA.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {
    ICredits,
    Kind,
    Outcome,
    Permit,
    Result,
    Rule,
    Settlement,
    SignedOrder,
    Split,
    Voucher
} from "./interfaces/ICredits.sol";
import {IQuoter} from "./interfaces/IQuoter.sol";
import {SignedOrders} from "./libraries/SignedOrders.sol";
import {Splits} from "./libraries/Splits.sol";
import {Traits} from "./libraries/Traits.sol";
import {Vouchers} from "./libraries/Vouchers.sol";
import {Ledger} from "./parts/Ledger.sol";

/// @title Payment plans and their credits
/// @notice See {ICredits}, which documents every function, event and error.
/// @dev One contract in three files: {Plans} knows what is sold, {Ledger} who has what, and this one is what people do with it:
/// order, pay, mint, redeem, settle, burn. Read in that order, it is the life of a plan.
contract Credits is Ledger, EIP712 {
    using Traits for uint8;

    /// @inheritdoc ICredits
    uint256 public constant MAX_QUANTITY = type(uint32).max;

    /// @inheritdoc ICredits
    uint256 public constant ISOLATED_GAS = 200_000;

    mapping(uint256 planId => mapping(bytes32 paymentReference => bool)) private _references;

    /// @param feeOwner Who may set the protocol fee, which starts at zero.
    constructor(address feeOwner) ERC1155("") Ownable(feeOwner) {}

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

    function _checkMinter(uint256 planId) private view {
        Plan storage plan = _existing(planId);
        address planOwner = plan.owner;
        if (msg.sender != planOwner && !isMinter(planId, msg.sender)) revert NotMinter(planId, msg.sender);
        if (plan.traits.has(Traits.USAGE)) revert WrongKind(planId, Kind.USAGE);
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

    /// @inheritdoc ICredits
    function quote(uint256 planId, address payer, uint256 quantity) external view returns (uint256 cost) {
        Plan storage plan = _existing(planId);
        _checkQuantity(planId, quantity, plan.traits);
        return _costOf(planId, plan, plan.traits, payer, quantity);
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

    // ------------------------------------------------------------------ payment

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
            (address receiver, uint256 amount) = (to[i], amounts[i]);
            bytes memory call = abi.encodeCall(this.mintItem, (planId, msg.sender, receiver, amount));
            _checkIsolatedGas();
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
        (uint256 left, uint256 first) = _count(planId, holder, holding);
        uint256 settled = holding.settled;
        if (settled >= ceiling) return (0, Result.USED_UP);
        if (!_hasSigned(planId, holder, ceiling, item, domainSeparator)) return (0, Result.NOT_SIGNED);
        unchecked {
            taken = item.amount;
            if (taken > ceiling - settled) taken = ceiling - settled;
            if (taken > left) (taken, result) = (left, Result.SHORT);
            if (taken == 0) return (taken, result);
            _keepSettled(holding, left - taken, first, settled + taken); // settled stays below the ceiling
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
        bytes memory call = abi.encodeCall(IERC1271.isValidSignature, (digest, item.signature));
        _checkIsolatedGas();
        (bool done,, bytes memory answer) = LibCall.tryStaticCall(holder, ISOLATED_GAS, 32, call);
        return done && answer.length == 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @inheritdoc ICredits
    function burn(uint256 planId, address holder, uint256 amount) external {
        if (msg.sender != holder) _checkAuthorized(msg.sender, holder);
        if (amount == 0) revert ZeroAmount();
        _take(planId, holder, amount);
    }

    // ------------------------------------------------------------------ what is signed

    /// @dev Deployed code is the published code, byte for byte: nothing of the domain is kept in it.
    function _domainNameAndVersionMayChange() internal pure override returns (bool) {
        return true;
    }

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("nvm_chain Credits", "1");
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

    // ------------------------------------------------------------------ reads

    /// @inheritdoc ICredits
    function isReferenceUsed(uint256 planId, bytes32 paymentReference) external view returns (bool) {
        return _references[planId][paymentReference];
    }
}
