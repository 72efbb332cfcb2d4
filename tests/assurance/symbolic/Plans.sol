// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Activation, ICredits, PlanKind, RedemptionRule, Split, Terms} from "../../../contracts/credits/ICredits.sol";
import {TermsRules} from "../../../contracts/credits/libraries/TermsRules.sol";
import {Setting} from "./Setting.sol";

/// @notice Which terms make a plan, and that it keeps them.
contract PlanProofs is Setting {
    function _any() private returns (Terms memory terms) {
        terms.kind = PlanKind(svm.createUint(2, "kind"));
        terms.activation = Activation(svm.createUint(1, "activation"));
        terms.rule = RedemptionRule(svm.createUint(2, "rule"));
        terms.credits = uint32(svm.createUint(32, "credits"));
        terms.duration = uint32(svm.createUint(32, "duration"));
        terms.minRedeem = uint32(svm.createUint(32, "minRedeem"));
        terms.maxRedeem = uint32(svm.createUint(32, "maxRedeem"));
        terms.trial = svm.createUint(1, "trial") == 1;
        terms.transferable = svm.createUint(1, "transferable") == 1;
    }

    /// @notice Terms of a free plan that are accepted keep every rule of the documentation: what is granted, for how long, what is
    /// redeemed and by whom, what may be transferred.
    /// @dev I5
    function check_terms__accepted__keepTheRules() public {
        Terms memory terms = _any();
        TermsRules.check(terms, 16);
        bool grants = terms.kind != PlanKind.USAGE;
        bool redeems = terms.kind == PlanKind.CREDITS || terms.activation == Activation.ON_FIRST_USE;
        assert((terms.credits > 0) == grants || (!grants && terms.credits == 0));
        assert(terms.kind != PlanKind.TIME || terms.duration > 0);
        assert(grants || (terms.duration == 0 && !terms.trial));
        assert(terms.activation == Activation.ON_PURCHASE || terms.kind == PlanKind.TIME);
        assert(!terms.transferable || (terms.kind == PlanKind.CREDITS && terms.duration == 0));
        if (redeems) assert(0 < terms.minRedeem && terms.minRedeem <= terms.maxRedeem);
        else assert(terms.minRedeem == 0 && terms.maxRedeem == 0 && terms.rule == RedemptionRule.HOLDER);
    }

    /// @notice No plan is registered with a higher protocol fee than its creator accepts, and its fee is the one of then.
    /// @dev I6
    function check_registerPlan__fee__atMostAccepted(uint16 fee, uint16 most) public {
        vm.prank(FEE_OWNER);
        credits.setProtocolFee(fee, address(0xfee5));
        Terms memory terms = _terms();
        terms.credits = 11;
        vm.prank(BUILDER);
        uint256 id = credits.registerPlan(terms, 0, "", most);
        assert(fee <= most);
        assert(credits.stateOf(id).feeBps == fee);
    }

    /// @notice A price that is accepted has no receiver that is zero or the contract itself, and no amount of zero.
    /// @dev I6
    function check_splits__accepted__keepTheRules(address receiver, uint96 amount, address other, uint96 more) public {
        Terms memory terms = _terms();
        terms.splits = new Split[](2);
        (terms.splits[0], terms.splits[1]) = (Split(receiver, amount), Split(other, more));
        _register(terms);
        assert(receiver != address(0) && receiver != address(credits) && amount > 0);
        assert(other != address(0) && other != address(credits) && more > 0);
    }

    /// @notice What is registered is what is read: the terms of a plan are the terms that were hashed, field by field.
    /// @dev I5
    function check_termsOf__registered__areTheTerms(address receiver, uint96 amount) public {
        Terms memory terms = _any();
        vm.assume(terms.credits > 0 && terms.kind == PlanKind.CREDITS && terms.activation == Activation.ON_PURCHASE);
        terms.token = address(token);
        terms.splits = new Split[](1);
        terms.splits[0] = Split(receiver, amount);
        uint256 id = _register(terms);
        Terms memory stored = credits.termsOf(id);
        assert(stored.kind == terms.kind && stored.activation == terms.activation && stored.token == terms.token);
        assert(stored.splits.length == 1 && stored.splits[0].receiver == receiver && stored.splits[0].amount == amount);
        assert(stored.quoter == address(0) && !stored.paidExternally && stored.credits == terms.credits);
        assert(stored.duration == terms.duration && stored.minRedeem == terms.minRedeem);
        assert(stored.maxRedeem == terms.maxRedeem && stored.rule == terms.rule);
        assert(stored.trial == terms.trial && stored.transferable == terms.transferable);
    }

    /// @notice The owner of a plan can stop its orders and take them again, and neither touches its terms or who has what.
    /// @dev I5, I10
    function check_setPlanActive__owner__stopsAndTakesOrders() public {
        uint256 balance = _hold(HOLDER);
        bytes32 terms = keccak256(abi.encode(credits.termsOf(planId)));
        vm.prank(BUILDER);
        credits.setPlanActive(planId, false);
        assert(!_canOrder());
        assert(credits.balanceOf(HOLDER, planId) == balance);
        vm.prank(BUILDER);
        credits.setPlanActive(planId, true);
        assert(_canOrder());
        assert(keccak256(abi.encode(credits.termsOf(planId))) == terms);
    }

    function _canOrder() private returns (bool done) {
        token.mint(address(this), 5);
        token.approve(address(credits), 5);
        (done,) = address(credits).call(abi.encodeCall(ICredits.order, (planId, address(0xcafe), 1, 5)));
    }

    /// @notice Credits of a plan that is not transferable move to nobody, whoever calls, the holder among them.
    /// @dev I5
    function check_transfers__notTransferable__refused(address caller, address from, address to, uint256 amount)
        public
    {
        _hold(HOLDER);
        (uint256[] memory planIds, uint256[] memory amounts) = (new uint256[](1), new uint256[](1));
        (planIds[0], amounts[0]) = (planId, amount);
        vm.prank(caller);
        (bool done,) = address(credits).call(abi.encodeCall(credits.safeTransferFrom, (from, to, planId, amount, "")));
        assert(!done);
        vm.prank(caller);
        bytes memory data = abi.encodeCall(credits.safeBatchTransferFrom, (from, to, planIds, amounts, ""));
        (done,) = address(credits).call(data);
        assert(!done);
    }

    /// @notice Nothing that the owner of a plan can call changes its terms, or lowers a holder's credits where the rule names the
    /// holder alone: of all functions but orders, payments and registrations, which {Strangers} has for the owner too, and the
    /// settling of vouchers, which {Vouchers} has.
    /// @dev I3, I5
    /// @custom:halmos --default-array-lengths 1 --default-bytes-lengths 0
    function check_allFunctions__planOwner__termsStay() public {
        uint256 balance = _hold(HOLDER);
        bytes32 terms = keccak256(abi.encode(credits.termsOf(planId)));
        bytes memory data = svm.createCalldata("Credits");
        bytes4 selector = bytes4(data);
        vm.assume(selector != ICredits.order.selector && selector != ICredits.orderWithPermit.selector);
        vm.assume(selector != ICredits.orderWithAuthorization.selector && selector != ICredits.payUsage.selector);
        vm.assume(selector != ICredits.registerPlan.selector && selector != ICredits.settle.selector);
        vm.prank(BUILDER);
        (bool done,) = address(credits).call(data);
        require(done);
        assert(credits.balanceOf(HOLDER, planId) >= balance);
        assert(keccak256(abi.encode(credits.termsOf(planId))) == terms);
    }
}
