// The checkout of one plan. The gateway prepares what is signed and sent, and the wallet signs and sends it. This script keeps no
// key, asks no other host, and writes every text as text.
"use strict";
(() => {
  const panel = document.getElementById("panel");
  if (!panel) return;
  const { plan, chainId, network } = panel.dataset;
  const { Told, isSame, short } = nvmPage;
  const at = (id) => document.getElementById(id);
  const storeKey = `nvm-checkout ${plan}`;
  const HASH = /^0x[0-9a-f]{64}$/;
  const WITHOUT_RELAY = new Set([ // after these, the order is offered in another way
    "RelaysUsedUp", "CannotRelay", "NoRelays", "TooMuchGas", "AuthorizationFailed", "AuthorizationSignatureInvalid"]);
  const PASSING = new Set([ // after these, the page asks again. So it does after an answer that is not the gateway's
    "Unreachable", "CheckoutBusy", "RpcFailed", "ConnectionFailed", "NodeBusy", undefined]);
  const FIRST_PAUSE = 700, LONGEST_PAUSE = 4000, UNKNOWN_LOOKS = 20;

  let provider = null, account = null, prepared = null, standing = null, otherWay = null;
  let turn = 0;         // counts what makes older answers worthless: another account, another network, another click
  let isBusy = false;   // the wallet is asked, or a transaction is followed
  let isFollowing = false;

  // ------------------------------------------------------------ what is shown

  const show = (id, isShown) => { at(id).hidden = !isShown; };
  const write = (id, text) => { at(id).textContent = text; };
  const say = (text) => write("progress", text);
  const nameOwn = (text) => { // the reader's own address is easier to read as words
    const named = standing ? text.replaceAll(standing.account, "your account") : text;
    return named.replace(/^your/, "Your").replaceAll(". your", ". Your");
  };
  const complain = (text) => { write("problem", nameOwn(text)); show("problem", Boolean(text)); if (text) say(""); };
  const setBusy = (busy) => {
    isBusy = busy;
    for (const button of panel.querySelectorAll("button")) button.setAttribute("aria-disabled", String(busy));
    at("quantity").readOnly = busy;
    allowOrder();
  };
  const allowOrder = () => at("pay").setAttribute("aria-disabled", String(isBusy || !prepared));
  const forget = () => { prepared = null; allowOrder(); };

  // ------------------------------------------------------------ what is remembered in this tab

  let remembered = {}; // also in a tab that has no storage, until it is reloaded
  try { remembered = JSON.parse(sessionStorage.getItem(storeKey)) || {}; } catch { /* nothing is remembered */ }
  const load = () => remembered;
  const keep = (changes) => {
    remembered = { ...remembered, ...changes };
    try { sessionStorage.setItem(storeKey, JSON.stringify(remembered)); } catch { /* a tab without storage */ }
  };
  const nameInUrl = (values) => {
    const url = new URL(location.href);
    for (const name of ["tx", "relay", "payer", "until"]) url.searchParams.delete(name);
    for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
    history.replaceState(null, "", url);
  };
  const readUrl = () => Object.fromEntries(new URL(location.href).searchParams);

  // ------------------------------------------------------------ errors in words

  const describe = (error) => nvmPage.describe(error, {
    network,
    refused: "You said no in your wallet. Nothing was signed, and nothing was paid.",
    after: "Nothing was paid, unless the wallet shows a transaction.",
  });
  const ask = (path, body) => nvmPage.ask(`api/${path}`, body);

  // ------------------------------------------------------------ wallets

  const chooseWallet = () => {
    const found = nvmPage.listWallets();
    if (!found.length) {
      complain("There is no wallet in this browser. Install one, or open this page in the browser of your wallet.");
    } else if (found.length === 1) {
      connect(found[0]);
    } else {
      nvmPage.offerWallets(at("wallets"), found, (wallet) => isBusy || connect(wallet));
      show("wallets", true);
      write("wallet-words", "Which wallet?");
      at("wallets").querySelector("button").focus();
    }
  };

  const connect = async (wallet) => {
    complain("");
    setBusy(true);
    say("Your wallet asks whether this page may see your account.");
    try {
      const accounts = await wallet.provider.request({ method: "eth_requestAccounts" });
      use(wallet, accounts);
      say("");
    } catch (error) {
      say("");
      complain(error && error.code === 4001 ? "You did not connect the wallet. Nothing was changed." : describe(error));
    }
    setBusy(false);
    if (account) await refresh(true);
  };

  const resume = async (wallet) => {
    try {
      const accounts = await wallet.provider.request({ method: "eth_accounts" });
      if (accounts && accounts.length && !provider) { use(wallet, accounts); await refresh(false); }
    } catch { /* the button is still there */ }
  };

  const use = (wallet, accounts) => {
    if (provider !== wallet.provider) {
      provider = wallet.provider;
      const { provider: own } = wallet;
      if (own.on) {
        own.on("accountsChanged", (changed) => own === provider && switchAccount(changed));
        own.on("chainChanged", () => own === provider && account && refresh(false));
      }
    }
    keep({ wallet: wallet.info.rdns || "" });
    account = accounts && accounts.length ? accounts[0] : null;
    turn += 1;
  };

  const switchAccount = (accounts) => {
    const next = accounts && accounts.length ? accounts[0] : null;
    if (isSame(next, account)) return;
    const before = account;
    account = next;
    turn += 1; // whatever was prepared for the other account is thrown away
    forget();
    standing = otherWay = null;
    if (!isFollowing) complain("");
    for (const part of ["account", "order", "look-again"]) show(part, false);
    if (!next) { show("wallet", true); show("connect", true); say("The wallet is disconnected."); return; }
    if (before && !isFollowing) say(`The account was switched to ${short(next)}. Everything is read again.`);
    refresh(false);
  };

  // ------------------------------------------------------------ how the account stands, and what an order takes

  const isRightNetwork = () => nvmPage.isOnNetwork(provider, chainId);

  const refresh = async (takesFocus, keepsProblem = false) => {
    const mine = ++turn;
    forget();
    for (const part of ["wallets", "look-again"]) show(part, false);
    try {
      const isRight = await isRightNetwork();
      if (mine !== turn) return;
      show("connect", false);
      show("switch", !isRight);
      show("wallet", !isRight);
      if (!isRight) {
        write("wallet-words", `Your wallet is on another network. This plan is on ${network}.`);
        show("order", false);
        if (takesFocus) at("switch").focus();
        return;
      }
      standing = await ask(`account?${new URLSearchParams({ plan, account })}`);
      if (mine !== turn) return;
      write("account-address", standing.account);
      write("account-has", standing.words.has);
      write("account-money", standing.words.money);
      write("renewal", standing.words.renewal);
      show("renewal", Boolean(standing.words.renewal));
      show("account", true);
      if (isFollowing || !at("receipt").hidden) return;
      await prepare(mine, keepsProblem);
      if (takesFocus && mine === turn && !at("order").hidden) at("pay").focus();
    } catch (error) {
      if (mine === turn) { show("order", false); show("look-again", true); complain(describe(error)); }
    }
  };

  const quantity = () => at("quantity").value.trim() || "1";

  const prepare = async (mine, keepsProblem = false) => {
    const way = otherWay;
    try {
      const told = await ask("orders", { planId: plan, account, quantity: quantity(), ...(way ? { way } : {}) });
      if (mine !== turn) return;
      showPrepared(told);
      if (!keepsProblem) complain("");
    } catch (error) {
      if (mine !== turn) return;
      forget();
      for (const part of ["steps", "pay", "other"]) show(part, false);
      for (const part of ["order", "look-again"]) show(part, true);
      complain(describe(error));
    }
  };

  const showPrepared = (told) => {
    prepared = told;
    at("steps").replaceChildren(...told.words.steps.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    write("pay", told.cost === "0" ? "Order for free" : `Order for ${told.words.cost}`);
    if (told.words.note) say(told.words.note);
    const other = { authorization: ["permit", "Send it myself, and pay the fee"], permit: ["approve", "Use an approval instead"] }[told.way];
    if (other) write("other", other[1]);
    at("other").dataset.way = other ? other[0] : "";
    for (const part of ["steps", "pay", "order"]) show(part, true);
    show("look-again", false);
    show("other", Boolean(other));
    allowOrder();
  };

  // ------------------------------------------------------------ the order

  const order = async () => {
    if (isBusy || !prepared || !account) return;
    const mine = ++turn, payer = account, shown = prepared;
    const checkAccount = () => {
      if (mine !== turn) throw new Told("The account or the network was switched meanwhile, so nothing was sent. Order again with this account.", "Switched");
    };
    complain("");
    setBusy(true);
    let isSent = false;
    try {
      say("The order is checked once more.");
      let step = await ask("orders", {
        planId: plan, account: payer, quantity: shown.quantity, maxCost: shown.maxCost, ...(otherWay ? { way: otherWay } : {}) });
      for (let is_over = false; !is_over;) {
        checkAccount();
        if (!await isRightNetwork()) throw new Told(`Your wallet is on another network. Switch it to ${network}, and order again.`, "Switched");
        if (step.next.do === "sign") {
          say(step.next.what === "permit" ? "Sign the permit in your wallet." : "Sign the order in your wallet. You pay no fee.");
          const signature = await nvmPage.signData(provider, payer, step.next.typedData);
          checkAccount();
          if (step.next.what === "permit") {
            say("The signature is checked.");
            step = await ask("permits", { draft: step.next.draft, signature });
            continue;
          }
          say("The seller sends the order.");
          const { nonce, validBefore } = JSON.parse(step.next.typedData).message;
          remember({ relay: nonce, payer, until: validBefore }, payer); // first, because the answer may be lost
          await relay({ ...step.next.draft, signature });
          isSent = is_over = true;
        } else {
          const isApproval = step.next.what === "approval";
          say(isApproval ? "Confirm the approval in your wallet." : "Confirm the order in your wallet.");
          const hash = await provider.request({ method: "eth_sendTransaction", params: [step.next.transaction] });
          remember({ tx: hash }, payer, step.next.what);
          isSent = !isApproval;
          is_over = true;
        }
      }
    } catch (error) {
      complain(describe(error));
      const refused = error instanceof Told ? error.type : "";
      if (shown.way === "authorization" && WITHOUT_RELAY.has(refused)) otherWay = "permit";
      if (shown.way === "permit" && refused === "PaymentFailed") otherWay = "approve";
    }
    setBusy(false);
    if (load().pending) await follow();
    else if (account && !isSent) await again();
  };

  // The gateway sends an order once, so the same order is handed over until there is an answer. A new one would be paid too.
  const relay = async (body) => {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.4, LONGEST_PAUSE)) {
      try { return await ask("relays", body); } catch (error) {
        if (!PASSING.has(error.type)) {
          keep({ pending: null });
          nameInUrl({});
          throw error;
        }
        say("There is no answer yet. Your order is signed, and the page asks for it again.");
        await wait(pause);
      }
    }
  };

  const again = () => { // read everything again, and leave the sentence about what went wrong
    say("");
    return refresh(false, true);
  };

  const remember = (names, payer, what = "order") => {
    keep({ pending: { names, payer, what, before: standing && { credits: standing.credits, accessUntil: standing.accessUntil } } });
    nameInUrl(names);
  };

  // ------------------------------------------------------------ what became of it

  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  const look = ({ names }) => {
    const query = new URLSearchParams({ plan });
    if (names.relay) {
      query.set("payer", names.payer); query.set("until", names.until);
      return ask(`relays/${encodeURIComponent(names.relay)}?${query}`);
    }
    return ask(`transactions/${encodeURIComponent(names.tx)}?${query}`);
  };

  const follow = async () => {
    const { pending } = load();
    if (!pending || isFollowing) return;
    isFollowing = true;
    setBusy(true);
    for (const part of ["order", "receipt", "look-again"]) show(part, false);
    const isApproval = pending.what === "approval";
    say(`${isApproval ? "The approval" : "The order"} is on its way, and waits to be mined. You can reload or close this page: the address of this page leads back to it.`);
    let outcome = null, problem = "";
    for (let pause = FIRST_PAUSE, unknown = 0; !outcome; pause = Math.min(pause * 1.4, LONGEST_PAUSE)) {
      try {
        const told = await look(pending);
        if (!["waiting", "unknown"].includes(told.state)) outcome = told;
        unknown = told.state === "unknown" ? unknown + 1 : 0;
        if (unknown && await hasChanged(pending)) outcome = { state: "changed" };
        else if (unknown >= UNKNOWN_LOOKS) outcome = { state: "lost" };
      } catch (error) {
        if (!(error instanceof Told)) throw error;
        if (!PASSING.has(error.type)) {
          outcome = { state: "refused" }; problem = error.message;
        } else say(`${error.message || "There is no answer at the moment."} The ${isApproval ? "approval" : "order"} is not affected.`);
      }
      if (!outcome) await wait(pause);
    }
    isFollowing = false;
    keep({ pending: null });
    setBusy(false);
    await end(pending, outcome, problem);
  };

  // A smart wallet may name a transaction that no node knows, so what the account has tells the outcome too.
  const hasChanged = async ({ payer, before, what }) => {
    if (!before || what !== "order") return false;
    const now = await ask(`account?${new URLSearchParams({ plan, account: payer })}`);
    return BigInt(now.credits) > BigInt(before.credits) || BigInt(now.accessUntil) > BigInt(before.accessUntil);
  };

  const end = async (pending, outcome, problem) => {
    say("");
    if (outcome.state === "ordered") return showReceipt(outcome);
    if (outcome.state === "changed") { nameInUrl({}); say("The order was made. What you have now is above."); }
    else if (outcome.state === "mined" && pending.what === "approval") {
      nameInUrl({});
      if (!account) return say("The approval is mined. Connect the wallet to send the order itself.");
      await refresh(false);
      if (prepared && !at("order").hidden && !at("pay").hidden) { say("The approval is mined. One more transaction is left: the order."); at("pay").focus(); }
      return;
    } else {
      nameInUrl({});
      complain(problem || outcome.words || {
        failed: "The transaction was mined, and failed. Nothing was paid except the fee of the network.",
        mined: "That transaction is not an order of this plan.",
        lost: "The network does not know the transaction any more. It may have been replaced in your wallet: look there before you order again.",
      }[outcome.state]);
    }
    if (account) await again();
  };

  const showReceipt = async (outcome) => {
    const { receipt, transaction } = outcome;
    nameInUrl({ tx: transaction });
    write("receipt-account", receipt.holder); // an address of this page may come from anybody, with the order of anybody
    write("receipt-paid", receipt.words.paid);
    write("receipt-granted", receipt.words.granted);
    write("receipt-transaction", transaction);
    write("receipt-counts", receipt.words.counts);
    for (const part of ["order"]) show(part, false);
    show("receipt", true);
    try {
      const now = await ask(`account?${new URLSearchParams({ plan, account: receipt.holder })}`);
      write("receipt-has", now.words.has);
      standing = now;
    } catch { write("receipt-has", "It could not be read at the moment."); }
    say("The order is made.");
    at("receipt").focus();
    if (account) refresh(false);
  };

  // ------------------------------------------------------------ beginning

  at("connect").addEventListener("click", () => { if (!isBusy) { complain(""); chooseWallet(); } });
  at("switch").addEventListener("click", async () => {
    if (isBusy) return;
    complain("");
    setBusy(true);
    say("Your wallet asks whether it may switch the network.");
    try {
      await nvmPage.switchNetwork(provider, chainId);
      say("");
    } catch (error) { say(""); complain(describe(error)); }
    setBusy(false);
    if (at("problem").hidden) await refresh(true);
  });
  at("pay").addEventListener("click", order);
  at("retry").addEventListener("click", () => isBusy || refresh(true));
  at("other").addEventListener("click", async () => {
    if (isBusy) return;
    otherWay = at("other").dataset.way || null;
    await refresh(true);
  });
  at("again").addEventListener("click", async () => {
    if (isBusy) return;
    nameInUrl({});
    show("receipt", false);
    say("");
    otherWay = null;
    if (account) await refresh(true); else { show("wallet", true); at("connect").focus(); }
  });
  let typing = 0;
  at("quantity").addEventListener("input", () => {
    clearTimeout(typing);
    if (isBusy || !account) return;
    const mine = ++turn;
    forget(); // what is shown is of another number
    typing = setTimeout(() => mine === turn && prepare(mine), 350);
  });
  at("quantity").addEventListener("keydown", (event) => { if (event.key === "Enter" && prepared) order(); });
  addEventListener("pageshow", (event) => { if (event.persisted && account && !isBusy) refresh(false); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && account && !isBusy && at("receipt").hidden) refresh(false);
  });

  panel.hidden = false;
  const url = readUrl();
  if (!load().pending && (HASH.test(url.tx || "") || HASH.test(url.relay || ""))) {
    const names = url.relay ? { relay: url.relay, payer: url.payer || "", until: url.until || "0" } : { tx: url.tx };
    keep({ pending: { names, payer: url.payer || "", what: "order", before: null } });
  }
  follow().catch((error) => { isFollowing = false; setBusy(false); complain(describe(error)); });
  nvmPage.findWallets((wallet) => { if (!provider && wallet.info.rdns && wallet.info.rdns === load().wallet) resume(wallet); });
  if (load().wallet === "injected" && window.ethereum) resume(nvmPage.listWallets()[0]);
})();
