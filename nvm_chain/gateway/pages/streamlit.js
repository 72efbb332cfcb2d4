// The log-in inside an app. The gateway prepares what is signed, the wallet signs it, and the app around this page gets the token.
// This script keeps no key and stores nothing, asks no other host, and writes every text as text.
"use strict";
(() => {
  const widget = document.getElementById("widget");
  const { did, url, chainId, network } = widget.dataset;
  const apps = JSON.parse(widget.dataset.apps);
  const { Told, ask, isSame, short } = nvmPage;
  const at = (id) => document.getElementById(id);
  const PAUSE = 1000;

  let provider = null, account = null, plans = [], chosen = null, prepared = null, token = null, beat = 0;
  let turn = 0; // counts what makes older answers worthless: another account, another plan
  let isBusy = false, isStale = false;

  // ------------------------------------------------------------ what is shown

  const show = (id, isShown) => { at(id).hidden = !isShown; };
  const write = (id, text) => { at(id).textContent = text; };
  const say = (text) => write("progress", text);
  const complain = (text) => { write("problem", text); show("problem", Boolean(text)); if (text) say(""); };
  const setBusy = (busy) => {
    isBusy = busy;
    for (const button of widget.querySelectorAll("button")) button.setAttribute("aria-disabled", String(busy));
  };

  const describe = (error) => nvmPage.describe(error, { network });
  const asked = (path, values) => `streamlit/api/${path}?${new URLSearchParams({ did, ...values })}`;

  // Runs one thing at a time. What goes wrong is written on the page.
  const run = (work) => async () => {
    if (isBusy) return;
    complain("");
    setBusy(true);
    try { await work(); } catch (error) { complain(describe(error)); }
    setBusy(false);
    measure();
    if (isStale && account && !token) { isStale = false; run(look)(); }
  };

  // ------------------------------------------------------------ the app around this page

  const tell = (message) => {
    if (parent === window) return;
    const above = location.ancestorOrigins; // not in every browser
    const named = above && above.length ? apps.filter((app) => app === above[0]) : apps;
    for (const app of named) parent.postMessage(message, app);
  };
  const tellToken = () => {
    if (Date.now() / 1000 > token.end) return leave("Your log-in has ended. Log in again.");
    tell({ type: "streamlit:token", data: { jwtToken: { accessToken: token.token }, proxyUrl: url, end: token.end } });
  };
  const measure = () => tell({ type: "streamlit:height", data: { height: widget.offsetHeight } });

  const enter = (told) => {
    token = told;
    write("words", `You are logged in as ${short(told.holder)}, until ${new Date(told.end * 1000).toLocaleString()}.`);
    for (const id of ["plans", "terms", "log-in", "again"]) show(id, false);
    show("log-out", true);
    say("");
    tellToken();
    beat = setInterval(tellToken, PAUSE); // the app may begin to listen later
  };
  const leave = (words) => {
    clearInterval(beat);
    token = null;
    tell({ type: "streamlit:logout" });
    write("words", words);
    show("log-out", false);
    show("log-in", true);
    measure();
  };
  const logOut = async () => {
    const mine = token;
    leave("You are logged out.");
    await revoke(mine);
  };
  const revoke = ({ token: mine }) =>
    fetch("sessions", { method: "DELETE", headers: { authorization: `Bearer ${mine}` } }).catch(() => 0);

  // ------------------------------------------------------------ wallets

  nvmPage.findWallets();

  const logIn = async () => {
    const found = nvmPage.listWallets();
    if (!found.length)
      throw new Told("There is no wallet in this browser. Install one, or open this app in the browser of your wallet.");
    if (found.length === 1) return connect(found[0]);
    write("words", "Which wallet?");
    nvmPage.offerWallets(at("wallets"), found, (wallet) => run(() => connect(wallet))());
    show("wallets", true);
  };

  const connect = async (wallet) => {
    say("Your wallet asks whether this page may see your account.");
    const accounts = await wallet.provider.request({ method: "eth_requestAccounts" });
    if (provider !== wallet.provider) {
      provider = wallet.provider;
      const own = provider;
      if (own.on) own.on("accountsChanged", (changed) => own === provider && switchAccount(changed));
    }
    account = accounts[0];
    show("wallets", false);
    await look();
  };

  const switchAccount = ([next]) => {
    if (isSame(next, account)) return;
    account = next || null;
    turn += 1;
    chosen = prepared = null;
    show("terms", false);
    if (token) return; // the token belongs to the account that logged in
    show("plans", false);
    isStale = isBusy;
    if (account) run(look)(); else { show("again", false); show("log-in", true); write("words", "The wallet is disconnected."); }
  };

  // ------------------------------------------------------------ plans

  const look = async () => {
    const mine = ++turn;
    say("Your plans are read from the chain.");
    const told = await ask(asked("plans", { account }));
    if (mine !== turn) return;
    plans = told.plans;
    const usable = plans.filter((plan) => plan.isUsable);
    say("");
    write("words", usable.length
      ? `${short(account)} can use this service. Choose a plan.`
      : `${short(account)} has no plan for this service yet. Order one, and look again.`);
    for (const item of at("plans").children) {
      const plan = plans.find((one) => one.planId === item.dataset.plan);
      item.querySelector("[data-has]").textContent = plan ? `You have ${plan.has}.` : "";
      item.querySelector("[data-use]").hidden = !(plan && plan.isUsable);
    }
    show("log-in", false);
    show("again", !usable.length);
    show("plans", true);
  };

  const use = async (plan) => {
    chosen = plan;
    if (plan.limit === undefined) return signIn(plan);
    at("limit").value = plan.limit;
    await prepare("0");
    show("plans", false);
    show("terms", true);
    at("terms-title").focus();
  };

  const checkAccount = (mine) => {
    if (mine !== turn) throw new Told("The account was switched meanwhile. Choose a plan of this account.");
  };

  const signIn = async ({ planId }) => {
    const mine = turn;
    const { message, planId: plan } = await ask(asked("logins", {}), { account, planId });
    checkAccount(mine);
    say("Your wallet shows a message. Your signature logs you in, and pays nothing.");
    const signature = await nvmPage.signText(provider, account, message);
    say("The gateway checks your signature.");
    enter(await ask("sign-in", { message, signature, planId: plan }));
  };

  const prepare = async (ceiling) => {
    const mine = turn, limit = at("limit").value.trim();
    const told = await ask(asked("logins", {}), { account, planId: chosen.planId, limit, ceiling });
    checkAccount(mine);
    prepared = { limit, ...told };
    write("terms-text", prepared.terms);
  };

  const switchNetwork = async () => {
    if (await nvmPage.isOnNetwork(provider, chainId)) return;
    say(`Your wallet asks to use ${network}.`);
    await nvmPage.switchNetwork(provider, chainId);
  };

  const sign = async () => {
    const mine = turn, { limit, terms, typedData, voucher } = prepared;
    if (limit !== at("limit").value.trim()) {
      await prepare("0");
      say("The terms have changed. Read them, and sign again.");
      return;
    }
    await switchNetwork();
    say("Your wallet shows what you sign.");
    const signature = await nvmPage.signData(provider, account, typedData);
    checkAccount(mine);
    say("The gateway checks your signature.");
    const opened = await ask("sessions", { terms, voucher: JSON.stringify({ ...JSON.parse(voucher), signature }) });
    const ceiling = await findCeiling(opened, BigInt(JSON.parse(voucher).ceiling), BigInt(limit));
    if (ceiling === null) return enter(opened);
    await revoke(opened);
    checkAccount(mine);
    await prepare(String(ceiling));
    throw new Told("You have used credits that are not settled yet, so the voucher needs a higher ceiling. Sign once more.");
  };

  // A ceiling counts what was used before. Only the holder is told of that, so the first voucher goes by the chain.
  // Returns the ceiling that is needed if the session has less than half of its credits.
  const findCeiling = async (opened, ceiling, limit) => {
    const answer = await fetch("account", { headers: { authorization: `Bearer ${opened.token}` } });
    if (!answer.ok) return null;
    const used = BigInt((await answer.json()).nextCeiling) - 1n;
    return 2n * (ceiling - used) < limit ? used + limit : null;
  };

  const goBack = async () => {
    chosen = prepared = null;
    show("terms", false);
    await look();
  };

  at("log-in").addEventListener("click", run(logIn));
  at("again").addEventListener("click", run(look));
  at("log-out").addEventListener("click", run(logOut));
  at("sign").addEventListener("click", run(sign));
  at("back").addEventListener("click", run(goBack));
  at("limit").addEventListener("change", run(async () => {
    await prepare("0");
    say("The terms have changed. Read them before you sign.");
  }));
  at("plans").addEventListener("click", (event) => {
    const button = event.target.closest("[data-use]");
    if (button) run(() => use(plans.find((plan) => plan.planId === button.closest("li").dataset.plan)))();
  });
  document.addEventListener("visibilitychange", () => { // the visitor comes back from the checkout
    if (!document.hidden && account && !token && !at("again").hidden) run(look)();
  });
  new ResizeObserver(measure).observe(widget);
})();
