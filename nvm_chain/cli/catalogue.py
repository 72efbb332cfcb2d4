"""Every command of the program, in the order of help: its module, and the first sentence of its help."""

from typing import Final

from nvm_chain.cli.groups import Entry

CATALOGUE: Final = {
    "demo": Entry(
        "demo",
        "demo",
        "Show the product on a test chain: a plan is sold and used, and vouchers pay for a thousand requests.",
    ),
    "key": Entry("key_files", "key_group", "Make and show key files."),
    "deploy": Entry(
        "deployment",
        "deploy",
        "Deploy the contracts Credits and AgentRegistry, and write their deployment records.",
    ),
    "check-deployment": Entry(
        "deployment",
        "check_deployment",
        "Compare the deployment records with the chain and with the contract code in this package.",
    ),
    "plan": Entry("plans", "plan_group", "Register, show, list and change plans."),
    "agent": Entry(
        "agents", "agent_group", "Register, show and change agents, and show the price of a request to an agent."
    ),
    "order": Entry("orders", "order", "Buy a plan, and pay the plan's receivers directly."),
    "signed-order": Entry(
        "signed_orders",
        "signed_order_group",
        "Sign, check and relay orders, so that the payer needs no coin for gas.",
    ),
    "pay": Entry(
        "orders",
        "pay",
        "Pay for a request of a pay-per-use plan.",
    ),
    "grant-external": Entry("credits", "grant_external", "Grant a plan to a buyer who paid outside the chain."),
    "mint": Entry("credits", "mint", "Grant credits of a plan without payment."),
    "balance": Entry("accounts", "balance", "Show the credits of a plan that each given holder has."),
    "account": Entry(
        "accounts",
        "account",
        "Show a holder's account on a plan: credits, settled credits, access and trial.",
    ),
    "access": Entry("accounts", "access", "Check whether a holder may make a request now."),
    "lots": Entry(
        "accounts",
        "lots",
        "Show the remaining credits of each purchase or grant on a plan with expiring credits.",
    ),
    "holdings": Entry(
        "holdings", "holdings", "Show the plans that an address owns, and its credits and access on all plans."
    ),
    "statement": Entry(
        "statements",
        "statement_group",
        "Show the movements of credits and money in a period.",
    ),
    "index": Entry(
        "index",
        "index_group",
        "Keep what happened on the chain in SQLite or PostgreSQL, and answer questions from it.",
    ),
    "meter": Entry(
        "meter",
        "meter_group",
        "Look after the books of a meter, which counts what requests have used, and settle what is owed.",
    ),
    "gateway": Entry(
        "gateway",
        "gateway_group",
        "Run a gateway in front of a service, which lets paid requests through and no others.",
    ),
    "facilitator": Entry(
        "facilitator",
        "facilitator_group",
        "Verify and settle payments of x402 for other servers, and pay the gas.",
    ),
    "transaction": Entry("transactions", "transaction", "Show the status and the effects of a transaction."),
    "redeem": Entry(
        "credits",
        "redeem",
        "Redeem a holder's credits for a request.",
    ),
    "transfer": Entry("credits", "transfer", "Send credits of a transferable plan to another holder."),
    "burn": Entry("credits", "burn", "Destroy credits."),
    "voucher": Entry(
        "vouchers",
        "voucher_group",
        "Pay for requests with vouchers, which the holder signs and a redeemer settles.",
    ),
    "token": Entry("tokens", "token_group", "Sign and read tokens for requests to a service."),
    "download": Entry("downloads", "download", "Download the files of a file asset."),
    "faucet": Entry(
        "credits",
        "faucet",
        "Take test money from the faucet of a TestUSDC, on a development chain only.",
    ),
    "help": Entry("help", "show_help", "Show the help of the program, of a command or of an error."),
}
