/** Sending: a fetch that shows the plug-in its requests, follows no redirect with a payment, and waits for orders. */
import { decodePaymentSignatureHeader } from "@x402/core/http";
import type { PaymentPayload } from "@x402/core/types";

import { CREDITS_SCHEME, ORDER_SCHEME } from "./offers.js";
import type { RequestNotes } from "./requests.js";

/** The function `fetch`. */
export type Fetch = typeof globalThis.fetch;

const PAYMENT = "PAYMENT-SIGNATURE";
const ACCEPTED = 202;
const MOST_WAITING_MS = 60_000;
const PAUSE_MS = 1_000;

/** Return a fetch for the wrapper of the official client. `takeBack` is told of our payments that were not answered. */
export function bindFetch(
  fetch: Fetch,
  notes: RequestNotes,
  takeBack: (payment: PaymentPayload) => Promise<void>,
): Fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const header = request.headers.get(PAYMENT);
    if (header === null) {
      const copy = request.clone();
      return notes.annotate(await fetch(request), copy);
    }
    const payment = readPayment(header);
    const paid = new Request(request, { redirect: "manual" }); // another server could use the payment
    try {
      return await (payment?.accepted.scheme === ORDER_SCHEME ? sendOrder(fetch, paid) : fetch(paid));
    } catch (error) {
      if (payment !== undefined) await takeBack(payment);
      throw error;
    }
  };
}

/** Send an order. While it is not counted, the gateway answers 202, and the same payment is shown again. */
async function sendOrder(fetch: Fetch, request: Request): Promise<Response> {
  const end = Date.now() + MOST_WAITING_MS;
  for (;;) {
    const response = await fetch(request.clone());
    const pause = findPause(response);
    if (pause === undefined || Date.now() + pause > end) return response;
    await response.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Return a payment by one of our schemes. */
function readPayment(header: string): PaymentPayload | undefined {
  try {
    const payment = decodePaymentSignatureHeader(header);
    return [CREDITS_SCHEME, ORDER_SCHEME].includes(payment.accepted.scheme) ? payment : undefined;
  } catch {
    return undefined; // it is the payment of another scheme
  }
}

function findPause(response: Response): number | undefined {
  const seconds = Number(response.headers.get("Retry-After") ?? "nothing");
  return response.status === ACCEPTED && seconds >= 0 ? Math.max(seconds * 1_000, PAUSE_MS) : undefined;
}
