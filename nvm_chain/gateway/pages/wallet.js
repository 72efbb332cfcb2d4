// What the pages have in common: wallets of the browser, questions to the gateway, and errors in words. It keeps no key, asks no other
// host, and writes every text as text.
"use strict";
const nvmPage = (() => {
  class Told extends Error {
    constructor(message, type, told = {}) { super(message); this.type = type; this.told = told; }
  }

  // Returns what went wrong, in words. `refused` is for a person who says no, and `after` follows what a wallet says.
  const describe = (error, { network, refused = "You said no in your wallet. Nothing was signed.", after = "" }) => {
    if (error instanceof Told) return error.message;
    switch (error && error.code) {
      case 4001: case "ACTION_REJECTED": return refused;
      case 4100: return "The wallet does not let this page use the account. Connect it again.";
      case 4900: case 4901: return "The wallet has no connection to the network. Look at the wallet, and try again.";
      case 4902: return `Your wallet does not know ${network}. Add that network in the wallet, and try again.`;
      case -32002: return "The wallet still waits for an answer to an earlier question. Open it and answer there.";
    }
    return `The wallet could not do it: ${String((error && error.message) || error).slice(0, 300)} ${after}`.trim();
  };

  const ask = async (path, body, token) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    let answer, told;
    try {
      answer = await fetch(path, body === undefined ? { headers } : {
        method: "POST", body: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } });
      told = await answer.json();
    } catch {
      throw new Told("The gateway cannot be reached at the moment. Try again in a few seconds.", "Unreachable");
    }
    if (!answer.ok) throw new Told(told.error, told.nvm && told.nvm.type, told);
    return told;
  };

  // ------------------------------------------------------------ wallets

  const wallets = new Map(); // by uuid: { info, provider }

  // Asks all wallets to show themselves (EIP-6963), and calls `onFound` with each one.
  const findWallets = (onFound = () => {}) => {
    addEventListener("eip6963:announceProvider", ({ detail }) => {
      const { info, provider } = detail || {};
      if (!info || !provider || wallets.has(info.uuid)) return;
      const wallet = { info, provider };
      wallets.set(info.uuid, wallet);
      onFound(wallet);
    });
    dispatchEvent(new Event("eip6963:requestProvider"));
  };

  // Returns the wallets, and the older way of wallets if there is none of them.
  const listWallets = () => {
    if (!wallets.size && window.ethereum)
      wallets.set("injected", { info: { uuid: "injected", name: "Wallet of this browser", rdns: "injected" }, provider: window.ethereum });
    return [...wallets.values()];
  };

  // Fills a list with a button for each wallet. What a wallet says of itself is text, and its picture comes with it.
  const offerWallets = (list, found, choose) => {
    list.replaceChildren(...found.map((wallet) => {
      const item = document.createElement("li"), button = document.createElement("button"), name = document.createElement("bdi");
      button.type = "button";
      name.textContent = String(wallet.info.name).slice(0, 60);
      if (String(wallet.info.icon).startsWith("data:image/")) {
        const icon = document.createElement("img");
        icon.src = wallet.info.icon; icon.alt = "";
        button.append(icon);
      }
      button.append(name);
      button.addEventListener("click", () => choose(wallet));
      item.append(button);
      return item;
    }));
  };

  const isOnNetwork = async (provider, chainId) =>
    BigInt(await provider.request({ method: "eth_chainId" })) === BigInt(chainId);
  const switchNetwork = (provider, chainId) =>
    provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: `0x${BigInt(chainId).toString(16)}` }] });
  const signText = (provider, account, text) => {
    const bytes = [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return provider.request({ method: "personal_sign", params: [`0x${bytes}`, account] });
  };
  const signData = (provider, account, typedData) =>
    provider.request({ method: "eth_signTypedData_v4", params: [account, typedData] });

  const short = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;
  const isSame = (one, other) => (one || "").toLowerCase() === (other || "").toLowerCase();

  return { Told, describe, ask, findWallets, listWallets, offerWallets, isOnNetwork, switchNetwork, signText, signData, short, isSame };
})();
