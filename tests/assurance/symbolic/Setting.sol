// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "../../../contracts/credits/Credits.sol";
import {Split, Terms} from "../../../contracts/credits/ICredits.sol";
import {HonestToken} from "../../../contracts/test/tokens/HonestToken.sol";

/// @notice The cheat codes of forge that halmos knows too.
interface Vm {
    function addr(uint256 key) external returns (address);
    function assume(bool condition) external;
    function chainId(uint256 id) external;
    function deal(address account, uint256 amount) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function prank(address sender) external;
    function sign(uint256 key, bytes32 digest) external returns (uint8 v, bytes32 r, bytes32 s);
    function store(address account, bytes32 slot, bytes32 value) external;
    function warp(uint256 timestamp) external;
}

/// @notice The cheat codes of halmos alone: values that stand for every value.
interface Svm {
    function createAddress(string memory name) external returns (address);
    function createBytes(uint256 length, string memory name) external returns (bytes memory);
    function createCalldata(string memory contractName) external returns (bytes memory);
    function createUint(uint256 bits, string memory name) external returns (uint256);
}

/// @notice What every file of checks about Credits starts from: a contract, a token, one plan and its owner.
/// @dev A check's `@notice` is the property in the words of the report, its `@dev` the invariants of it (I1 to I10).
abstract contract Setting {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Svm internal constant svm = Svm(address(bytes20(uint160(uint256(keccak256("svm cheat code"))))));

    address internal constant FEE_OWNER = address(0xfee0);
    address internal constant BUILDER = address(0xb11d);
    address internal constant HOLDER = address(0xb0b0);
    address internal constant REDEEMER = address(0x4edd);
    address internal constant MINTER = address(0x3147);
    /// @dev Constants, because the compiler takes `block.timestamp` and `block.chainid` for constant and reads them late.
    uint256 internal constant START = 1_700_000_000;
    uint256 internal constant CHAIN = 31_337;
    /// @dev Slot of the mapping of positions. {_hold} reverts, and with it the check proves nothing, where it is another.
    uint256 internal constant POSITIONS = 9;
    /// @dev Most credits that an account holds; half as many where they expire.
    uint256 internal constant MOST = 2 ** 54 - 1;

    Credits internal credits;
    HonestToken internal token;
    uint256 internal planId;

    function setUp() public virtual {
        vm.warp(START);
        vm.chainId(CHAIN);
        credits = new Credits(FEE_OWNER);
        token = new HonestToken();
        _beforePlan();
        planId = _register(_terms());
        vm.prank(BUILDER);
        credits.setRedeemer(planId, REDEEMER, true);
        vm.prank(BUILDER);
        credits.setMinter(planId, MINTER, true);
    }

    /// @dev What must be there before the plan is registered.
    function _beforePlan() internal virtual {}

    /// @dev Credits that last, five base units each ten, redeemed by their holder alone.
    function _terms() internal view virtual returns (Terms memory terms) {
        terms.token = address(token);
        terms.splits = new Split[](1);
        terms.splits[0] = Split(address(0x5e11), 5);
        terms.credits = 10;
        terms.minRedeem = 1;
        terms.maxRedeem = type(uint32).max;
    }

    function _register(Terms memory terms) internal returns (uint256) {
        vm.prank(BUILDER);
        return credits.registerPlan(terms, 0, "", 1000);
    }

    /// @dev Puts a holder of credits that last into any state: granted, spent and settled are any numbers.
    function _hold(address holder) internal returns (uint256 balance) {
        uint256 granted = svm.createUint(54, "granted");
        uint256 spent = svm.createUint(54, "spent");
        uint256 settled = svm.createUint(64, "settled");
        bytes32 slot = keccak256(abi.encode(holder, keccak256(abi.encode(planId, POSITIONS))));
        vm.store(address(credits), slot, bytes32(granted | spent << 54 | settled << 108));
        unchecked {
            balance = (granted - spent) & MOST;
        }
        require(credits.balanceOf(holder, planId) == balance);
    }
}
