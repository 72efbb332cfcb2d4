"""The first half of `send_many`: simulate calls, sign them, note them in the journal, and give them to the node."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from web3.types import Nonce, TxParams

from nvm_chain.chain.fees import Fees, read_fees, read_l1_fee
from nvm_chain.chain.gas_limits import GasLimits
from nvm_chain.chain.handing_over import Fate, Parcel, hand_over
from nvm_chain.chain.node import LEAST_GAS
from nvm_chain.chain.nonce_search import NonceSearch, find_free_nonces
from nvm_chain.chain.nonces import Accounts, Turn
from nvm_chain.chain.sending import Sender, call_params
from nvm_chain.chain.shipments import Outcome, Shipment, Slot, count_cost
from nvm_chain.chain.signing_many import sign_new
from nvm_chain.errors import InsufficientCoin, NetworkError, NotSent, NvmChainError, RpcFailed
from nvm_chain.signing.keys import Signer

TRIES = 2
"""The largest number of nonces for one call if transactions of other programs take its nonces."""


class Handover:
    """Hands the calls of a shipment over to the node, in parts."""

    def __init__(self, shipment: Shipment, signer: Signer, accounts: Accounts, sender: Sender) -> None:
        """Take the shipment, the signer, the journals of the accounts, and the sender that simulates calls.

        No request.
        """
        self._shipment, self._signer, self._accounts = shipment, signer, accounts
        self._node = shipment.node
        self._limits = GasLimits(sender, shipment.asker)
        self._tries: dict[int, int] = {}

    def send_some(self) -> None:
        """Hand over the next calls, as many as the limit of transactions under way and the coin balance allow.

        Raises an error only before the first transaction or outcome. Later, the error becomes the outcome of all
        waiting calls.
        """
        shipment = self._shipment
        try:
            fees, balance = read_fees(self._node), self._node.read_coin_balance(shipment.address)
            built = self._build(fees, balance - sum(slot.cost for slot in shipment.slots.values()))
            if built:
                with self._accounts.turn(shipment.address) as turn:
                    self._hand_over(built, fees, turn)
        except Exception as error:  # noqa: BLE001  a signer is anybody's code, and others may be under way
            self._leave_out(error)
        shipment.tell()

    def _leave_out(self, error: Exception) -> None:
        """Make an error the outcome of the waiting calls. Raise the error if there is no transaction and no outcome yet."""
        if not self._shipment.outcomes and not self._shipment.slots:
            raise error
        # A foreign error is told by its type only, because its text may quote the key.
        problem = NotSent(f"the signer raised {type(error).__name__}")
        self._shipment.leave_out(error if isinstance(error, NvmChainError) else problem)

    # ------------------------------------------------------------------ build

    def _build(self, fees: Fees, coin: int) -> list[tuple[int, TxParams]]:
        """Take the next calls from the waiting list, and return their transactions without nonces.

        A call that would fail gets its outcome at once. If the coin is too little for a call, it waits with all later
        calls while transactions are under way. Otherwise the call fails with InsufficientCoin.
        """
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
            if cost <= coin:
                coin -= cost
                built.append((place, transaction))
            elif (
                built or shipment.slots
            ):  # mined transactions mostly cost less than their maximum, so more coin may be left
                shipment.waiting.extendleft(reversed(places[position:]))
                break
            else:
                shipment.leave_out(InsufficientCoin(shipment.address, coin, cost), [place])
        return built

    # ------------------------------------------------------------------ hand over

    def _hand_over(self, built: Sequence[tuple[int, TxParams]], fees: Fees, turn: Turn) -> None:
        slots: list[Slot] = []
        try:
            slots = self._sign(built, turn)
        finally:
            if not slots:
                self._shipment.waiting.extendleft(reversed([place for place, _ in built]))
        turn.write_all_down([(slot.nonce, slot.hash) for slot in slots], self._node.label)
        self._shipment.slots.update({slot.nonce: slot for slot in slots})
        self._give([slot.parcel for slot in slots], turn)
        self._fill_gaps([slot for slot in slots if slot.parcel.fate is Fate.REFUSED], fees, turn)
        for slot in reversed(slots):
            if slot.parcel.fate is Fate.REPLACED:
                self._put_back(slot, turn)

    def _sign(self, built: Sequence[tuple[int, TxParams]], turn: Turn) -> list[Slot]:
        """Sign each transaction with the next free nonce. This machine has not signed any of the results before."""
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
        """Return a function that tells whether the node has a transaction.

        On its first call the function asks the node for all earlier transactions that a node took, in batches.
        """
        known: dict[str, bool] = {}

        def has(transaction_hash: str) -> bool:
            if transaction_hash not in known:
                hashes = [each.hash for each in turn.sent if each.taken]
                answers = self._shipment.asker.ask([("eth_getTransactionByHash", (each,)) for each in hashes])
                # A transaction counts as known if the node answers with an error.
                known.update(
                    {each: bool(answer.result or answer.error) for each, answer in zip(hashes, answers, strict=True)}
                )
            return known[transaction_hash]

        return has

    def _give(self, parcels: Sequence[Parcel], turn: Turn) -> None:
        """Give signed transactions to the node, and note in the journal which of them it took or refused."""
        begin_search = partial(NonceSearch, self._node, self._shipment.address, self._shipment.confirmations)
        hand_over(self._shipment.asker, parcels, begin_search, self._node.timeout_seconds)
        turn.confirm([parcel.signed.hash for parcel in parcels if parcel.fate is Fate.TAKEN])
        gone = [parcel.signed.hash for parcel in parcels if parcel.fate in (Fate.REFUSED, Fate.REPLACED)]
        if gone:
            turn.take_back(gone)

    def _fill_gaps(self, refused: Sequence[Slot], fees: Fees, turn: Turn) -> None:
        """Send a filler with each refused nonce that has later transactions behind it.

        A refused transaction without a filler gets its outcome at once.
        """
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
        """Send a payment of 0 to the account itself with a nonce, so that later transactions can be mined.

        Returns None if the node refuses the payment too.
        """
        address = self._shipment.address
        nothing = {**call_params(address, "0x", address, 0), **fees.params(), "chainId": self._node.chain_id}
        complete = cast(TxParams, {**nothing, "gas": LEAST_GAS, "nonce": Nonce(nonce)})
        [(_, signed)] = sign_new(self._signer, [complete], {each.hash for each in turn.sent})
        filler = Parcel(signed)
        turn.write_down(nonce, signed.hash, self._node.label)
        self._give([filler], turn)
        return None if filler.fate in (Fate.REFUSED, Fate.REPLACED) else filler

    def _put_back(self, slot: Slot, turn: Turn) -> None:
        """Put a call back into the waiting list, because another transaction was mined with its nonce.

        The call gets an outcome instead if the mined transaction is one of this machine, or if this is the second time.
        """
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
