// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Permit, OrderAuthorization, Split, Terms} from "../../../contracts/credits/ICredits.sol";
import {TestUSDC} from "../../../contracts/test/TestUSDC.sol";
import {OneDigestWallet} from "./OneDigestWallet.sol";
import {Setting} from "./Setting.sol";

/// @notice Orders that are paid with a signature, in the stand-in for USDC. The payer is a wallet, which says what it has signed.
abstract contract Signed is Setting {
    address internal constant FIRST = address(0x5e11);
    address internal constant SECOND = address(0x5e12);
    address internal constant RELAYER = address(0x4e1a);
    /// @dev Somebody who lets the contract take all their money, as many do.
    address internal constant BYSTANDER = address(0xb157);
    uint256 internal constant WEALTH = 1e30;

    TestUSDC internal usdc;
    OneDigestWallet internal wallet;
    address internal payer;

    function _beforePlan() internal override {
        usdc = new TestUSDC();
        wallet = new OneDigestWallet();
        payer = address(wallet);
        usdc.mint(BYSTANDER, WEALTH);
        vm.prank(BYSTANDER);
        usdc.approve(address(credits), type(uint256).max);
    }

    function _terms() internal view override returns (Terms memory terms) {
        terms = super._terms();
        terms.token = address(usdc);
        terms.credits = 1;
        terms.splits = new Split[](2);
        terms.splits[0] = Split(FIRST, 5);
        terms.splits[1] = Split(SECOND, 3);
    }

    /// @dev Eight base units each: the payer has paid them and no more, the receivers have them, and nobody else has moved.
    function _compare(uint256 quantity, uint256 money, uint256 held) internal view {
        assert(usdc.balanceOf(payer) == money - 8 * quantity);
        assert(usdc.balanceOf(address(credits)) == held);
        assert(usdc.balanceOf(FIRST) == 5 * quantity);
        assert(usdc.balanceOf(SECOND) == 3 * quantity);
        assert(usdc.balanceOf(RELAYER) == 0);
        assert(usdc.balanceOf(BYSTANDER) == WEALTH);
    }
}

/// @notice Orders that anyone may bring, by EIP-3009.
contract AuthorizationProofs is Signed {
    bytes32 private constant TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    function _sign(OrderAuthorization memory order) private {
        bytes32 nonce = credits.authorizationNonceOf(order);
        bytes32 structHash = keccak256(
            abi.encode(
                TYPEHASH, order.payer, address(credits), order.maxCost, order.validAfter, order.validBefore, nonce
            )
        );
        wallet.sign(MessageHashUtils.toTypedDataHash(usdc.DOMAIN_SEPARATOR(), structHash));
    }

    function _bring(OrderAuthorization memory order) private returns (bool done) {
        vm.prank(RELAYER);
        (done,) = address(credits).call(abi.encodeCall(credits.orderWithAuthorization, (order, "")));
    }

    /// @notice Of an order that its payer signed, the payer pays exactly the sum and gets back the rest of the maximum, receivers get
    /// exactly their split, the receiver the credits, and neither the contract nor who brings it gets or pays anything.
    /// @dev I1, I6, C24, C28
    function check_orderWithAuthorization__signed__exact(
        uint256 quantity,
        uint256 maxCost,
        bytes32 salt,
        uint128 money,
        uint128 held
    ) public {
        usdc.mint(payer, money);
        usdc.mint(address(credits), held);
        OrderAuthorization memory order =
            OrderAuthorization(planId, payer, HOLDER, quantity, maxCost, 0, type(uint256).max, salt);
        _sign(order);
        require(_bring(order));
        assert(quantity > 0 && quantity <= type(uint32).max && 8 * quantity <= maxCost);
        _compare(quantity, money, held);
        assert(credits.balanceOf(HOLDER, planId) == quantity);
    }

    /// @notice An order that differs in anything from what was signed is refused, also where money lies in the contract: plan, payer,
    /// receiver, quantity, maximum, both times or salt.
    /// @dev I6, C24
    function check_orderWithAuthorization__otherThanSigned__refused(
        OrderAuthorization memory signed,
        OrderAuthorization memory order
    ) public {
        usdc.mint(payer, type(uint128).max);
        usdc.mint(address(credits), type(uint128).max);
        (order.planId, order.payer) = (planId, payer);
        vm.assume(order.receiver.code.length == 0);
        _sign(signed);
        vm.assume(keccak256(abi.encode(signed)) != keccak256(abi.encode(order)));
        assert(!_bring(order));
    }

    /// @notice A signed order is taken between its two times and at neither of them.
    /// @dev I6, C32
    function check_orderWithAuthorization__times__toTheSecond(uint64 time, uint256 validAfter, uint256 validBefore)
        public
    {
        usdc.mint(payer, 8);
        OrderAuthorization memory order = OrderAuthorization(planId, payer, HOLDER, 1, 8, validAfter, validBefore, 0);
        _sign(order);
        vm.warp(time);
        assert(_bring(order) == (validAfter < time && time < validBefore));
    }

    /// @notice A signed order is taken once, whatever the payer has left, and also where money lies in the contract.
    /// @dev I6, C24
    function check_orderWithAuthorization__again__refused(uint256 quantity, uint256 maxCost, uint128 money) public {
        usdc.mint(payer, money);
        OrderAuthorization memory order =
            OrderAuthorization(planId, payer, HOLDER, quantity, maxCost, 0, type(uint256).max, 0);
        _sign(order);
        require(_bring(order));
        usdc.mint(payer, type(uint128).max);
        usdc.mint(address(credits), type(uint128).max);
        assert(!_bring(order));
    }
}

/// @notice Orders with an allowance that is signed, by EIP-2612.
contract PermitProofs is Signed {
    /// @notice With a signed allowance the payer pays exactly the sum and no more than the maximum, receivers get exactly their
    /// split, the contract keeps what it had, and of the allowance is left what was not spent.
    /// @dev I1, I6, C28
    function check_orderWithPermit__signed__exact(
        uint256 quantity,
        uint256 maxCost,
        uint128 money,
        uint128 held,
        Permit memory permit
    ) public {
        usdc.mint(payer, money);
        usdc.mint(address(credits), held);
        wallet.signAll();
        vm.prank(payer);
        uint256 cost = credits.orderWithPermit(planId, HOLDER, quantity, maxCost, permit);
        assert(quantity > 0 && quantity <= type(uint32).max && cost == 8 * quantity && cost <= maxCost);
        _compare(quantity, money, held);
        assert(usdc.allowance(payer, address(credits)) == maxCost - cost);
        assert(credits.balanceOf(HOLDER, planId) == quantity);
    }

    /// @notice Where the payer has signed no allowance, or another than the maximum, an order takes nothing beyond what was
    /// allowed before.
    /// @dev I6
    function check_orderWithPermit__otherThanSigned__onlyWhatWasAllowed(
        uint256 quantity,
        uint256 maxCost,
        uint128 allowed,
        bytes32 digest,
        Permit memory permit
    ) public {
        usdc.mint(payer, type(uint128).max);
        vm.prank(payer);
        usdc.approve(address(credits), allowed);
        wallet.sign(digest);
        vm.assume(digest != _digest(maxCost, permit.deadline));
        vm.prank(payer);
        uint256 cost = credits.orderWithPermit(planId, HOLDER, quantity, maxCost, permit);
        assert(cost <= allowed && cost <= maxCost);
        _compare(quantity, type(uint128).max, 0);
        assert(usdc.allowance(payer, address(credits)) == allowed - cost);
    }

    /// @notice Where the payer has signed the allowance and has the money, the order succeeds.
    /// @dev I10
    function check_orderWithPermit__signedAndPaid__succeeds(uint32 quantity, uint128 maxCost, Permit memory permit)
        public
    {
        usdc.mint(payer, type(uint128).max);
        wallet.signAll();
        vm.assume(quantity > 0 && 8 * uint256(quantity) <= maxCost && permit.deadline >= START);
        vm.prank(payer);
        bytes memory data = abi.encodeCall(credits.orderWithPermit, (planId, HOLDER, quantity, maxCost, permit));
        (bool done,) = address(credits).call(data);
        assert(done);
    }

    function _digest(uint256 value, uint256 deadline) private view returns (bytes32) {
        bytes32 structHash =
            keccak256(abi.encode(usdc.PERMIT_TYPEHASH(), payer, address(credits), value, usdc.nonces(payer), deadline));
        return MessageHashUtils.toTypedDataHash(usdc.DOMAIN_SEPARATOR(), structHash);
    }
}
