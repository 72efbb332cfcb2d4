"""The first half of `send_many`: simulate calls, sign them, note them in the journal, and give them to the node."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import cast

from web3.types import Nonce, TxParams

from nvm_chain.chain.fees import Fees, read_fees, read_l1_fee
from nvm_chain.chain.gas_limits import GasLimits
from nvm_chain.chain.handing_over import Fate, Parcel, hand_over
from nvm_chain.chain.intrinsic_gas import LEAST_GAS
from nvm_chain.chain.nonce_search import NonceSearch, find_free_nonces
from nvm_chain.chain.sending import Sender, call_params
from nvm_chain.chain.shipments import Outcome, Shipment, Slot, count_cost
from nvm_chain.chain.signing_many import sign_new
from nvm_chain.chain.turns import Accounts, Turn
from nvm_chain.errors import InsufficientCoin, NotSent, NvmChainError, RpcFailed
from nvm_chain.signing.keys import Signer

TRIES = 2
"""The largest number of nonces for one call if transactions of other programs take its nonces."""


class Handover:
    """Hands the calls of a shipment over to the node, in parts."""

    def __init__(self, shipment: Shipment, signer: Signer, accounts: Accounts, sender: Sender) -> None:
        """Take the shipment, the signer, the locks and journals of the accounts, and the sender that simulates calls.

        No request.
        """
        self._shipment, self._signer, self._accounts = shipment, signer, accounts
        self._node = shipment.node
        self._limits = GasLimits(shipment.node, sender, shipment.asker)
        self._tries: dict[int, int] = {}
        self._held: set[int] = set()
        """Nonces with which transactions of other programs wait."""

    def send_some(self) -> None:
        """Hand over the next calls, as many as the limit of transactions under way and the coin balance allow.

        An error is raised only while nothing is sent and no outcome is known. Later, the error becomes the outcome of
        all waiting calls.
        """
        shipment = self._shipment
        try:
            fees, balance = read_fees(self._node), self._node.read_coin_balance(shipment.address)
            built = self._build(fees, balance - sum(slot.cost for slot in shipment.slots.values()))
            if built:
                node = self._node
                with self._accounts.turn(shipment.address, node.timeout_seconds, node.on_progress) as turn:
                    self._hand_over(built, fees, turn)
        except Exception as error:  # noqa: BLE001  a signer is anybody's code, and transactions may be under way
            self._leave_out(error)
        shipment.tell()

    def _leave_out(self, error: Exception) -> None:
        """Make an error the outcome of the waiting calls. Raise it if nothing is sent and no outcome is known."""
        if not self._shipment.outcomes and not self._shipment.slots:
            raise error
        # Only the type of a foreign error is shown, because its text may quote the key.
        problem = NotSent(f"the signer raised {type(error).__name__}")
        self._shipment.leave_out(error if isinstance(error, NvmChainError) else problem)

    # ------------------------------------------------------------------ build

    def _build(self, fees: Fees, coin: int) -> list[tuple[int, TxParams]]:
        """Take the next calls from the waiting list, and return their transactions without nonces.

        A call that would fail gets its outcome at once. If the coin is too little for a call, that call and all later
        ones wait as long as transactions are under way. If none are, the call fails with InsufficientCoin.
        """
        shipment = self._shipment
        places = [shipment.waiting.popleft() for _ in range(min(shipment.room, len(shipment.waiting)))]
        with ExitStack() as failed:  # whatever is raised, no call may be left without an outcome
            failed.callback(lambda: shipment.put_back(places))
            built = self._build_each(places, fees, coin)
            failed.pop_all()
        return built

    def _build_each(self, places: Sequence[int], fees: Fees, coin: int) -> list[tuple[int, TxParams]]:
        """Build the transactions of `_build` for the calls that were taken from the waiting list."""
        shipment, built = self._shipment, list[tuple[int, TxParams]]()
        calls = [shipment.calls[place] for place in places]
        limits = self._limits.find(shipment.address, calls, fees.block_gas_limit)
        l1_fees = {size: read_l1_fee(self._node, size) for size in {len(call.data) // 2 for call in calls}}
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
            elif built or shipment.slots:
                # Mined transactions mostly cost less than their maximum, so more coin may be left later.
                shipment.put_back(places[position:])
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
                self._shipment.put_back([place for place, _ in built])
        turn.write_all_down([(slot.nonce, slot.hash) for slot in slots], self._node.label)
        self._shipment.slots.update({slot.nonce: slot for slot in slots})
        self._give([slot.parcel for slot in slots], turn)
        for slot in reversed(slots):
            if slot.parcel.fate is Fate.REPLACED:
                self._put_back(slot, turn)
            elif slot.parcel.fate is Fate.REFUSED and slot.parcel.is_nonce_held:
                self._put_behind(slot, turn)
        self._fill_gaps([slot for slot in slots if slot.nonce in self._shipment.slots and slot.is_refused], fees, turn)

    def _sign(self, built: Sequence[tuple[int, TxParams]], turn: Turn) -> list[Slot]:
        """Sign each transaction with the next free nonce. Each result is new: this machine has not signed it before."""
        shipment = self._shipment
        # If the blocks of mined transactions were undone, the node does not count their nonces.
        used = {*shipment.slots, *shipment.mined, *shipment.replaced, *self._held}
        free = find_free_nonces(self._node, shipment.address, turn, self._build_look(turn))
        complete = [
            cast(TxParams, {**transaction, "nonce": Nonce(next(each for each in free if each not in used))})
            for _, transaction in built
        ]
        signed = sign_new(self._signer, complete, {each.hash for each in turn.sent})
        parts = zip(built, signed, strict=True)
        return [Slot(place, transaction, Parcel(each)) for (place, _), (transaction, each) in parts]

    def _build_look(self, turn: Turn) -> Callable[[str], bool]:
        """Return a function that tells whether the node has a transaction.

        On its first call the function asks the node, in batches, for all transactions in the journal that a node took.
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
        """For each refused transaction that later ones wait for, send a filler with the same nonce.

        If there is no filler, the call gets its outcome at once, even if the signer raises an error.
        """
        kept = [
            slot.nonce
            for slot in self._shipment.slots.values()
            if slot.parcel.fate in (Fate.TAKEN, Fate.UNKNOWN) or slot.filler is not None
        ]
        try:
            self._fill([slot for slot in refused if slot.nonce < max(kept, default=-1)], fees, turn)
        finally:
            for slot in refused:
                if slot.filler is None:
                    self._shipment.decide(slot, Outcome(slot.hash, error=slot.parcel.error))

    def _fill(self, slots: Sequence[Slot], fees: Fees, turn: Turn) -> None:
        """Send a filler for each slot: a payment of 0 from the account to itself. Then later ones can be mined.

        A slot gets no filler if the node refuses the filler too.
        """
        if not slots:
            return
        address = self._shipment.address
        nothing = {**call_params(address, "0x", address, 0), "chainId": self._node.chain_id, "gas": LEAST_GAS}
        complete = [cast(TxParams, {**nothing, **fees.params(), "nonce": Nonce(slot.nonce)}) for slot in slots]
        signed = sign_new(self._signer, complete, {each.hash for each in turn.sent})
        fillers = [Parcel(each) for _, each in signed]
        turn.write_all_down([(each.signed.nonce, each.signed.hash) for each in fillers], self._node.label)
        self._give(fillers, turn)
        for slot, filler in zip(slots, fillers, strict=True):
            slot.filler = None if filler.fate in (Fate.REFUSED, Fate.REPLACED) else filler

    def _put_back(self, slot: Slot, turn: Turn) -> None:
        """Put a call back into the waiting list, because another transaction was mined with its nonce.

        If this machine sent the mined transaction, or this is the second time, the call gets an outcome instead.
        """
        if turn.confirm_new(slot.parcel.mined):
            self._shipment.replace(slot)
        else:
            address = self._shipment.address
            self._try_again(slot, RpcFailed(f"other transactions of {address} took the nonce of this one twice"))

    def _put_behind(self, slot: Slot, turn: Turn) -> None:
        """Put a call back into the waiting list, because another transaction waits with its nonce.

        If this machine sent a transaction with the nonce that may still be mined, or this is the second time, the call
        gets an outcome instead.
        """
        self._held.add(slot.nonce)
        if any(each.nonce == slot.nonce for each in turn.sent):
            self._shipment.decide(slot, Outcome(slot.hash, error=slot.parcel.error))
        else:
            self._try_again(slot, slot.parcel.error)

    def _try_again(self, slot: Slot, error: NvmChainError | None) -> None:
        """Put a call back into the waiting list. If this is the second time, the error becomes its outcome."""
        shipment, tries = self._shipment, self._tries.get(slot.place, 1)
        self._tries[slot.place] = tries + 1
        if tries >= TRIES:
            shipment.decide(slot, Outcome(slot.hash, error=error))
        else:
            del shipment.slots[slot.nonce]
            shipment.put_back([slot.place])
