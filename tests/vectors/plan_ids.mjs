// Computes the plan ids of plan_ids.json with viem and with ethers: prints a JSON list of [viem's id, ethers' id].
import { readFileSync } from "node:fs";
import * as ethers from "ethers";
import * as viem from "viem";

const TERMS = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)";

function values(vector) {
  const t = vector.terms;
  const splits = t.splits.map((split) => [split.receiver, BigInt(split.amount)]);
  const price = [t.token, splits, t.quoter, t.paid_externally];
  const numbers = [t.credits, t.duration, t.min_redeem, t.max_redeem];
  const terms = [t.kind, t.activation, ...price, ...numbers, t.rule, t.trial, t.transferable];
  return [BigInt(vector.chain_id), vector.contract, vector.creator, terms, vector.salt];
}

function idByViem(vector) {
  const parameters = viem.parseAbiParameters(`uint256, address, address, ${TERMS}, bytes32`);
  return BigInt(viem.keccak256(viem.encodeAbiParameters(parameters, values(vector)))).toString();
}

function idByEthers(vector) {
  const types = ["uint256", "address", "address", `tuple${TERMS.replace("(address,uint96)[]", "tuple(address,uint96)[]")}`, "bytes32"];
  const data = ethers.AbiCoder.defaultAbiCoder().encode(types, values(vector));
  return BigInt(ethers.keccak256(data)).toString();
}

const vectors = JSON.parse(readFileSync(new URL("plan_ids.json", import.meta.url), "utf8"));
console.log(JSON.stringify(vectors.map((vector) => [idByViem(vector), idByEthers(vector)])));
