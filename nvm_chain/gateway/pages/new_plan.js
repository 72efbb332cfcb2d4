// A new plan: what the seller chooses, the review that the gateway writes, and the transactions that the wallet sends. This script
// keeps no key, asks no other host, and writes every text as text.
"use strict";
(() => {
  const panel = document.getElementById("panel");
  const { chainId, network } = panel.dataset;
  const { Told, isSame, short } = nvmPage;
  const at = (id) => document.getElementById(id);
  const STORE = "nvm-new-plan";
  const HASH = /^0x[0-9a-f]{64}$/;
  const PATIENT = ["Unreachable", "CheckoutBusy", "RpcFailed", "ConnectionFailed", "NodeBusy"];
  const FIRST_PAUSE = 700, LONGEST_PAUSE = 4000, UNKNOWN_LOOKS = 20;

  let provider = null, account = null, reviewed = null, plan = null;
  let turn = 0;       // counts what makes older answers worthless: another account, another network, a change of the form
  let isBusy = false; // the wallet is asked, or a transaction is followed

  // ------------------------------------------------------------ what is shown

  const show = (id, isShown) => { at(id).hidden = !isShown; };
  const write = (id, text) => { at(id).textContent = text; };
  const say = (text) => write("progress", text);
  const nameOwn = (text) => (account ? text.replaceAll(account, "your account").replace(/^your/, "Your").replaceAll(". your", ". Your") : text);
  const complain = (text) => { write("problem", nameOwn(text)); show("problem", Boolean(text)); if (text) say(""); };
  const setBusy = (busy) => {
    isBusy = busy;
    for (const button of panel.querySelectorAll("button")) button.setAttribute("aria-disabled", String(busy));
  };
  const fill = (id, texts, tag = "li") => at(id).replaceChildren(...texts.map((text) => make(tag, text)));
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const describe = (error) => nvmPage.describe(error, {
    network,
    refused: "You said no in your wallet. Nothing was sent, and nothing was changed. You can try again, or change something.",
    after: "Nothing was sent, unless the wallet shows a transaction.",
  });
  const ask = (path, body) => nvmPage.ask(`api/drafts${path}`, body);

  // ------------------------------------------------------------ what is remembered: in this tab, and in the address of the page

  const load = () => { try { return JSON.parse(sessionStorage.getItem(STORE)) || {}; } catch { return {}; } };
  const keep = (changes) => {
    try { sessionStorage.setItem(STORE, JSON.stringify({ ...load(), ...changes })); } catch { /* a tab without storage forgets */ }
  };
  const nameInUrl = (values) => {
    const url = new URL(location.href);
    for (const name of ["plan", "account", "tx", "what"]) url.searchParams.delete(name);
    for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
    history.replaceState(null, "", url);
  };
  const readUrl = () => Object.fromEntries(new URL(location.href).searchParams);

  // ------------------------------------------------------------ the wallet

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
      use(wallet, await wallet.provider.request({ method: "eth_requestAccounts" }));
      say("");
    } catch (error) {
      complain(error && error.code === 4001 ? "You did not connect the wallet. Nothing was changed." : describe(error));
    }
    setBusy(false);
    await showAccount();
  };

  const resume = async (wallet) => {
    try {
      const accounts = await wallet.provider.request({ method: "eth_accounts" });
      if (accounts && accounts.length && !provider) { use(wallet, accounts); await showAccount(); }
    } catch { /* the button is still there */ }
  };

  const use = (wallet, accounts) => {
    if (provider !== wallet.provider) {
      provider = wallet.provider;
      const { provider: own } = wallet;
      if (own.on) {
        own.on("accountsChanged", (changed) => own === provider && switchAccount(changed));
        own.on("chainChanged", () => own === provider && account && showAccount());
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
    turn += 1; // a review for the other account is worth nothing
    if (!isBusy) complain("");
    if (reviewed) edit(false);
    if (!isBusy) say(!next ? "The wallet is disconnected." : before ? `The account was switched to ${short(next)}. Review the plan again.` : "");
    showAccount();
    if (plan && !isBusy) lookAgain(false);
  };

  const showAccount = async () => {
    show("wallets", false);
    show("account", Boolean(account));
    show("connect", !account);
    if (!account) { show("switch", false); show("wallet", true); write("wallet-words", "Connect the wallet that will own the plan. It pays the fee of the network."); return; }
    write("account-address", account);
    try {
      const isRight = await nvmPage.isOnNetwork(provider, chainId);
      show("switch", !isRight);
      show("wallet", !isRight);
      if (!isRight) write("wallet-words", `Your wallet is on another network. The plan will be on ${network}.`);
    } catch (error) { complain(describe(error)); }
  };

  const requireWallet = async (mine) => {
    const checkTurn = () => {
      if (mine !== turn) throw new Told("The account or the network was switched meanwhile, so nothing was sent. Review the plan again with this account.", "Switched");
    };
    checkTurn();
    if (!await nvmPage.isOnNetwork(provider, chainId)) throw new Told(`Your wallet is on another network. Switch it to ${network}, and try again.`, "Switched");
    checkTurn();
  };

  // ------------------------------------------------------------ the form

  const template = () => document.querySelector("input[name=template]:checked");
  const termsOf = (input) => JSON.parse(input.dataset.terms);
  let last = { name: "", price: "" }; // what the template before has filled in

  const beginWith = (input) => {
    const terms = termsOf(input);
    at("kind").value = terms.kind || "credits";
    if (terms.isFree) at("unit").value = "free";
    else if (at("unit").value === "free") at("unit").value = at("unit").querySelector("option").value;
    if (at("price").value === last.price) at("price").value = at("unit").value === terms.unit ? terms.price : "";
    if (at("name").value === last.name) at("name").value = terms.name;
    last = { name: terms.name, price: at("price").value };
    at("grants").value = terms.grants;
    at("period").value = terms.period;
    at("trial").checked = terms.trial;
    arrange();
  };

  const arrange = () => {
    const kind = at("kind").value, isCredits = kind === "credits", isTime = kind === "time", isFree = at("unit").value === "free";
    const opensLater = isTime && at("starts").value === "first-use";
    show("row-kind", template().value === "custom");
    show("row-token", at("unit").value === "other");
    for (const part of ["row-price", "price-hint", "row-receivers"]) show(part, !isFree);
    write("price-label", kind === "usage" ? "Price of one request" : "Price of one purchase");
    show("row-grants", kind !== "usage");
    write("grants-label", isTime ? "Periods" : "Credits");
    at("grants").placeholder = isTime ? "1" : "";
    for (const part of ["row-period", "row-starts"]) show(part, isTime);
    for (const part of ["row-least", "row-most", "row-expires", "row-transferable"]) show(part, isCredits);
    show("row-rule", isCredits || opensLater);
    show("row-trial", kind !== "usage");
    at("trial").disabled = termsOf(template()).trial;
    const settles = isCredits || (opensLater && at("rule").value !== "holder");
    for (const part of ["row-settle", "settle-hint"]) show(part, settles);
    if (isFree) at("receivers").replaceChildren();
    write("add-receiver", at("receivers").children.length ? "Add a receiver" : "Share the price");
    write("receivers-words", at("receivers").children.length ? "Each gets its share of the price, straight from the buyer." : "Your account is paid the whole price.");
  };

  const addReceiver = (address, amount) => {
    const item = make("li"), number = at("receivers").children.length;
    const field = (name, label, value, more) => {
      const id = `receiver-${name}-${number}`, row = make("p", "", { class: "field" }), input = make("input", "", { id, type: "text", autocomplete: "off", spellcheck: "false", ...more });
      input.value = value;
      row.append(make("label", label, { for: id }), input);
      return row;
    };
    const remove = make("button", "Remove", { type: "button", "aria-label": `Remove receiver ${number + 1}` });
    remove.addEventListener("click", () => { item.remove(); numberReceivers(); arrange(); at("add-receiver").focus(); });
    const actions = make("p", "", { class: "actions" });
    actions.append(remove);
    item.append(field("address", `Receiver ${number + 1}`, address, { maxlength: "60" }), field("amount", `Share of receiver ${number + 1}`, amount, { maxlength: "90", inputmode: "decimal" }), make("p", "", { class: "wrong", hidden: "" }), actions);
    at("receivers").append(item);
  };

  const numberReceivers = () => {
    const shares = readReceivers();
    at("receivers").replaceChildren();
    for (const { address, amount } of shares) addReceiver(address, amount);
  };

  const readReceivers = () => [...at("receivers").children].map((item) => {
    const [address, amount] = item.querySelectorAll("input");
    return { address: address.value.trim(), amount: amount.value.trim() };
  });

  const collect = () => {
    const shown = (id, value, empty = "") => (at(`row-${id}`).hidden ? empty : value);
    const unit = at("unit").value;
    return {
      account,
      template: template().value,
      kind: at("kind").value,
      name: at("name").value, description: at("description").value, author: at("author").value,
      token: unit === "other" ? at("token").value.trim() : unit,
      price: shown("price", at("price").value.trim()),
      receivers: shown("receivers", readReceivers(), []),
      grants: shown("grants", at("grants").value.trim()),
      period: shown("period", at("period").value.trim()),
      starts: shown("starts", at("starts").value, "purchase"),
      leastPerRequest: shown("least", at("least").value.trim()),
      mostPerRequest: shown("most", at("most").value.trim()),
      expires: shown("expires", at("expires").value.trim()),
      rule: shown("rule", at("rule").value, "holder"),
      trial: shown("trial", at("trial").checked, false),
      transferable: shown("transferable", at("transferable").checked, false),
      letsGatewaySettle: shown("settle", at("settle").checked, true),
      allowTinyPrice: shown("tiny", at("tiny").checked, false),
      allowSmallGrant: shown("small", at("small").checked, false),
    };
  };

  // ------------------------------------------------------------ what has to be corrected

  const INPUTS = { leastPerRequest: "least", mostPerRequest: "most", token: "token", kind: "kind" };

  const clearWrong = () => {
    for (const words of at("form").querySelectorAll(".wrong")) { words.hidden = true; words.textContent = ""; }
    for (const input of at("form").querySelectorAll("[aria-invalid]")) {
      input.removeAttribute("aria-invalid");
      if (input.dataset.hint) input.setAttribute("aria-describedby", input.dataset.hint); else input.removeAttribute("aria-describedby");
    }
  };

  const findPlace = (field) => {
    const [name, number, part] = field.split(".");
    if (number !== undefined) {
      const item = at("receivers").children[Number(number)];
      return item ? { words: item.querySelector(".wrong"), input: item.querySelectorAll("input")[part === "amount" ? 1 : 0] } : findPlace("receivers");
    }
    if (name === "template") return { words: at("wrong-template"), input: template() };
    if (name === "receivers") return { words: at("wrong-receivers"), input: at("add-receiver") };
    const words = at(`wrong-${name}`);
    return words && { words, input: at(INPUTS[name] || name) };
  };

  const showProblems = (problems) => {
    let first = null;
    const others = [];
    for (const { field, type, message } of problems) {
      if (type === "SuspiciousPrice") show("row-tiny", true);
      if (type === "SuspiciousGrant") show("row-small", true);
      const place = findPlace(field);
      if (!place || place.input.closest("[hidden]")) { others.push(message); continue; }
      place.words.textContent = nameOwn([place.words.textContent, message].filter(Boolean).join(" "));
      place.words.hidden = false;
      place.words.id = place.words.id || `wrong-receiver-${field.split(".")[1]}`;
      place.input.setAttribute("aria-invalid", "true");
      if (place.input.dataset.hint === undefined) place.input.dataset.hint = place.input.getAttribute("aria-describedby") || "";
      place.input.setAttribute("aria-describedby", `${place.input.dataset.hint} ${place.words.id}`.trim());
      first ||= place.input;
    }
    complain(others.join(" "));
    say(first ? `${problems.length === 1 ? "One thing has" : `${problems.length} things have`} to be corrected. It is said beside ${problems.length === 1 ? "the field" : "each field"}.` : "");
    if (first) first.focus();
  };

  // ------------------------------------------------------------ the review

  const review = async () => {
    if (isBusy) return;
    complain("");
    clearWrong();
    if (!account) { complain("Connect the wallet that will own the plan first. Its account is in the terms."); at("connect").focus(); return; }
    const mine = ++turn, choices = collect();
    setBusy(true);
    say("The gateway writes all terms in words.");
    try {
      const told = await ask("", choices);
      if (mine === turn) showReview(choices, told);
    } catch (error) {
      if (mine === turn) {
        say("");
        if (error.told && error.told.problems) showProblems(error.told.problems); else complain(describe(error));
      }
    }
    setBusy(false);
  };

  const showReview = (choices, told) => {
    reviewed = { choices, told };
    write("review-name", told.name || "A plan without a name");
    write("review-summary", told.summary);
    write("review-description", told.description);
    write("review-author", told.author ? `By ${told.author}` : "");
    at("review-terms").replaceChildren(...told.terms.map(({ title, text }) => {
      const row = make("div");
      row.append(make("dt", title), make("dd", text));
      return row;
    }));
    at("review-serving").replaceChildren(...told.serving.map(({ verdict, text }) =>
      make("li", `${verdict === "missing" ? "This gateway could not serve the plan. " : ""}${nameOwn(text)}`, { class: verdict })));
    fill("review-steps", told.steps);
    write("review-cost", told.cost.words);
    fill("review-notes", told.notes);
    write("review-plan", told.did);
    show("form", false);
    show("reviewed", true);
    say("");
    complain(told.problem);
    at("reviewed").focus();
  };

  const edit = (takesFocus) => {
    reviewed = null;
    show("reviewed", false);
    show("form", true);
    if (takesFocus) template().focus();
  };

  // ------------------------------------------------------------ transactions

  const register = async () => {
    if (isBusy || !reviewed || !account) return;
    const mine = ++turn, { choices, told } = reviewed;
    await send(mine, "registration", told.did, () => ask("/registration", { plan: choices, reviewed: told.reviewed }));
  };

  const takeStep = async (what, body) => {
    if (isBusy) return;
    if (!account) { complain("Connect the wallet that owns the plan first."); at("connect").focus(); return; }
    const mine = ++turn;
    await send(mine, what, plan.did, () => ask("/steps", { account, planId: plan.did, what, ...body }));
  };

  const WAIT = {
    registration: "Confirm the registration in your wallet.",
    settle: "Confirm in your wallet that this gateway may settle.",
    attach: "Confirm in your wallet that the agent accepts the plan.",
  };

  const send = async (mine, what, did, prepare) => {
    complain("");
    setBusy(true);
    const sender = account;
    try {
      say("The transaction is checked once more.");
      const { transaction } = await prepare();
      await requireWallet(mine);
      say(WAIT[what]);
      const hash = await provider.request({ method: "eth_sendTransaction", params: [transaction] });
      keep({ pending: { what, plan: did, account: sender, tx: hash } });
      nameInUrl({ plan: did, account: sender, tx: hash, what });
    } catch (error) {
      complain(describe(error));
    }
    setBusy(false);
    if (load().pending) await follow();
  };

  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const readPlan = (did, holder) => ask(`/plan?${new URLSearchParams({ plan: did, account: holder })}`);

  const follow = async () => {
    const { pending } = load();
    if (!pending || isBusy) return;
    setBusy(true);
    for (const part of ["form", "reviewed", "done"]) show(part, part === "done" && pending.what !== "registration" && Boolean(plan));
    say("The transaction is on its way, and waits to be mined. You can reload or close this page: the address of this page leads back to it.");
    let outcome = null, problem = "";
    for (let pause = FIRST_PAUSE, unknown = 0; !outcome; pause = Math.min(pause * 1.4, LONGEST_PAUSE)) {
      try {
        const told = await ask(`/transactions/${encodeURIComponent(pending.tx)}`);
        if (!["waiting", "unknown"].includes(told.state)) outcome = told;
        unknown = told.state === "unknown" ? unknown + 1 : 0;
        // A smart wallet may name a transaction that no node knows, so the plan itself tells the outcome too.
        if (unknown && pending.what === "registration" && (await readPlan(pending.plan, pending.account)).isRegistered) outcome = { state: "mined" };
        else if (unknown >= UNKNOWN_LOOKS) outcome = { state: "lost" };
      } catch (error) {
        if (!(error instanceof Told)) throw error;
        if (!PATIENT.includes(error.type)) { outcome = { state: "refused" }; problem = error.message; }
        else say(`${error.message} The transaction is not affected.`);
      }
      if (!outcome) await wait(pause);
    }
    keep({ pending: null });
    setBusy(false);
    await end(pending, outcome, problem);
  };

  const end = async (pending, outcome, problem) => {
    say("");
    if (outcome.state !== "mined") {
      complain(problem || outcome.words || "The network does not know the transaction any more. It may have been replaced in your wallet: look there before you try again.");
      if (pending.what !== "registration") return showPlan(pending, true);
      nameInUrl({});
      show("form", !reviewed);
      show("reviewed", Boolean(reviewed));
      return;
    }
    await showPlan(pending, true);
    if (plan && pending.what !== "registration") say("The transaction is mined.");
  };

  // ------------------------------------------------------------ a plan that is registered

  const showPlan = async ({ plan: did, account: holder, tx }, takesFocus) => {
    let told;
    try {
      told = await readPlan(did, holder);
    } catch (error) {
      complain(`${describe(error)} Your transaction is not affected.`);
      show("form", !plan);
      return;
    }
    if (!told.isRegistered) {
      nameInUrl({});
      complain("That transaction did not register this plan. Look into your wallet before you try again.");
      show("form", !reviewed);
      show("reviewed", Boolean(reviewed));
      return;
    }
    plan = { ...told, holder };
    nameInUrl({ plan: did, account: holder, ...(tx ? { tx } : {}) });
    for (const part of ["form", "reviewed"]) show(part, false);
    write("done-plan", told.did);
    write("done-summary", told.summary);
    write("done-transaction", tx || "");
    show("done-transaction-row", Boolean(tx));
    at("done-findings").replaceChildren(...told.mayNotServe.map((text) => make("li", nameOwn(text), { class: "missing" })));
    show("settle-now", told.needsSettler);
    at("agents").replaceChildren(...told.agents.map(describeAgent));
    for (const part of ["agents-title", "agents"]) show(part, told.agents.length > 0);
    show("no-agents", !told.agents.length);
    show("done", true);
    if (takesFocus) at("done").focus();
  };

  const describeAgent = (agent, number) => {
    const item = make("li"), name = make("p"), shown = make("bdi", agent.name.slice(0, 120)), actions = make("p", "", { class: "actions" });
    name.append(shown, document.createTextNode(" "), make("code", agent.did));
    item.append(name);
    if (agent.isAttached) { item.append(make("p", agent.words, { class: "hint" })); return item; }
    const cost = (which, label, value) => {
      const id = `cost-${which}-${number}`, row = make("p", "", { class: "field" }), input = make("input", "", { id, type: "text", inputmode: "numeric", maxlength: "12", autocomplete: "off" });
      input.value = value;
      row.append(make("label", label, { for: id }), input);
      item.append(row);
      return input;
    };
    const least = agent.takesCredits ? cost("least", "Credits of a request, at least", agent.least) : null;
    const most = agent.takesCredits ? cost("most", "Credits of a request, at most", agent.most) : null;
    const button = make("button", "Attach to this agent", { type: "button", class: "main", "aria-label": `Attach to this agent: ${agent.name.slice(0, 120)}` });
    button.addEventListener("click", () => takeStep("attach", { agent: agent.did, least: least ? least.value.trim() : "", most: most ? most.value.trim() : "" }));
    actions.append(button);
    item.append(actions);
    return item;
  };

  const lookAgain = (takesFocus) => plan && showPlan({ plan: plan.did, account: account || plan.holder, tx: at("done-transaction").textContent }, takesFocus);

  // ------------------------------------------------------------ beginning

  at("connect").addEventListener("click", () => { if (!isBusy) { complain(""); chooseWallet(); } });
  at("switch").addEventListener("click", async () => {
    if (isBusy) return;
    complain("");
    setBusy(true);
    say("Your wallet asks whether it may switch the network.");
    try { await nvmPage.switchNetwork(provider, chainId); say(""); } catch (error) { complain(describe(error)); }
    setBusy(false);
    await showAccount();
  });
  for (const input of document.querySelectorAll("input[name=template]")) input.addEventListener("change", () => beginWith(input));
  for (const id of ["kind", "unit", "starts", "rule"]) at(id).addEventListener("change", arrange);
  at("add-receiver").addEventListener("click", () => {
    if (isBusy) return;
    const isFirst = !at("receivers").children.length;
    addReceiver(isFirst ? account || "" : "", isFirst ? at("price").value.trim() : "");
    arrange();
    at("receivers").lastElementChild.querySelector("input").focus();
  });
  at("form").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input[type=text]")) { event.preventDefault(); review(); }
  });
  at("review").addEventListener("click", review);
  at("change").addEventListener("click", () => { if (!isBusy) { turn += 1; complain(""); edit(true); } });
  at("register").addEventListener("click", register);
  at("settle-now").addEventListener("click", () => takeStep("settle", {}));
  at("look").addEventListener("click", () => { if (!isBusy) { complain(""); lookAgain(true); } });
  at("another").addEventListener("click", () => {
    if (isBusy) return;
    nameInUrl({});
    plan = null;
    complain("");
    say("");
    show("done", false);
    edit(true);
  });

  const begin = async () => {
    const url = readUrl();
    if (!load().pending && url.plan && url.account && HASH.test(url.tx || "") && url.what)
      keep({ pending: { what: url.what, plan: url.plan, account: url.account, tx: url.tx } });
    if (load().pending) await follow();
    else if (url.plan && url.account) await showPlan({ ...url, tx: HASH.test(url.tx || "") ? url.tx : "" }, false);
  };

  panel.hidden = false;
  beginWith(template());
  begin().catch((error) => { setBusy(false); complain(describe(error)); });
  nvmPage.findWallets((wallet) => { if (!provider && wallet.info.rdns && wallet.info.rdns === load().wallet) resume(wallet); });
  if (load().wallet === "injected" && window.ethereum) resume(nvmPage.listWallets()[0]);
})();
