"""Every command of the program in the order of its story: where it is, and the first sentence of its help."""

from typing import Final

from nvm_chain.cli.groups import Entry

CATALOGUE: Final = {
    "demo": Entry(
        "demo",
        "demo",
        "Tell the whole story: a plan is ordered and used, a thousand requests are paid by signature, thieves get nothing.",
    ),
    "key": Entry("key_files", "key_group", "Make key files, which keep a private key under a password."),
    "deploy": Entry(
        "deployment",
        "deploy",
        "Deploy Credits and AgentRegistry and write deployment records, where the other commands find them.",
    ),
    "check-deployment": Entry(
        "deployment",
        "check_deployment",
        "Compare the deployment records with the chain and with the code that this package carries.",
    ),
    "plan": Entry("plans", "plan_group", "Register plans, find them, and change what their owner may change."),
    "agent": Entry(
        "agents", "agent_group", "Register agents, say which plans they accept, and tell what a request costs."
    ),
    "order": Entry("orders", "order", "Buy a plan, and pay the plan's receivers directly."),
    "signed-order": Entry(
        "signed_orders",
        "signed_order_group",
        "Order by signature: the payer needs no coin for gas, and whoever relays can change nothing.",
    ),
    "pay": Entry(
        "orders",
        "pay",
        "Pay for a request of a pay-per-use plan.",
    ),
    "grant-external": Entry("credits", "grant_external", "Grant a plan for a payment that was made outside the chain."),
    "mint": Entry("credits", "mint", "Give credits without payment, to one receiver or to many in one transaction."),
    "balance": Entry("accounts", "balance", "Show how many credits of a plan its holders have."),
    "account": Entry(
        "accounts",
        "account",
        "Show all that the chain knows of a holder on a plan: credits, what settlements took, access, and the trial.",
    ),
    "access": Entry("accounts", "access", "Ask whether a holder may make a request now."),
    "lots": Entry(
        "accounts",
        "lots",
        "Show what is left of each purchase of a plan whose credits expire, earliest expiry first.",
    ),
    "holdings": Entry("holdings", "holdings", "Show what an address holds and which plans it owns."),
    "statement": Entry(
        "statements",
        "statement_group",
        "Show what happened in a period.",
    ),
    "transaction": Entry("transactions", "transaction", "Look up a transaction: whether it is done, and what it did."),
    "redeem": Entry(
        "credits",
        "redeem",
        "Take credits for a request, as the plan's rule allows.",
    ),
    "transfer": Entry("credits", "transfer", "Send credits of a transferable plan to another holder."),
    "burn": Entry("credits", "burn", "Destroy credits."),
    "voucher": Entry(
        "vouchers",
        "voucher_group",
        "Use credits by signature.",
    ),
    "token": Entry("tokens", "token_group", "Sign the tokens that requests to a service carry."),
    "download": Entry("downloads", "download", "Download the files of a file asset."),
    "faucet": Entry(
        "credits",
        "faucet",
        "Take test money from a TestUSDC, such as `deploy --test-usdc` brings; a real USDC refuses.",
    ),
    "help": Entry("help", "show_help", "Show the help of the program or of a command, or what an error means."),
}
