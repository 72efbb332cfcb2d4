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

import {Ledger} from "./Ledger.sol";
import {
    ICredits,
    OrderAuthorization,
    Permit,
    PlanKind,
    RedemptionRule,
    Settlement,
    SettlementOutcome,
    SettlementResult,
    Voucher
} from "./ICredits.sol";
import {IQuoter} from "./IQuoter.sol";
import {Holding} from "./libraries/Holding.sol";
import {OrderAuthorizations} from "./libraries/OrderAuthorizations.sol";
import {PlanFlags} from "./libraries/PlanFlags.sol";
import {RedeemTerms} from "./libraries/RedeemTerms.sol";
import {SaleTerms} from "./libraries/SaleTerms.sol";
import {OutcomeList, SettlementData, SettlementItem, VoucherForm} from "./libraries/SettlementData.sol";
import {PackedSplit, Splits} from "./libraries/Splits.sol";
import {Vouchers} from "./libraries/Vouchers.sol";

/// @title Payment plans and their credits
/// @notice See {ICredits}, which documents every function, event and error.
/// @dev One contract in three files: {Plans} knows what is sold, {Ledger} who has what, and this one is what people do with it:
/// order, pay, mint, redeem, settle, burn. Read in that order, it is the life of a plan.
contract Credits is Ledger, EIP712 {
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
        RedeemTerms redemption = _requirePlan(planId);
        if (msg.sender != redemption.owner() && !isMinter(planId, msg.sender)) revert NotMinter(planId, msg.sender);
        if (_plans[planId].sale.has(PlanFlags.USAGE)) revert WrongKind(planId, PlanKind.USAGE);
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
        LibCall.tryCall(_plans[planId].sale.token(), 0, gasleft(), 0, call);
        return _order(planId, receiver, quantity, maxCost);
    }

    function _order(uint256 planId, address receiver, uint256 quantity, uint256 maxCost)
        private
        returns (uint256 cost)
    {
        Plan storage plan = _plans[planId];
        SaleTerms sale = plan.sale;
        if (sale.isPlain()) return _orderPlain(planId, plan, sale, receiver, quantity, maxCost);

        // Check and effect
        uint256 granted;
        (cost, granted) = _purchase(planId, plan, sale, msg.sender, receiver, quantity, maxCost);
        _checkValue(sale, cost);

        // Interaction
        _pay(planId, plan, sale, msg.sender, cost);
        _checkReceiver(msg.sender, planId, receiver, granted);
    }

    /// @dev The straight path for most plans: what {_order} does, without what a plain plan does not need. A test holds both equal.
    function _orderPlain(
        uint256 planId,
        Plan storage plan,
        SaleTerms sale,
        address receiver,
        uint256 quantity,
        uint256 maxCost
    ) private returns (uint256 cost) {
        // Check
        PackedSplit split = plan.splits[0];
        uint256 granted;
        unchecked {
            if (quantity - 1 >= MAX_QUANTITY) _revertInvalidQuantity(planId, quantity); // 0 too
            cost = split.amount() * quantity;
            granted = sale.credits() * quantity;
        }
        if (cost > maxCost) _revertCostAboveMax(cost, maxCost);
        if (receiver == address(0)) _revertInvalidReceiver();

        // Effect
        _add(_positionOf(planId, receiver), planId, receiver, granted, sale.duration());
        _emitTransfer(msg.sender, address(0), receiver, planId, granted);
        emit Ordered(planId, msg.sender, receiver, quantity, cost);

        // Interaction
        address token = sale.token();
        if (token == address(0)) {
            _checkValue(sale, cost);
            _send(token, msg.sender, split.receiver(), cost);
        } else {
            if (msg.value > 0) _checkValue(sale, cost);
            bool sent = SafeTransferLib.trySafeTransferFrom(token, msg.sender, split.receiver(), cost);
            if (!sent) _revertPaymentFailed(token, msg.sender, split.receiver(), cost);
        }
        if (receiver.code.length > 0) _checkReceiver(msg.sender, planId, receiver, granted);
    }

    /// @inheritdoc ICredits
    function orderWithAuthorization(OrderAuthorization calldata authorization, bytes calldata signature)
        external
        returns (uint256 cost)
    {
        uint256 planId = authorization.planId;
        Plan storage plan = _plans[planId];
        SaleTerms sale = plan.sale;

        // Check and effect
        uint256 granted;
        (cost, granted) = _purchase(
            planId,
            plan,
            sale,
            authorization.payer,
            authorization.receiver,
            authorization.quantity,
            authorization.maxCost
        );

        // Interaction
        OrderAuthorizations.collect(authorization, sale.token(), signature);
        _pay(planId, plan, sale, address(this), cost);
        if (cost < authorization.maxCost) {
            _send(sale.token(), address(this), authorization.payer, authorization.maxCost - cost);
        }
        if (authorization.receiver.code.length > 0) {
            _checkReceiver(msg.sender, planId, authorization.receiver, granted);
        }
    }

    /// @inheritdoc ICredits
    function payUsage(uint256 planId, uint256 quantity, uint256 maxCost, bytes32 context)
        external
        payable
        returns (uint256 cost)
    {
        Plan storage plan = _plans[planId];
        SaleTerms sale = plan.sale;

        // Check
        if (!sale.has(PlanFlags.USAGE)) {
            _requirePlan(planId);
            revert WrongKind(planId, _kindOf(sale));
        }
        cost = _checkSale(planId, plan, sale, msg.sender, quantity, maxCost);
        _checkValue(sale, cost);

        // Effect
        emit UsagePaid(planId, msg.sender, quantity, cost, context);

        // Interaction
        _pay(planId, plan, sale, msg.sender, cost);
    }

    /// @dev Check and effect of every order. What follows is the interaction: the payment, then the receiver's hook.
    function _purchase(
        uint256 planId,
        Plan storage plan,
        SaleTerms sale,
        address payer,
        address receiver,
        uint256 quantity,
        uint256 maxCost
    ) private returns (uint256 cost, uint256 granted) {
        if (sale.has(PlanFlags.USAGE)) revert WrongKind(planId, PlanKind.USAGE);
        cost = _checkSale(planId, plan, sale, payer, quantity, maxCost);
        if (sale.has(PlanFlags.TRIAL) && payer != receiver) revert TrialOrderedForOther(planId, payer, receiver);
        unchecked {
            granted = sale.credits() * quantity; // below 2^64
        }
        _grant(msg.sender, planId, sale, receiver, granted);
        _emitOrdered(planId, payer, receiver, quantity, cost);
    }

    function _emitOrdered(uint256 planId, address payer, address receiver, uint256 quantity, uint256 cost) private {
        emit Ordered(planId, payer, receiver, quantity, cost);
    }

    function _checkSale(
        uint256 planId,
        Plan storage plan,
        SaleTerms sale,
        address payer,
        uint256 quantity,
        uint256 maxCost
    ) private view returns (uint256 cost) {
        if (!sale.has(PlanFlags.ACTIVE)) _revertNotActive(planId);
        _checkQuantity(planId, quantity, sale);
        cost = _costOf(planId, plan, sale, payer, quantity);
        if (cost > maxCost) _revertCostAboveMax(cost, maxCost);
    }

    function _revertCostAboveMax(uint256 cost, uint256 maxCost) private pure {
        revert CostAboveMax(cost, maxCost);
    }

    function _revertNotActive(uint256 planId) private view {
        _requirePlan(planId);
        revert PlanNotActive(planId);
    }

    /// @dev The upper bound keeps every product of an order far from overflowing.
    function _checkQuantity(uint256 planId, uint256 quantity, SaleTerms sale) private pure {
        if (quantity == 0 || quantity > MAX_QUANTITY || (quantity != 1 && sale.has(PlanFlags.TRIAL))) {
            _revertInvalidQuantity(planId, quantity);
        }
    }

    function _revertInvalidQuantity(uint256 planId, uint256 quantity) private pure {
        revert InvalidQuantity(planId, quantity);
    }

    /// @inheritdoc ICredits
    function quote(uint256 planId, address payer, uint256 quantity) external view returns (uint256 cost) {
        _requirePlan(planId);
        Plan storage plan = _plans[planId];
        SaleTerms sale = plan.sale;
        _checkQuantity(planId, quantity, sale);
        return _costOf(planId, plan, sale, payer, quantity);
    }

    function _costOf(uint256 planId, Plan storage plan, SaleTerms sale, address payer, uint256 quantity)
        private
        view
        returns (uint256)
    {
        if (sale.has(PlanFlags.PAID_EXTERNALLY | PlanFlags.QUOTED)) {
            if (sale.has(PlanFlags.PAID_EXTERNALLY)) revert PaidExternally(planId);
            return _askQuoter(planId, plan.quoter, payer, quantity);
        }
        unchecked {
            return _sumOfSplits(plan, sale.splitCount()) * quantity; // below 16 * 2^96 * 2^32
        }
    }

    function _sumOfSplits(Plan storage plan, uint256 count) private view returns (uint256 sum) {
        unchecked {
            while (count > 0) sum += plan.splits[--count].amount();
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

    function _checkValue(SaleTerms sale, uint256 cost) private view {
        uint256 expected = sale.token() == address(0) ? cost : 0;
        if (msg.value != expected) revert WrongValue(expected, msg.value);
    }

    /// @dev Pays every split, then the fee that was taken out of them. The first receiver comes last and gets what is left.
    /// @param source The payer, or this contract where an authorization brought the money.
    function _pay(uint256 planId, Plan storage plan, SaleTerms sale, address source, uint256 cost) private {
        uint256 i = sale.splitCount();
        uint256 total = i > 1 ? _sumOfSplits(plan, i) : 0;
        uint256 unpaid = cost;
        uint256 fees;
        unchecked {
            while (i > 0) {
                PackedSplit split = plan.splits[--i];
                uint256 due = i == 0 ? unpaid : Splits.partDown(cost, split.amount(), total);
                uint256 fee = Splits.feeDown(due, sale.feeBps());
                unpaid -= due; // all parts together are at most the cost
                fees += fee;
                _send(sale.token(), source, split.receiver(), due - fee);
            }
        }
        if (fees > 0) _payFee(planId, plan, sale.token(), source, fees);
    }

    /// @dev Whoever receives the fees must not be able to make an order fail, so a fee is sent in a call of its own, with
    /// limited gas. What cannot be delivered goes to the plan's first receiver.
    function _payFee(uint256 planId, Plan storage plan, address token, address source, uint256 amount) private {
        address feeReceiver = _feeReceiver;
        bytes memory call = abi.encodeCall(this.sendFee, (token, source, feeReceiver, amount));
        (bool sent,,) = LibCall.tryCall(address(this), 0, ISOLATED_GAS, 0, call);
        if (sent) return;
        emit FeeForgone(planId, feeReceiver, amount);
        _send(token, source, plan.splits[0].receiver(), amount);
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
        if (!sent) _revertPaymentFailed(token, source, receiver, amount);
    }

    function _revertPaymentFailed(address token, address source, address receiver, uint256 amount) private pure {
        revert PaymentFailed(token, source, receiver, amount);
    }

    // ------------------------------------------------------------------ mint

    /// @inheritdoc ICredits
    function mint(uint256 planId, address to, uint256 amount) external onlyMinter(planId) {
        _mintTo(planId, msg.sender, to, amount);
    }

    /// @inheritdoc ICredits
    function grantExternal(uint256 planId, address to, uint256 quantity, bytes32 paymentReference)
        external
        onlyMinter(planId)
    {
        SaleTerms sale = _plans[planId].sale;
        _checkQuantity(planId, quantity, sale);
        if (_references[planId][paymentReference]) revert ReferenceUsed(planId, paymentReference);
        _references[planId][paymentReference] = true;
        emit GrantedExternal(planId, to, quantity, paymentReference);
        _mintTo(planId, msg.sender, to, sale.credits() * quantity);
    }

    /// @inheritdoc ICredits
    function mintBatch(uint256 planId, address[] calldata to, uint256[] calldata amounts) external onlyMinter(planId) {
        if (to.length != amounts.length) revert ERC1155InvalidArrayLength(to.length, amounts.length);
        for (uint256 i; i < to.length; ++i) {
            address receiver = to[i];
            uint256 amount = amounts[i];
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
        _grant(operator, planId, _plans[planId].sale, to, amount);
        _checkReceiver(operator, planId, to, amount);
    }

    // ------------------------------------------------------------------ redeem, settle, burn

    /// @inheritdoc ICredits
    function redeem(uint256 planId, address holder, uint256 amount, bytes32 context) external {
        // Check
        RedeemTerms redemption = _requirePlan(planId);
        if (!_mayRedeem(planId, redemption, holder)) revert RedeemNotAllowed(planId, holder, msg.sender);
        uint256 min = redemption.minRedeem();
        uint256 max = redemption.maxRedeem();
        if (max == 0) revert NotRedeemable(planId);
        if (amount < min || amount > max) revert RedeemOutOfRange(planId, amount, min, max);

        // Effect
        _consume(planId, holder, amount);
        if (redemption.startsOnUse()) {
            _extendAccess(_positionOf(planId, holder), planId, _plans[planId].sale, holder, amount);
        }
        emit Redeemed(planId, holder, msg.sender, amount, context);
    }

    function _mayRedeem(uint256 planId, RedeemTerms redemption, address holder) private view returns (bool) {
        if (msg.sender == holder && redemption.rule() != RedemptionRule.OWNER) return true;
        return _mayRedeemOfAnyone(planId, redemption);
    }

    function _mayRedeemOfAnyone(uint256 planId, RedeemTerms redemption) private view returns (bool) {
        RedemptionRule rule = redemption.rule();
        if (msg.sender == redemption.owner() && rule == RedemptionRule.OWNER) return true;
        return rule != RedemptionRule.HOLDER && isRedeemer(planId, msg.sender);
    }

    /// @inheritdoc ICredits
    function settle(uint256 planId, Settlement[] calldata items) external returns (SettlementOutcome[] memory) {
        RedeemTerms redemption = _requirePlan(planId);
        if (!redemption.takesSettlements()) revert SettlementsNotAccepted(planId);
        if (msg.sender != redemption.owner() && !isRedeemer(planId, msg.sender)) {
            revert NotRedeemer(planId, msg.sender);
        }
        OutcomeList outcomes = SettlementData.prepareOutcomes(items.length);
        bool isTrusted = _mayRedeemOfAnyone(planId, redemption);
        VoucherForm form = SettlementData.prepareForm(planId, msg.sender, _domainSeparator(), isTrusted);
        mapping(address => Position) storage holders = _positions[planId];
        uint256 count;
        uint256 credits;
        unchecked {
            for (uint256 i; i < items.length; ++i) {
                SettlementItem item = SettlementData.itemAt(items, i);
                (uint256 taken, SettlementResult result) = _settleOne(holders, item, form);
                outcomes.write(i, taken, result);
                credits += taken;
                if (result == SettlementResult.SETTLED) {
                    ++count;
                } else {
                    if (taken > 0) ++count;
                    emit NotFullySettled(planId, item.holder(), taken, result);
                }
            }
        }
        emit Settled(planId, msg.sender, count, credits);
        outcomes.give();
    }

    function _settleOne(mapping(address => Position) storage holders, SettlementItem item, VoucherForm form)
        private
        returns (uint256 taken, SettlementResult result)
    {
        // Check
        (address holder, uint256 limit, bool byVoucher, bool isExpired) = form.read(item);
        if (isExpired) return (0, SettlementResult.EXPIRED);
        Position storage position = holders[holder];
        Holding holding = position.holding;
        uint256 settled = holding.settled();
        if (settled >= limit) return (0, SettlementResult.ALREADY_SETTLED);
        if (byVoucher) {
            if (!_hasSigned(holder, item, form)) return (0, SettlementResult.NOT_SIGNED);
        }

        // Effect
        unchecked {
            taken = limit - settled;
            if (holding.expiresAt() > 0) holding = _withoutExpired(position, holding);
            uint256 available = holding.unspent();
            if (taken > available) {
                if (available == 0) return (0, SettlementResult.SHORT);
                taken = available;
                result = SettlementResult.SHORT;
            }
            position.holding = holding.withSettlement(available - taken, settled + taken);
        }
        form.emitTransfer(holder, taken);
    }

    /// @dev An account's own key counts first, whether or not it has code (EIP-7702); then what its code says.
    function _hasSigned(address holder, SettlementItem item, VoucherForm form) private view returns (bool) {
        bytes32 digest = form.digestOf(item);
        bytes calldata signature = item.signatureOf();
        address signer = ECDSA.tryRecoverCalldata(digest, signature);
        if (signer == holder) return holder != address(0);
        if (holder.code.length == 0) return false;
        bytes memory call = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        _checkIsolatedGas();
        (bool done,, bytes memory answer) = LibCall.tryStaticCall(holder, ISOLATED_GAS, 32, call);
        return done && answer.length == 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);
    }

    /// @inheritdoc ICredits
    function burn(uint256 planId, address holder, uint256 amount) external {
        if (msg.sender != holder) _checkAuthorized(msg.sender, holder);
        if (amount == 0) revert ZeroAmount();
        _consume(planId, holder, amount);
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
        return Vouchers.digestOf(voucher, _domainSeparator());
    }

    /// @inheritdoc ICredits
    function authorizationNonceOf(OrderAuthorization calldata authorization) external view returns (bytes32) {
        return OrderAuthorizations.nonceOf(authorization);
    }

    // ------------------------------------------------------------------ reads

    /// @inheritdoc ICredits
    function isReferenceUsed(uint256 planId, bytes32 paymentReference) external view returns (bool) {
        return _references[planId][paymentReference];
    }
}
