"""Command-line names for the Python code in error messages. Messages mark code with backticks."""

from collections.abc import Mapping
from typing import Final

SHELL_NAMES: Final[Mapping[str, str]] = {
    "allow_tiny_price=True": "--allow-tiny-price",
    "allow_small_grant=True": "--allow-small-grant",
    "ask_chain": "the chain, without --offline",
    "connect(…, records='FOLDER/deployments')": "--deployments FOLDER/deployments",
    "connect(…, records=path)": "--deployments PATH",
    "create2=False": "--create",
    "fee_owner": "--fee-owner",
    "first_block": "--deployed-block",
    "folder=path": "--deployments PATH",
    "get_plan_details": "`nvm-chain plan show`",
    "get_service_details": "`nvm-chain agent show`",
    "grant_external": "`nvm-chain grant-external`",
    "has_access": "`nvm-chain access`",
    "max_cost": "--max-cost",
    "max_fee_bps": "--max-fee-bps",
    "mint_credits": "`nvm-chain mint`",
    "mint_test_usdc": "`nvm-chain faucet`",
    "order_plan": "`nvm-chain order`",
    "pay_usage": "`nvm-chain pay`",
    "payment_method='allowance'": "--payment-method allowance",
    "payment_method='approve'": "--payment-method approve",
    "payment_method='authorization'": "--payment-method authorization",
    "payment_method='permit'": "--payment-method permit",
    "rpc_url": "--rpc",
    "read_access_until": "`nvm-chain access`",
    "redeem_credits": "`nvm-chain redeem`",
    "replace_records=True": "--replace-records",
    "replace_plans": "`nvm-chain agent detach`, then `nvm-chain agent attach`",
    "settle_vouchers": "`nvm-chain voucher settle`",
    "set_minter": "`nvm-chain plan set-minter`",
    "set_redeemer": "`nvm-chain plan set-redeemer`",
    'usdc("20")': '--price "20 USDC"',
    "usdc('20')": '"20 USDC"',
}
"""Python code between backticks, and its name on the command line."""
