// Reads headers of a gateway by the official decoders and models, and says what they leave out or do not take.
import { isDeepStrictEqual } from "node:util";
import { decodePaymentRequiredHeader, decodePaymentResponseHeader, encodePaymentRequiredHeader, encodePaymentResponseHeader } from "@x402/core/http";
import { PaymentRequiredV2Schema } from "@x402/core/schemas";
import { validateDiscoveryExtension } from "@x402/extensions/bazaar";
import { isPaymentIdentifierExtension, validatePaymentIdentifier } from "@x402/extensions/payment-identifier";
import { print, settings } from "./setup.mjs";

const plain = (header) => JSON.parse(Buffer.from(header, "base64").toString("utf8"));

/** The official models keep what they know, so an equal value has no field that they do not know. */
function readRequired(header) {
  const value = decodePaymentRequiredHeader(header);
  const parsed = PaymentRequiredV2Schema.safeParse(value);
  const extensions = value.extensions ?? {};
  const identifier = extensions["payment-identifier"];
  const bazaar = extensions["bazaar"];
  return {
    isDecoded: isDeepStrictEqual(value, plain(header)),
    isWholeModel: parsed.success && isDeepStrictEqual(parsed.data, value),
    problems: parsed.success ? [] : parsed.error.issues,
    isWritten: encodePaymentRequiredHeader(value) === header,
    identifier: identifier && isPaymentIdentifierExtension(identifier) && validatePaymentIdentifier(identifier),
    bazaar: bazaar && validateDiscoveryExtension(bazaar),
    names: Object.keys(extensions),
    value,
  };
}

function readResponse(header) {
  const value = decodePaymentResponseHeader(header);
  return { value, isDecoded: isDeepStrictEqual(value, plain(header)), isWritten: encodePaymentResponseHeader(value) === header };
}

print({ required: settings.required.map(readRequired), responses: settings.responses.map(readResponse) });
