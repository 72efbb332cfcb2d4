// Reads headers that this package has written with the official package for TypeScript, and prints them as that package writes them.
import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from "@x402/core/http";
import { PaymentPayloadV2Schema, PaymentRequiredV2Schema } from "@x402/core/schemas";
import { isEIP3009Payload } from "@x402/evm";
import { sanitizeResourceServiceMetadata, validateDiscoveryExtension } from "@x402/extensions/bazaar";
import { isPaymentIdentifierExtension } from "@x402/extensions/payment-identifier";
import { createSIWxMessage } from "@x402/extensions/sign-in-with-x";

const { required, payments, responses, account } = JSON.parse(process.argv[2]);

const readRequired = (header) => {
  const value = decodePaymentRequiredHeader(header);
  const { bazaar, "payment-identifier": identifier, "sign-in-with-x": signIn } = value.extensions ?? {};
  return {
    model: PaymentRequiredV2Schema.parse(value),
    header: encodePaymentRequiredHeader(value),
    resource: sanitizeResourceServiceMetadata(value.resource),
    isIdentifier: isPaymentIdentifierExtension(identifier),
    discovery: bazaar && validateDiscoveryExtension(bazaar),
    message: signIn && createSIWxMessage({ ...signIn.info, ...signIn.supportedChains[0] }, account),
  };
};
const readPayment = (header) => {
  const value = decodePaymentSignatureHeader(header);
  return { model: PaymentPayloadV2Schema.parse(value), header: encodePaymentSignatureHeader(value), isTransfer: isEIP3009Payload(value.payload) };
};
const readResponse = (header) => encodePaymentResponseHeader(decodePaymentResponseHeader(header));
console.log(JSON.stringify({ required: required.map(readRequired), payments: payments.map(readPayment), responses: responses.map(readResponse) }));
