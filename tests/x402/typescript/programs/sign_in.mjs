// Asks twice with the official extension for sign-ins: with open access nothing is paid, else credits are.
import { createSIWxClientExtension } from "@x402/extensions/sign-in-with-x";
import { x402Client } from "@x402/fetch";
import { account, attempt, createFetch, createPayer, post, print, settings, watch } from "./setup.mjs";

const log = [];
const client = new x402Client().registerExtension(createSIWxClientExtension({ signers: [account] }));
const paid = createFetch(createPayer(), { client, fetch: watch(log) });
const answers = [await attempt(() => paid(`${settings.url}/ask`, post("tea"))), await attempt(() => paid(`${settings.url}/ask`, post("tea")))];
print({ answers, log });
