// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

import {
    Account,
    ICredits,
    PlanKind,
    Permit,
    Settlement,
    OrderAuthorization,
    Terms
} from "../../../contracts/credits/ICredits.sol";
import {TestUSDC} from "../../../contracts/test/TestUSDC.sol";
import {OneDigestWallet} from "./OneDigestWallet.sol";
import {Setting} from "./Setting.sol";

/// @notice Somebody without a part in a plan, with money and credits of their own: any address but those of the setting.
abstract contract Stranger is Setting {
    address internal stranger;
    Account internal accountBefore;
    bytes32 internal planBefore;

    function _enter() internal {
        stranger = svm.createAddress("stranger");
        vm.assume(stranger != BUILDER && stranger != FEE_OWNER && stranger != REDEEMER && stranger != MINTER);
        _look();
    }

    /// @dev Anyone but the holder: also the plan's owner, its redeemers and its minters.
    function _enterAnyoneElse() internal {
        stranger = svm.createAddress("stranger");
        _look();
    }

    /// @dev The same without contracts, of which the setting has some: where the stranger is one of
    /// those, halmos claims a counterexample that does not happen when it is run.
    function _enterAnyAccount() internal {
        stranger = svm.createAddress("stranger");
        vm.assume(stranger.code.length == 0);
        _look();
    }

    /// @dev After all that is assumed of the stranger: what was read before would not profit of it.
    function _look() private {
        vm.assume(stranger != HOLDER && stranger != address(0) && stranger != address(credits));
        _hold(HOLDER);
        accountBefore = credits.accountOf(planId, HOLDER);
        planBefore = _plan();
    }

    function _plan() private view returns (bytes32) {
        (uint16 feeBps, address feeReceiver) = credits.protocolFee();
        return keccak256(
            abi.encode(
                credits.termsOf(planId),
                credits.stateOf(planId),
                credits.uri(planId),
                credits.isRedeemer(planId, REDEEMER),
                credits.isRedeemer(planId, stranger),
                credits.isMinter(planId, MINTER),
                credits.isMinter(planId, stranger),
                credits.owner(),
                credits.pendingOwner(),
                feeBps,
                feeReceiver
            )
        );
    }

    /// @dev Calls as the stranger.
    function _try(bytes memory data) internal returns (bool done) {
        vm.prank(stranger);
        (done,) = address(credits).call(data);
    }

    function _do(bytes memory data) internal {
        require(_try(data));
    }

    function _compare(bool mayGive) internal view {
        Account memory account = credits.accountOf(planId, HOLDER);
        assert(account.balance == accountBefore.balance || (mayGive && account.balance > accountBefore.balance));
        assert(account.settled == accountBefore.settled);
        assert(account.accessUntil == accountBefore.accessUntil);
        assert(account.trialTaken == accountBefore.trialTaken);
        assert(_plan() == planBefore);
    }
}

/// @notice What no stranger can call with success.
contract StrangerRefusedProofs is Stranger {
    /// @notice Every function that a stranger can call with success is among the eleven that are for everybody, whatever is passed.
    /// @dev I3, I5, C14
    /// @custom:halmos --default-array-lengths 1 --default-bytes-lengths 65
    function check_allOtherFunctions__stranger__refused() public {
        _enter();
        bytes memory data = svm.createCalldata("Credits");
        bytes4 selector = bytes4(data);
        vm.assume(selector != ICredits.order.selector && selector != ICredits.orderWithPermit.selector);
        vm.assume(selector != ICredits.orderWithAuthorization.selector && selector != ICredits.payUsage.selector);
        vm.assume(selector != ICredits.registerPlan.selector && selector != ICredits.redeem.selector);
        vm.assume(selector != ICredits.settle.selector && selector != ICredits.burn.selector);
        vm.assume(selector != IERC1155.safeTransferFrom.selector);
        vm.assume(selector != IERC1155.safeBatchTransferFrom.selector);
        vm.assume(selector != IERC1155.setApprovalForAll.selector);
        assert(!_try(data));
    }

    /// @notice A stranger cannot settle a voucher of any kind on a plan that did not allow them.
    /// @dev I3, I4
    function check_settle__stranger__refused(uint64 total, uint64 ceiling, bytes32 context, uint64 deadline) public {
        _enter();
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(HOLDER, total, ceiling, context, deadline, svm.createBytes(65, "signature"));
        assert(!_try(abi.encodeCall(ICredits.settle, (planId, items))));
    }

    /// @notice A stranger cannot redeem or burn credits of a holder, or transfer them.
    /// @dev I3
    function check_spend__stranger__refused(uint256 amount, address to, bytes32 context) public {
        _enter();
        assert(!_try(abi.encodeCall(ICredits.redeem, (planId, HOLDER, amount, context))));
        assert(!_try(abi.encodeCall(ICredits.burn, (planId, HOLDER, amount))));
        assert(!_try(abi.encodeCall(IERC1155.safeTransferFrom, (HOLDER, to, planId, amount, ""))));
    }

    /// @notice A redeemer of another plan cannot redeem or settle on this one.
    /// @dev I3
    function check_redeem__redeemerOfAnotherPlan__refused(uint256 amount) public {
        _enter();
        Terms memory terms = _terms();
        terms.credits = 11;
        uint256 other = _register(terms);
        vm.prank(BUILDER);
        credits.setRedeemer(other, stranger, true);
        assert(!_try(abi.encodeCall(ICredits.redeem, (planId, HOLDER, amount, ""))));
        assert(!_try(abi.encodeCall(ICredits.settle, (planId, new Settlement[](0)))));
    }
}

/// @notice What a stranger can call with success changes nothing for others.
contract StrangerHarmlessProofs is Stranger {
    /// @notice An order by anyone else, the plan's owner among them, lowers no holder's credits and changes no plan, for any
    /// receiver, quantity and maximum.
    /// @dev I3, I5
    function check_order__anyoneElse__harmless(address receiver, uint256 quantity, uint256 maxCost, uint128 money)
        public
    {
        _enterAnyoneElse();
        token.mint(stranger, money);
        vm.prank(stranger);
        token.approve(address(credits), money);
        vm.assume(receiver.code.length == 0);
        _do(abi.encodeCall(ICredits.order, (planId, receiver, quantity, maxCost)));
        _compare(receiver == HOLDER);
    }

    /// @notice A stranger who redeems own credits lowers nobody else's and changes no plan.
    /// @dev I3, I5
    function check_redeem__ownCredits__harmless(address holder, uint256 amount) public {
        _enter();
        _hold(stranger);
        _do(abi.encodeCall(ICredits.redeem, (planId, holder, amount, "")));
        _compare(false);
    }

    /// @notice A stranger who burns own credits lowers nobody else's and changes no plan.
    /// @dev I3, I5
    function check_burn__ownCredits__harmless(address holder, uint256 amount) public {
        _enter();
        _hold(stranger);
        _do(abi.encodeCall(ICredits.burn, (planId, holder, amount)));
        _compare(false);
    }

    /// @notice A stranger's own approvals, whoever is approved, give no one power over a holder's credits.
    /// @dev I3
    function check_setApprovalForAll__stranger__harmless(address operator, bool approved, uint256 amount) public {
        _enter();
        _do(abi.encodeCall(IERC1155.setApprovalForAll, (operator, approved)));
        assert(!_try(abi.encodeCall(ICredits.burn, (planId, HOLDER, amount))));
        _compare(false);
    }

    /// @notice Another plan takes no plan's id and changes none, whoever registers it, whatever its price, credits and salt.
    /// @dev I5, C27
    function check_registerPlan__anyoneElse__harmless(uint32 granted, uint96 price, bytes32 salt) public {
        _enterAnyoneElse();
        Terms memory terms = _terms();
        (terms.credits, terms.splits[0].amount) = (granted, price);
        _do(abi.encodeCall(ICredits.registerPlan, (terms, salt, "mine", 0)));
        _compare(false);
    }
}

/// @notice The same where credits may be transferred.
contract StrangerTransferProofs is Stranger {
    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.transferable = true;
    }

    /// @notice A stranger can transfer only own credits, to whomever, and lowers nobody else's.
    /// @dev I3
    function check_safeTransferFrom__stranger__onlyOwn(address from, address to, uint256 amount) public {
        _enter();
        _hold(stranger);
        vm.assume(to.code.length == 0);
        _do(abi.encodeCall(IERC1155.safeTransferFrom, (from, to, planId, amount, "")));
        assert(from == stranger);
        _compare(to == HOLDER);
    }

    /// @notice The same of a transfer of two plans at once, also where both are one plan.
    /// @dev I3
    function check_safeBatchTransferFrom__stranger__onlyOwn(
        address from,
        address to,
        uint256 other,
        uint256 amount,
        uint256 more
    ) public {
        _enter();
        _hold(stranger);
        vm.assume(to.code.length == 0);
        (uint256[] memory planIds, uint256[] memory amounts) = (new uint256[](2), new uint256[](2));
        (planIds[0], planIds[1], amounts[0], amounts[1]) = (planId, other, amount, more);
        _do(abi.encodeCall(IERC1155.safeBatchTransferFrom, (from, to, planIds, amounts, "")));
        assert(from == stranger);
        _compare(to == HOLDER);
    }
}

/// @notice The same of orders that are paid with a signature, in the stand-in for USDC.
contract StrangerSignsProofs is Stranger {
    TestUSDC private usdc;
    OneDigestWallet private wallet;

    function _beforePlan() internal override {
        usdc = new TestUSDC();
        wallet = new OneDigestWallet();
        wallet.signAll();
        usdc.mint(address(wallet), type(uint128).max);
    }

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.token = address(usdc);
    }

    /// @notice A signed order, whoever else brings it and whatever it orders for whom, lowers no holder's credits, changes no plan
    /// and costs the holder nothing.
    /// @dev I3, I5, I6
    function check_orderWithAuthorization__anyoneElse__harmless(OrderAuthorization memory order) public {
        _enterAnyoneElse();
        _entrust();
        (order.planId, order.payer) = (planId, address(wallet));
        vm.assume(order.receiver.code.length == 0);
        _do(abi.encodeCall(ICredits.orderWithAuthorization, (order, "")));
        _compare(order.receiver == HOLDER);
        assert(usdc.balanceOf(HOLDER) == 1 ether);
    }

    /// @notice An order with a signed allowance, whichever other account without code makes it and for which, lowers no holder's
    /// credits, changes no plan and costs the holder nothing.
    /// @dev I3, I5, I6
    function check_orderWithPermit__anyoneElse__harmless(
        address receiver,
        uint256 quantity,
        uint256 maxCost,
        uint128 money,
        Permit memory permit
    ) public {
        _enterAnyAccount();
        _entrust();
        usdc.mint(stranger, money);
        vm.prank(stranger);
        usdc.approve(address(credits), money);
        vm.assume(receiver.code.length == 0);
        _do(abi.encodeCall(ICredits.orderWithPermit, (planId, receiver, quantity, maxCost, permit)));
        _compare(receiver == HOLDER);
        assert(usdc.balanceOf(HOLDER) == 1 ether);
    }

    /// @dev The holder lets the contract take money.
    function _entrust() private {
        usdc.mint(HOLDER, 1 ether);
        vm.prank(HOLDER);
        usdc.approve(address(credits), 1 ether);
    }
}

/// @notice The same on a plan that is paid per use.
contract StrangerPaysProofs is Stranger {
    uint256 private usage;

    function setUp() public override {
        super.setUp();
        Terms memory terms = _terms();
        (terms.kind, terms.credits, terms.minRedeem, terms.maxRedeem) = (PlanKind.USAGE, 0, 0, 0);
        usage = _register(terms);
    }

    /// @notice A payment for a request, whoever else makes it, touches no credits and no other plan, and only who makes it pays.
    /// @dev I3, I6
    function check_payUsage__anyoneElse__harmless(uint256 quantity, uint256 maxCost, uint128 money) public {
        _enterAnyoneElse();
        token.mint(HOLDER, 1 ether);
        vm.prank(HOLDER);
        token.approve(address(credits), 1 ether);
        token.mint(stranger, money);
        vm.prank(stranger);
        token.approve(address(credits), money);
        vm.assume(stranger != address(0x5e11));
        _do(abi.encodeCall(ICredits.payUsage, (usage, quantity, maxCost, "")));
        _compare(false);
        assert(token.balanceOf(HOLDER) == 1 ether);
        assert(token.balanceOf(stranger) == money - 5 * quantity);
    }
}
