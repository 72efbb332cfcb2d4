// What every program of this folder begins with: the settings, a payer, and the official client's fetch.
import { Payer } from "@nvm-chain/x402";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { createPublicClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";

export const settings = JSON.parse(process.env.SETTINGS);
export const account = privateKeyToAccount(settings.key);
export const reader = createPublicClient({ transport: http(settings.rpc) });

export function createPayer(options = {}) {
  const { network, credits } = settings;
  return new Payer({ account, network, credits, limits: { perRequest: 5n, inAll: 1_000n }, ...options });
}

/** The official client's fetch with a payer. With `bound`, the payer sees the requests. */
export function createFetch(payer, { bound = true, client = new x402Client(), fetch = globalThis.fetch } = {}) {
  return wrapFetchWithPayment(bound ? payer.bind(fetch) : fetch, payer.register(client));
}

/** A fetch that notes what it sends and gets: the status, the headers of payments, and both decoded. */
export function watch(log) {
  return async (input, init) => {
    const request = new Request(input, init);
    const response = await fetch(request);
    const read = (headers, name) => {
      const text = headers.get(name);
      return text === null ? undefined : JSON.parse(Buffer.from(text, "base64").toString());
    };
    log.push({
      status: response.status,
      payment: read(request.headers, "PAYMENT-SIGNATURE"),
      required: read(response.headers, "PAYMENT-REQUIRED"),
      receipt: read(response.headers, "PAYMENT-RESPONSE"),
      signIn: request.headers.get("SIGN-IN-WITH-X") !== null,
    });
    return response;
  };
}

/** What the caller of a fetch sees: the status and the body, or the error. */
export async function attempt(call) {
  try {
    const response = await call();
    const text = await response.text();
    return { status: response.status, text };
  } catch (error) {
    return { error: error.message, name: error.name };
  }
}

export const post = (text) => ({ method: "POST", body: text });
export const print = (value) => console.log(JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `${each}` : each)));
