"""The first half of sending many: calls are tried, signed in the account's turn, written down, and given to the node."""

from collections.abc import Callable, Sequence
from typing import cast

from web3.types import Nonce, TxParams

from nvm_chain.chain.fees import Fees, read_fees, read_l1_fee
from nvm_chain.chain.gas_limits import GasLimits
from nvm_chain.chain.handing_over import Fate, Parcel, hand_over
from nvm_chain.chain.node import LEAST_GAS
from nvm_chain.chain.nonce_search import find_free_nonces, find_with_nonce
from nvm_chain.chain.nonces import Accounts, Turn
from nvm_chain.chain.sending import Sender, call_params
from nvm_chain.chain.shipments import Outcome, Shipment, Slot, count_cost
from nvm_chain.chain.signing_many import sign_new
from nvm_chain.errors import InsufficientCoin, NetworkError, NvmChainError, RpcFailed
from nvm_chain.signing.keys import Signer

TRIES = 2
"""How often a call is signed, if a transaction from elsewhere was mined with its nonce."""


class Handover:
    """What hands a shipment over, part by part."""

    def __init__(self, shipment: Shipment, signer: Signer, accounts: Accounts, sender: Sender) -> None:
        """Take what is sent, and who sends it."""
        self._shipment, self._signer, self._accounts = shipment, signer, accounts
        self._node = shipment.node
        self._limits = GasLimits(sender, shipment.asker)
        self._tries: dict[int, int] = {}

    def send_some(self) -> None:
        """Hand over the next calls that there is room and coin for. Raises what goes wrong if nothing was sent before."""
        shipment = self._shipment
        try:
            fees, balance = read_fees(self._node), self._node.read_coin_balance(shipment.address)
            built = self._build(fees, balance - sum(slot.cost for slot in shipment.slots.values()))
            if built:
                with self._accounts.turn(shipment.address) as turn:
                    self._hand_over(built, fees, turn)
        except NvmChainError as error:
            if not shipment.outcomes and not shipment.slots:
                raise
            shipment.leave_out(error)
        shipment.tell()

    # ------------------------------------------------------------------ build

    def _build(self, fees: Fees, coin: int) -> list[tuple[int, TxParams]]:
        """Take the next calls off the list, and return transactions without nonces of those that would succeed."""
        shipment = self._shipment
        places = [shipment.waiting.popleft() for _ in range(min(shipment.room, len(shipment.waiting)))]
        calls = [shipment.calls[place] for place in places]
        try:
            limits = self._limits.find(shipment.address, calls, fees.block_gas_limit)
            l1_fees = {size: read_l1_fee(self._node, size) for size in {len(call.data) // 2 for call in calls}}
        except NetworkError:
            shipment.waiting.extendleft(reversed(places))
            raise
        built: list[tuple[int, TxParams]] = []
        for position, (place, call, limit) in enumerate(zip(places, calls, limits, strict=True)):
            if isinstance(limit, NvmChainError):
                shipment.leave_out(limit, [place])
                continue
            told = call_params(shipment.address, call.data, call.to, call.value)
            transaction = cast(TxParams, {**told, **fees.params(), "chainId": self._node.chain_id, "gas": limit})
            cost = count_cost(transaction) + l1_fees[len(call.data) // 2]
            if cost > coin:
                self._wait_for_coin(places[position:], is_first=not built, coin=coin, cost=cost)
                break
            coin -= cost
            built.append((place, transaction))
        return built

    def _wait_for_coin(self, places: Sequence[int], *, is_first: bool, coin: int, cost: int) -> None:
        """Put calls back that there is no coin for now; what is on its way may cost less than it may at most."""
        shipment = self._shipment
        shipment.waiting.extendleft(reversed(places))
        if is_first and not shipment.slots:
            shipment.leave_out(InsufficientCoin(shipment.address, coin, cost))

    # ------------------------------------------------------------------ hand over

    def _hand_over(self, built: Sequence[tuple[int, TxParams]], fees: Fees, turn: Turn) -> None:
        try:
            slots = self._sign(built, turn)
        except NvmChainError:
            self._shipment.waiting.extendleft(reversed([place for place, _ in built]))
            raise
        turn.write_all_down([(slot.nonce, slot.hash) for slot in slots], self._node.label)
        self._shipment.slots.update({slot.nonce: slot for slot in slots})
        self._give([slot.parcel for slot in slots], turn)
        self._fill_gaps([slot for slot in slots if slot.parcel.fate is Fate.REFUSED], fees, turn)
        for slot in reversed(slots):
            if slot.parcel.fate is Fate.REPLACED:
                self._put_back(slot, turn)

    def _sign(self, built: Sequence[tuple[int, TxParams]], turn: Turn) -> list[Slot]:
        """Sign each with the next free nonce. None is one that this machine has signed before."""
        free = find_free_nonces(self._node, self._shipment.address, turn, self._build_look(turn))
        complete = [
            cast(
                TxParams,
                {**transaction, "nonce": Nonce(next(each for each in free if each not in self._shipment.slots))},
            )
            for _, transaction in built
        ]
        signed = sign_new(self._signer, complete, {each.hash for each in turn.sent})
        parts = zip(built, signed, strict=True)
        return [Slot(place, transaction, Parcel(each)) for (place, _), (transaction, each) in parts]

    def _build_look(self, turn: Turn) -> Callable[[str], bool]:
        """Return what tells whether the node has a transaction; the first time it asks for all that this machine has sent."""
        known: dict[str, bool] = {}

        def has(transaction_hash: str) -> bool:
            if transaction_hash not in known:
                hashes = [each.hash for each in turn.sent if each.taken]
                answers = self._shipment.asker.ask([("eth_getTransactionByHash", (each,)) for each in hashes])
                # What the node does not tell may be there.
                known.update(
                    {each: bool(answer.result or answer.error) for each, answer in zip(hashes, answers, strict=True)}
                )
            return known[transaction_hash]

        return has

    def _give(self, parcels: Sequence[Parcel], turn: Turn) -> None:
        """Give signed transactions to the node, and note what became of them."""

        def find_mined(nonce: int) -> str | None:
            return find_with_nonce(self._node, self._shipment.address, nonce, self._shipment.confirmations)

        hand_over(self._shipment.asker, parcels, find_mined, self._node.timeout_seconds)
        turn.confirm([parcel.signed.hash for parcel in parcels if parcel.fate is Fate.TAKEN])
        gone = [parcel.signed.hash for parcel in parcels if parcel.fate in (Fate.REFUSED, Fate.REPLACED)]
        if gone:
            turn.take_back(gone)

    def _fill_gaps(self, refused: Sequence[Slot], fees: Fees, turn: Turn) -> None:
        """Have something else take the nonces of refused transactions that others are behind. The rest is decided."""
        kept = [
            slot.nonce
            for slot in self._shipment.slots.values()
            if slot.parcel.fate in (Fate.TAKEN, Fate.UNKNOWN) or slot.filler is not None
        ]
        for slot in refused:
            if slot.nonce < max(kept, default=-1):
                slot.filler = self._fill(slot.nonce, fees, turn)
            if slot.filler is None:
                self._shipment.decide(slot, Outcome(slot.hash, error=slot.parcel.error))

    def _fill(self, nonce: int, fees: Fees, turn: Turn) -> Parcel | None:
        """Send nothing to oneself with a nonce, so that those behind it can be mined. Return None if it is refused, too."""
        address = self._shipment.address
        nothing = {**call_params(address, "0x", address, 0), **fees.params(), "chainId": self._node.chain_id}
        complete = cast(TxParams, {**nothing, "gas": LEAST_GAS, "nonce": Nonce(nonce)})
        [(_, signed)] = sign_new(self._signer, [complete], {each.hash for each in turn.sent})
        filler = Parcel(signed)
        turn.write_down(nonce, signed.hash, self._node.label)
        self._give([filler], turn)
        return None if filler.fate in (Fate.REFUSED, Fate.REPLACED) else filler

    def _put_back(self, slot: Slot, turn: Turn) -> None:
        """Have a call wait for another nonce, as another transaction was mined with its own."""
        shipment, tries = self._shipment, self._tries.get(slot.place, 1)
        self._tries[slot.place] = tries + 1
        if turn.confirm_new(slot.parcel.mined):
            shipment.decide(slot, shipment.replaced(slot))
        elif tries >= TRIES:
            error = RpcFailed(f"other transactions of {shipment.address} took its nonce twice")
            shipment.decide(slot, Outcome(slot.hash, error=error))
        else:
            del shipment.slots[slot.nonce]
            shipment.waiting.appendleft(slot.place)
