/**
 * The request that is paid. The official client does not show it to its schemes: they see the 402 only. So a fetch of ours
 * writes what it sent into the 402 that it hands on, under a key that no server knows, and it is taken out before anything is
 * sent.
 */
import { decodePaymentRequiredHeader, encodePaymentRequiredHeader } from "@x402/core/http";
import type { PaymentPayload, PaymentRequired } from "@x402/core/types";

import { hashBody, type RequestFacts } from "./bindings.js";
import { isObject } from "./numbers.js";
import { CREDITS_SCHEME, ORDER_SCHEME } from "./offers.js";
import { findPlace, type Place } from "./places.js";

const EXTENSION = "nvm-request";

/** A request as it was sent: where it went, and what a binding names of it. */
export interface SentRequest extends RequestFacts {
  readonly place: Place;
}

/** What of a request has to be known. */
export interface RequestLike {
  readonly method: string;
  readonly url: string;
  readonly headers?: Headers;
}

/** Return what a binding names of a request. */
export function describeRequest(request: RequestLike, body: Uint8Array): SentRequest {
  const place = findPlace(request.url);
  const id = request.headers?.get("Idempotency-Key") ?? undefined;
  return { method: request.method.toUpperCase(), target: place.target, body: hashBody(body), id, place };
}

/** Writes requests into 402s and reads them again. Each one has a key of its own. */
export class RequestNotes {
  readonly #key = crypto.randomUUID();

  /** Return a 402 with the request in it. Whatever a server wrote there is replaced. */
  write(required: PaymentRequired, sent: SentRequest): PaymentRequired {
    return { ...required, extensions: { ...required.extensions, [EXTENSION]: { key: this.#key, sent } } };
  }

  /** Return the request of a 402. Undefined if it is not there. */
  read(extensions: Record<string, unknown> | undefined): SentRequest | undefined {
    const note = extensions?.[EXTENSION];
    return isObject(note) && note["key"] === this.#key ? (note["sent"] as SentRequest) : undefined;
  }

  /** Take the request out of a payment. */
  erase(payment: PaymentPayload): void {
    if (payment.extensions === undefined || !(EXTENSION in payment.extensions)) return;
    const { [EXTENSION]: _, ...others } = payment.extensions;
    payment.extensions = others;
  }

  /** Return a response with the request in its 402. Other responses, and 402s that do not take our schemes, stay as they are. */
  async annotate(response: Response, request: Request): Promise<Response> {
    const required = readRequired(response);
    const isOurs = required?.accepts.some(({ scheme }) => scheme === CREDITS_SCHEME || scheme === ORDER_SCHEME);
    if (required === undefined || isOurs !== true) {
      void request.body?.cancel();
      return response;
    }
    const sent = describeRequest(request, new Uint8Array(await request.arrayBuffer()));
    const headers = new Headers(response.headers);
    headers.set("PAYMENT-REQUIRED", encodePaymentRequiredHeader(this.write(required, sent)));
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers });
  }
}

function readRequired(response: Response): PaymentRequired | undefined {
  const header = response.status === 402 ? response.headers.get("PAYMENT-REQUIRED") : null;
  if (header === null) return undefined;
  try {
    const required = decodePaymentRequiredHeader(header);
    return Array.isArray(required.accepts) ? required : undefined;
  } catch {
    return undefined; // the client tells the caller what is wrong with it
  }
}
