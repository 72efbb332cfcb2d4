// The page of sellers. Whoever signs in gets what belongs to them as parts of a page, which the gateway has written. This script
// keeps a token in this tab only, and asks no other host.
"use strict";
(() => {
  const { Told, isSame } = nvmPage;
  const at = (id) => document.getElementById(id);
  const STORE = "nvm-seller";
  const VISIBLE = /^[!-~]{1,512}$/;

  let token = "";
  let session = null;  // the sign-in with a wallet in this tab
  let period = { days: "30" };
  let turn = 0;        // counts what makes older answers worthless: another period, another sign-in
  let isBusy = false;  // a sign-in goes on
  let last = Promise.resolve(); // the gateway answers one question of a seller at a time, so they wait for each other
  let shown = null;    // the period of the report, with its dates
  let people = null;   // the plan whose holders are shown, and where its next page begins

  // ------------------------------------------------------------ what is shown

  const show = (id, isShown) => { at(id).hidden = !isShown; };
  const write = (id, text) => { at(id).textContent = text; };
  const say = (text) => write("progress", text);
  const complain = (text) => { write("problem", text); show("problem", Boolean(text)); if (text) say(""); };
  const read = (html) => [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
  const setBusy = (busy) => {
    isBusy = busy;
    for (const button of at("sign-in").querySelectorAll("button")) button.setAttribute("aria-disabled", String(busy));
  };

  // ------------------------------------------------------------ what is remembered in this tab

  const keep = () => {
    try {
      if (token) sessionStorage.setItem(STORE, JSON.stringify({ token, ...(session || {}) }));
      else sessionStorage.removeItem(STORE);
    } catch { /* a tab without storage forgets */ }
  };
  const load = () => { try { return JSON.parse(sessionStorage.getItem(STORE)) || {}; } catch { return {}; } };

  // ------------------------------------------------------------ questions

  const describe = (error) => nvmPage.describe(error, { network: "the network" });
  const ask = (path, body, bearer) => nvmPage.ask(`seller/api/${path}`, body, bearer);
  const askOwn = (path) => { // one after the other
    const bearer = token;
    const answer = last.then(() => ask(path, undefined, bearer));
    last = answer.catch(() => {});
    return answer;
  };
  const fail = (error) => {
    if (error instanceof Told && error.type === "SellerUnknown") signOut();
    complain(describe(error));
  };

  // ------------------------------------------------------------ sign-in

  const chooseWallet = () => {
    const found = nvmPage.listWallets();
    if (!found.length) return complain("There is no wallet in this browser. Install one, open this page in the browser of your wallet, or use a token.");
    if (found.length === 1) return signInWith(found[0]);
    nvmPage.offerWallets(at("wallets"), found, (wallet) => isBusy || signInWith(wallet));
    show("wallets", true);
    write("wallet-words", "Which wallet?");
    at("wallets").querySelector("button").focus();
  };

  const signInWith = async (wallet) => {
    complain("");
    setBusy(true);
    try {
      say("Your wallet asks whether this page may see your account.");
      const [account] = await wallet.provider.request({ method: "eth_requestAccounts" });
      if (!account) throw new Told("The wallet has no account for this page.");
      const { message } = await ask(`challenge?${new URLSearchParams({ account })}`);
      say("Sign the message in your wallet. It pays nothing.");
      const signature = await nvmPage.signText(wallet.provider, account, message);
      say("The signature is checked.");
      const told = await ask("sign-in", { message, signature });
      watch(wallet, account);
      begin(told.token);
    } catch (error) {
      complain(describe(error));
    }
    setBusy(false);
  };

  const watch = ({ info, provider }, account) => { // who looks at the page may not be the one who has signed in
    const mine = session = { account, wallet: info.rdns || "" };
    const compare = (accounts) => {
      if (session !== mine || isSame(accounts && accounts[0], account)) return;
      signOut();
      say("The account was switched in the wallet, so this page has signed out.");
    };
    if (provider.on) provider.on("accountsChanged", compare);
    return compare;
  };

  const watchAgain = async (wallet) => { // a tab that was reloaded finds its wallet again
    if (!token || !session || session.isWatched || !session.wallet || wallet.info.rdns !== session.wallet) return;
    const compare = watch(wallet, session.account);
    session.isWatched = true;
    try { compare(await wallet.provider.request({ method: "eth_accounts" })); } catch { /* it says so when it is asked next */ }
  };

  const signInByToken = () => {
    const given = at("token").value.trim();
    complain("");
    if (!VISIBLE.test(given)) return complain("Write the token as you got it: letters, digits and signs, without blanks.");
    session = null;
    begin(given);
  };

  const begin = (given) => {
    token = given;
    at("token").value = "";
    return refresh(true);
  };

  const signOut = () => {
    turn += 1;
    [token, session] = ["", null];
    keep();
    closePeople();
    at("overview").replaceChildren();
    for (const id of ["report", "export", "who", "sign-out", "wallets"]) show(id, false);
    show("sign-in", true);
    say("");
  };

  // ------------------------------------------------------------ the report

  const refresh = async (takesFocus) => {
    const mine = ++turn;
    complain("");
    say("Your sales are read.");
    try {
      const told = await askOwn(`overview?${new URLSearchParams(period)}`);
      if (mine !== turn) return;
      keep();
      showOverview(told);
      if (takesFocus) at("title").focus();
      say("");
      if (!told.hasBooks) return;
      const outlook = await askOwn("outlook");
      if (mine === turn && at("outlook")) at("outlook").replaceChildren(...read(outlook.html));
    } catch (error) {
      if (mine === turn) fail(error);
    }
  };

  const showOverview = (told) => {
    const who = told.account ? `Account ${told.account}` : `Seller ${told.seller}`;
    write("who", `${who}.`);
    closePeople();
    at("overview").replaceChildren(...read(told.html));
    if (told.isEmpty) {
      const note = document.createElement("p");
      note.className = "note";
      note.textContent = "Nothing here is yours: this gateway sells no plan that you own, and serves none of your agents. If you own them with another account, sign out and sign in with that one.";
      at("overview").replaceChildren(note);
    }
    for (const button of document.querySelectorAll("[data-days]"))
      button.setAttribute("aria-pressed", String(String(told.period.days) === button.dataset.days));
    shown = told.period;
    [at("from").value, at("to").value] = [shown.from, shown.to];
    show("sign-in", false);
    for (const id of ["report", "who", "sign-out"]) show(id, true);
    show("export", Boolean(told.seller));
  };

  // ------------------------------------------------------------ holders

  const closePeople = () => {
    people = null;
    at("holders").replaceChildren();
    show("people", false);
    show("more", false);
    at("overview").after(at("people")); // out of what is replaced
  };

  const listHolders = async (plan, after) => {
    const mine = turn;
    complain("");
    say("The holders are read.");
    try {
      const told = await askOwn(`holders?${new URLSearchParams({ plan, ...(after ? { after } : {}) })}`);
      if (mine !== turn) return;
      const parts = read(told.html), body = at("holder-table") && at("holder-table").tBodies[0];
      const rows = parts.flatMap((part) => (part.querySelectorAll ? [...part.querySelectorAll("tbody tr")] : []));
      if (after && body) body.append(...rows);
      else at("holders").replaceChildren(...parts);
      people = { plan, after: told.after };
      at("plans").closest("section").after(at("people"));
      show("people", true);
      show("more", Boolean(told.after));
      if (!after) at("people-title").focus();
      say(after ? `${rows.length} more holders are shown.` : "");
    } catch (error) {
      if (mine === turn) fail(error);
    }
  };

  // ------------------------------------------------------------ the export

  const download = async () => {
    say("The usage is read. Keep this page open.");
    complain("");
    const { from: first, to } = shown; // the dates beside it may have been changed since
    const end = new Date(Date.parse(to) + 86400000).toISOString().slice(0, 10);
    try {
      const answer = await fetch(`seller/usage?${new URLSearchParams({ from: first, to: end, format: "csv" })}`,
        { headers: { authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit" });
      if (!answer.ok) { const told = await answer.json(); throw new Told(told.error, told.nvm && told.nvm.type); }
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = `usage-${first}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      say("The usage is in your downloads.");
    } catch (error) {
      fail(error instanceof Told ? error : new Told("The usage could not be read to its end. Try again, or a shorter period."));
    }
  };

  // ------------------------------------------------------------ beginning

  at("connect").addEventListener("click", () => isBusy || chooseWallet());
  at("token-form").addEventListener("submit", (event) => { event.preventDefault(); if (!isBusy) signInByToken(); });
  at("sign-out").addEventListener("click", () => { signOut(); complain(""); at("connect").focus(); });
  at("more").addEventListener("click", () => people && people.after && listHolders(people.plan, people.after));
  at("close-people").addEventListener("click", () => { closePeople(); at("plans").focus(); });
  at("export-link").addEventListener("click", (event) => { event.preventDefault(); download(); });
  at("show-dates").addEventListener("click", () => { period = { from: at("from").value, to: at("to").value }; refresh(false); });
  for (const button of document.querySelectorAll("[data-days]"))
    button.addEventListener("click", () => { period = { days: button.dataset.days }; refresh(false); });
  at("overview").addEventListener("click", (event) => {
    const button = event.target.closest("[data-holders]");
    if (button) listHolders(button.dataset.holders, null);
  });

  const kept = load();
  if (typeof kept.token === "string" && VISIBLE.test(kept.token) && kept.account) session = { account: kept.account, wallet: kept.wallet };
  if (typeof kept.token === "string" && VISIBLE.test(kept.token)) begin(kept.token).then(() => show("sign-in", at("report").hidden));
  else show("sign-in", true);
  nvmPage.findWallets(watchAgain);
  if (session && session.wallet === "injected" && window.ethereum) watchAgain(nvmPage.listWallets()[0]);
})();
