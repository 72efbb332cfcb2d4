// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AcceptsCredits} from "../../../../contracts/test/receivers/AcceptsCredits.sol";
import {Actor} from "../../../../contracts/test/receivers/Actor.sol";
import {BombsInHook} from "../../../../contracts/test/receivers/BombsInHook.sol";
import {BombsOnCoin} from "../../../../contracts/test/receivers/BombsOnCoin.sol";
import {BurnsGasInHook} from "../../../../contracts/test/receivers/BurnsGasInHook.sol";
import {BurnsGasOnCoin} from "../../../../contracts/test/receivers/BurnsGasOnCoin.sol";
import {EvilWallet} from "../../../../contracts/test/receivers/EvilWallet.sol";
import {NoHook} from "../../../../contracts/test/receivers/NoHook.sol";
import {ReentersInHook} from "../../../../contracts/test/receivers/ReentersInHook.sol";
import {RejectsCoin} from "../../../../contracts/test/receivers/RejectsCoin.sol";
import {RejectsCredits} from "../../../../contracts/test/receivers/RejectsCredits.sol";
import {SmartWallet} from "../../../../contracts/test/receivers/SmartWallet.sol";
import {WrongMagic} from "../../../../contracts/test/receivers/WrongMagic.sol";

import {Books} from "./Books.sol";
import {vm} from "../support/Vm.sol";

/// @notice Who takes part: accounts with keys, contract wallets, receivers that misbehave, and those who are only paid.
abstract contract Actors is Books {
    uint256 internal constant KEYS = 5;
    /// @dev Of the holders, so many take credits; the others refuse, each in its way.
    uint256 internal constant WILLING = 10;

    address[] internal holders;
    address[] internal parties;
    mapping(address account => uint256 key) internal keyOf;
    mapping(address account => bytes4) internal refusal;
    mapping(address account => uint256 positionFromOne) internal partyOf;
    mapping(address account => bool) internal takesNoCoin;

    SmartWallet internal wallet;
    EvilWallet internal evilWallet;
    ReentersInHook internal reentrant;
    address[4] internal payees;
    address internal rejectsCoin;
    address internal burnsGasOnCoin;
    address internal bombsOnCoin;

    function _setUpActors() internal {
        string[KEYS] memory names = ["ann", "bob", "cleo", "dan", "eve"];
        for (uint256 i; i < KEYS; ++i) {
            address account = vm.addr(i + 1);
            keyOf[account] = i + 1;
            _addHolder(account, names[i]);
        }
        wallet = new SmartWallet(vm.addr(77));
        keyOf[address(wallet)] = 77;
        _addHolder(address(wallet), "smart wallet");
        evilWallet = new EvilWallet();
        _addHolder(address(evilWallet), "evil wallet");
        _addHolder(address(new Actor()), "actor");
        _addHolder(address(new AcceptsCredits()), "accepts credits");
        reentrant = new ReentersInHook();
        _addHolder(address(reentrant), "reenters in hook");
        _addRefusing(address(new RejectsCredits()), "rejects credits", RejectsCredits.CreditsRejected.selector);
        _addRefusing(address(new WrongMagic()), "wrong magic", INVALID_RECEIVER);
        _addRefusing(address(new NoHook()), "no hook", INVALID_RECEIVER);
        _addRefusing(address(new BurnsGasInHook()), "burns gas in hook", INVALID_RECEIVER);
        _addRefusing(address(new BombsInHook()), "bombs in hook", BombsInHook.Bomb.selector);
        takesNoCoin[holders[8]] = true; // accepts credits
        for (uint256 i = WILLING; i < holders.length; ++i) {
            takesNoCoin[holders[i]] = i != 12; // no hook
        }
        for (uint256 i; i < payees.length; ++i) {
            payees[i] = vm.addr(1000 + i);
            _addParty(payees[i], "payee");
        }
        _addParty(rejectsCoin = address(new RejectsCoin()), "rejects coin");
        _addParty(burnsGasOnCoin = address(new BurnsGasOnCoin()), "burns gas on coin");
        _addParty(bombsOnCoin = address(new BombsOnCoin()), "bombs on coin");
        takesNoCoin[rejectsCoin] = takesNoCoin[burnsGasOnCoin] = takesNoCoin[bombsOnCoin] = true;
    }

    /// @dev ERC1155InvalidReceiver(address)
    bytes4 internal constant INVALID_RECEIVER = 0x57f447ce;

    function _addHolder(address account, string memory name) private {
        holders.push(account);
        _addParty(account, name);
    }

    function _addRefusing(address account, string memory name, bytes4 why) private {
        refusal[account] = why;
        _addHolder(account, name);
    }

    /// @dev Without coin, like the books: one history after another begins anew, with the same accounts.
    function _addParty(address account, string memory name) internal {
        vm.deal(account, 0);
        parties.push(account);
        partyOf[account] = parties.length;
        vm.label(account, name);
    }

    /// @dev One who can start calls of their own: an account with a key, or a contract wallet.
    function _caller(uint256 seed) internal view returns (address) {
        return holders[seed % 8];
    }

    function _willing(uint256 seed) internal view returns (address) {
        return holders[seed % WILLING];
    }

    function _anyHolder(uint256 seed) internal view returns (address) {
        return holders[seed % holders.length];
    }

    function _sign(address signer, bytes32 digest) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf[signer], digest);
        return abi.encodePacked(r, s, v);
    }

    function _compact(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = abi.decode(signature, (bytes32, bytes32));
        if (uint8(signature[64]) == 28) s |= bytes32(uint256(1) << 255);
        return abi.encodePacked(r, s);
    }
}
