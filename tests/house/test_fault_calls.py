"""Every public function that changes the state of a chain is called on a node with faults."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import nvm_chain.operations
from nvm_chain.chain.client import Chain
from nvm_chain.operations.parts import send_in_parts
from nvm_chain.operations.payment_methods import allowance, authorization, choice, native, permit
from nvm_chain.operations.publishing import stop_plan_on_failure
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.operations.signed_orders import sign_for_plan, sign_plan_order
from nvm_chain.operations.token_rules import check_wallet_signer
from tests.support.faults.calls import WRITES

WITHIN = {
    Chain.replace_transaction,
    allowance.order_with_allowance,
    allowance.send_with_allowance,
    authorization.order_with_authorization,
    native.order_with_coin,
    native.send_with_coin,
    permit.order_with_permit,
    send_in_parts,
    stop_plan_on_failure,
}
"""Parts of calls that are made: payment methods, and what follows a failure."""
READERS = "_readers"
"""The end of the names of functions that return readers. Such a function makes no request itself."""
SENDS_NOTHING = {
    check_wallet_signer,
    choice.choose_payment_method,
    sign_for_plan,
    sign_next_voucher,
    sign_plan_order,
}


def find_senders() -> Iterator[object]:
    """Yield the public functions of operations that take a signer, and those of Chain."""
    modules = pkgutil.walk_packages(nvm_chain.operations.__path__, "nvm_chain.operations.")
    for module in [importlib.import_module(found.name) for found in modules]:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_") and not name.endswith(READERS)
            if is_own and {"chain", "signer"} <= set(inspect.signature(function).parameters):
                yield function
    for name, function in inspect.getmembers(Chain, inspect.isfunction):
        if not name.startswith("_") and "signer" in inspect.signature(function).parameters:
            yield function


def test_calls_with_faults__are_all_public_functions_that_send() -> None:
    covered = {function for call in WRITES for function in call.covers} | WITHIN | SENDS_NOTHING
    assert {function for function in find_senders() if function not in covered} == set()
