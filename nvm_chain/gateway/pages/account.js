// The page of an account. What is public is read at once, and the rest after a sign-in, whose token stays in this tab. The gateway
// prepares what is signed, and the wallet signs it. This script keeps no key, asks no other host, and writes every text as text.
"use strict";
(() => {
  const panel = document.getElementById("panel");
  const { chainId, network } = panel.dataset;
  const { Told, isSame } = nvmPage;
  const at = (id) => document.getElementById(id);
  const STORE = "nvm-account";

  let provider = null, account = null, plans = [], kind = "session", prepared = null;
  let turn = 0;       // counts what makes older answers worthless: another account
  let isBusy = false; // the wallet or the gateway is asked

  // ------------------------------------------------------------ what is shown

  const show = (id, isShown) => { at(id).hidden = !isShown; };
  const write = (id, text) => { at(id).textContent = text; };
  const say = (text) => write("progress", text);
  const complain = (text) => { write("problem", text); show("problem", Boolean(text)); if (text) say(""); };
  const describe = (error) => nvmPage.describe(error, { network });
  const make = (tag, values = {}, ...inner) => {
    const { data = {}, label, ...others } = values, made = Object.assign(document.createElement(tag), others);
    Object.assign(made.dataset, data);
    if (label) made.setAttribute("aria-label", label);
    if (tag === "button" && isBusy) made.setAttribute("aria-disabled", "true"); // `run` enables it
    made.append(...inner);
    return made;
  };
  const foreign = (text) => make("bdi", { textContent: text });
  const join = (parts) => parts.flatMap((part, number) => (number ? [", ", part] : [part]));

  // Runs one thing at a time. What goes wrong is written on the page.
  const run = (work) => async (...given) => {
    if (isBusy) return;
    complain("");
    isBusy = true;
    for (const button of panel.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
    try { await work(...given); } catch (error) { fail(error); }
    isBusy = false;
    for (const button of panel.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  };
  const fail = (error) => {
    if (error instanceof Told && error.type === "VisitorUnknown") leave();
    complain(describe(error));
  };

  // ------------------------------------------------------------ what is remembered in this tab

  const load = () => { try { return JSON.parse(sessionStorage.getItem(STORE)) || {}; } catch { return {}; } };
  const keep = (kept) => { try { sessionStorage.setItem(STORE, JSON.stringify(kept)); } catch { /* a tab without storage forgets */ } };
  const findToken = () => {
    const { token, of, end } = load();
    return token && isSame(of, account) && Date.now() / 1000 < end ? token : null;
  };
  const ask = (path, body) => nvmPage.ask(`api/holder/${path}`, body, findToken());

  // ------------------------------------------------------------ wallets

  const chooseWallet = async () => {
    const found = nvmPage.listWallets();
    if (!found.length)
      throw new Told("There is no wallet in this browser. Install one, or open this page in the browser of your wallet.");
    if (found.length === 1) return connect(found[0]);
    nvmPage.offerWallets(at("wallets"), found, (wallet) => run(() => connect(wallet))());
    show("wallets", true);
    write("wallet-words", "Which wallet?");
    at("wallets").querySelector("button").focus();
  };

  const connect = async (wallet) => {
    say("Your wallet asks whether this page may see your account.");
    use(wallet, await wallet.provider.request({ method: "eth_requestAccounts" }));
    await read();
    at("plans-title").focus();
  };

  const use = (wallet, accounts) => {
    if (provider !== wallet.provider) {
      provider = wallet.provider;
      const own = provider;
      if (own.on) own.on("accountsChanged", (changed) => own === provider && switchAccount(changed));
    }
    account = accounts[0] || null;
    turn += 1;
    keep({ ...load(), wallet: wallet.info.rdns || "" });
  };

  const switchAccount = ([next]) => {
    if (isSame(next, account)) return;
    account = next || null;
    turn += 1; // whatever was prepared for the other account is thrown away
    for (const part of ["account", "draft", "result"]) show(part, false);
    prepared = null;
    for (const text of ["result-text", "given"]) at(text).value = "";
    complain("");
    if (!account) { show("wallet", true); say("The wallet is disconnected."); return; }
    read().catch(fail);
  };

  // ------------------------------------------------------------ what everybody may see

  const read = async () => {
    const mine = ++turn;
    say("Your plans are read.");
    for (const part of ["wallet", "wallets"]) show(part, false);
    const told = await ask(`plans?${new URLSearchParams({ account })}`);
    if (mine !== turn) return;
    plans = told.plans;
    write("account-address", told.account);
    write("plans-words", plans.length
      ? `Your statement goes up to block ${told.block}.`
      : "This account has, and had, nothing of the plans that are sold here.");
    at("plans").replaceChildren(...plans.map(buildPlan));
    show("account", true);
    say("");
    await readBooks(mine);
  };

  const buildPlan = (plan) => {
    const button = make("button", { type: "button", textContent: "Show the statement", label: `Show the statement: ${plan.name}` });
    const statement = make("div");
    button.addEventListener("click", run(() => readStatement(plan, statement, button)));
    return make("article", { data: { plan: plan.planId } },
      make("h3", {}, foreign(plan.name)),
      make("p", { className: "by" }, "Sold by ", make("code", { textContent: plan.seller })),
      make("p", { textContent: `You have ${plan.has}.` }),
      make("p", { className: "actions" },
        make("a", { className: "button", href: `./${plan.planId}`, textContent: "Terms, and order again", label: `Terms, and order again: ${plan.name}` }), button),
      statement);
  };

  const readStatement = async (plan, place, button, before) => {
    if (!before) place.replaceChildren();
    const told = await ask(`statement?${new URLSearchParams({ account, plan: plan.planId, ...(before ? { before } : {}) })}`);
    if (!before) place.replaceChildren(buildTable(plan, told.unit));
    const body = place.querySelector("tbody"), first = body.children.length;
    body.append(...told.movements.map(buildRow));
    if (!body.children.length) // the index may not have read the last blocks yet
      place.replaceChildren(make("p", { textContent: "Nothing has happened until now. Ask again in a few seconds.", data: { empty: "" } }));
    button.hidden = body.children.length > 0;
    place.querySelector("[data-more]")?.remove();
    if (told.more) {
      const more = make("button", { type: "button", textContent: "Show earlier ones", data: { more: "" }, label: `Show earlier ones: ${plan.name}` });
      more.addEventListener("click", run(() => readStatement(plan, place, button, told.more)));
      place.append(more);
    }
    const row = body.children[first];
    if (row) row.focus();
  };

  const buildTable = (plan, unit) => {
    const heads = [["Date (UTC)"], ["What happened"], [unit[0].toUpperCase() + unit.slice(1), "number"], ["Price"], ["Left", "number"]];
    const scroller = make("div", { className: "table", tabIndex: 0, label: `Statement of ${plan.name}` }, make("table", {},
      make("caption", { textContent: "Your statement, newest first" }),
      make("thead", {}, make("tr", {}, ...heads.map(([textContent, className = ""]) => make("th", { scope: "col", textContent, className })))),
      make("tbody")));
    scroller.setAttribute("role", "region");
    return scroller;
  };
  const buildRow = (movement) => make("tr", { tabIndex: -1 },
    make("td", { textContent: movement.time.replace(" UTC", "") }),
    make("td", {}, movement.what, ...(movement.about ? [make("br"), make("small", {}, foreign(movement.about))] : [])),
    make("td", { className: "number", textContent: movement.credits }),
    make("td", { textContent: movement.price }),
    make("td", { className: "number", textContent: movement.balance }));

  // ------------------------------------------------------------ what only the holder may see

  const enter = async () => {
    const mine = turn, own = account;
    const { message } = await ask("challenges", { account: own });
    say("Your wallet shows a message. Your signature pays nothing.");
    const signature = await nvmPage.signText(provider, own, message);
    say("The gateway checks your signature.");
    const { token, seconds } = await ask("visits", { message, signature });
    keep({ ...load(), token, of: own, end: Math.floor(Date.now() / 1000) + seconds });
    say("");
    if (mine !== turn) return;
    await readBooks(mine);
    at("books-title").focus();
  };

  const leave = () => {
    const { wallet } = load();
    keep({ wallet });
    for (const part of ["books", "draft", "result"]) show(part, false);
    for (const part of ["owed", "open"]) at(part).replaceChildren();
    show("sign-in", true);
  };

  const readBooks = async (mine) => {
    if (!findToken()) { leave(); return; }
    const told = await ask("books");
    if (mine !== turn) return;
    show("sign-in", false);
    at("owed").replaceChildren(...told.plans.map(({ planId, words }) => make("li", {}, foreign(nameOf(planId)), `: ${words}`)));
    show("owed", told.plans.length > 0);
    at("open").replaceChildren(...told.open.map(buildOpen));
    show("nothing-open", told.open.length === 0);
    show("books", true);
    show("new-session", listUsable(false).length > 0);
    show("new-allowance", listUsable(true).length > 0);
    show("nothing-usable", listUsable(false).length === 0);
  };

  // Returns the plans that a session can be opened on, or an allowance be given of.
  const listUsable = (isAllowance) => plans.filter((plan) => plan.isUsable && (!isAllowance || plan.limit !== undefined));

  const nameOf = (planId) => (plans.find((plan) => plan.planId === planId) || { name: planId }).name;
  const KINDS = { session: "Session", allowance: "Allowance", "sign-in": "Sign-in" };

  const buildOpen = (open) => {
    const button = make("button", { type: "button", textContent: "End it", label: `End it: ${KINDS[open.kind]}, ${nameOf(open.planId)}` });
    button.addEventListener("click", run(async () => {
      await ask("ends", { id: open.id });
      await readBooks(turn);
      say("It has ended. Requests that were running end as usual.");
      at("books-title").focus();
    }));
    return make("li", { data: { open: open.id } },
      make("h3", { textContent: KINDS[open.kind] }),
      make("p", {}, "Plan: ", foreign(nameOf(open.planId))),
      ...(open.user ? [make("p", {}, "Used by ", make("code", { textContent: open.user }))] : []),
      make("p", {}, "Services: ", ...(open.services.length ? join(open.services.map(foreign)) : ["every service of the plan"])),
      ...open.terms.map((textContent) => make("p", { textContent })),
      make("p", { className: "actions" }, button));
  };

  // ------------------------------------------------------------ a new session or allowance

  const begin = (chosen) => () => {
    kind = chosen;
    const isAllowance = kind === "allowance";
    const some = listUsable(isAllowance);
    write("draft-title", isAllowance ? "Give an allowance" : "Open a session");
    write("draft-words", isAllowance
      ? "An agent or a person uses your credits with a key of its own, within the limits that you sign. You can take it back here at any time."
      : "A program uses your credits with a token, within the limits that you sign. You can end it here at any time.");
    at("plan").replaceChildren(...some.map((plan) => make("option", { value: plan.planId, textContent: `${plan.name}: ${plan.has}` })));
    for (const id of ["user", "per-request", "per-period"]) at(id).value = "";
    show("user-row", isAllowance);
    show("result", false);
    show("draft", true);
    choosePlan();
    at("draft-title").focus();
  };

  const findPlan = () => plans.find((plan) => plan.planId === at("plan").value);
  const choosePlan = () => {
    const plan = findPlan(), isByVoucher = plan.limit !== undefined;
    if (isByVoucher) at("limit").value = plan.limit;
    show("limits", isByVoucher);
    at("services").replaceChildren(at("services").firstElementChild, ...plan.services.map(({ did, name }, number) =>
      make("label", {}, make("input", { type: isByVoucher ? "checkbox" : "radio", name: "service", value: did, checked: isByVoucher || !number }), foreign(name))));
    change();
  };
  const change = () => { prepared = null; show("terms", false); };

  const prepare = async () => {
    const plan = findPlan(), value = (id) => at(id).value.trim();
    const services = [...at("services").querySelectorAll("input:checked")].map((input) => input.value);
    if (!services.length) throw new Told("Choose a service.");
    change();
    if (plan.limit === undefined) {
      prepared = { plan, services, ...await ask("sign-ins", { planId: plan.planId, service: services[0] }) };
      write("terms-text", prepared.message);
    } else {
      if (kind === "allowance" && !value("user")) throw new Told("Enter the address of the user.");
      const perPeriod = value("per-period");
      prepared = { plan, services, ...await ask("sessions", {
        planId: plan.planId, services, limit: value("limit"), seconds: value("length"), perRequest: value("per-request"),
        ...(perPeriod ? { perPeriod, periodSeconds: value("period") } : {}), ...(kind === "allowance" ? { user: value("user") } : {}) }) };
      write("terms-text", prepared.terms);
    }
    show("terms", true);
    at("terms-title").focus();
  };

  const sign = async () => {
    if (!prepared) return;
    const mine = turn, own = account, { plan, services, message, terms, typedData, voucher } = prepared;
    const service = plan.services.find(({ did }) => did === services[0]);
    const checkAccount = () => {
      if (mine !== turn) throw new Told("The account was switched meanwhile, so nothing was opened. Begin again with this account.");
    };
    say("Your wallet shows what you sign.");
    if (message !== undefined) {
      const signature = await nvmPage.signText(provider, own, message);
      checkAccount();
      const opened = await nvmPage.ask("../sign-in", { message, signature, planId: prepared.planId });
      showToken(opened, service, "any number of requests that your plan allows");
    } else {
      if (!await nvmPage.isOnNetwork(provider, chainId)) {
        say(`Your wallet asks to use ${network}.`);
        await nvmPage.switchNetwork(provider, chainId);
      }
      const signature = await nvmPage.signData(provider, own, typedData);
      checkAccount();
      const signed = { terms, voucher: JSON.stringify({ ...JSON.parse(voucher), signature }) };
      if (kind === "allowance") showAllowance(signed, service);
      else showToken(await nvmPage.ask("../sessions", signed), service, "the limit that you have signed");
    }
    change();
    show("draft", false);
    say("");
    await readBooks(turn);
    at("result-title").focus();
  };

  const writeTime = (second) => `${new Date(second * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const showToken = ({ token, end }, service, most) => {
    showResult("Your token", "Token of the session", token,
      `This page shows the token once. Whoever has it can spend up to ${most}, until ${writeTime(end)}. Give it to nobody, and keep it as you keep a password.`,
      "A program sends it with each request:", `curl -H "Authorization: Bearer ${token}" ${service.url}`);
  };
  const showAllowance = (signed, service) => {
    showResult("Your allowance", "Allowance as text", JSON.stringify(signed),
      "Give this text to the user. It is not a secret, because only the key of the user can use it. It is not kept here, so copy it now.",
      "The user's program opens it with its own key:",
      `from nvm_chain.client.signed_allowances import Allowance\n\nadapter.use_allowance("${service.url}", Allowance.from_json(text))`);
  };
  const showResult = (title, label, text, warning, words, example) => {
    write("result-title", title);
    write("result-label", label);
    at("result-text").value = text;
    write("result-warning", warning);
    write("result-words", words);
    write("result-example", example);
    show("take-back-new", kind === "allowance");
    show("result", true);
  };
  const copy = async () => {
    at("result-text").select();
    try { await navigator.clipboard.writeText(at("result-text").value); say("It is copied."); } catch { say("The text is selected. Copy it with your keyboard."); }
  };
  const forget = () => {
    at("result-text").value = "";
    write("result-example", "");
    show("result", false);
    at("books-title").focus();
  };

  // ------------------------------------------------------------ the end of an allowance that may not be in the books

  const takeBack = (id) => async () => {
    const mine = turn, own = account;
    let given = null;
    try { given = JSON.parse(at(id).value); } catch { /* told below */ }
    if (typeof given?.terms !== "string" || typeof given.voucher !== "string")
      throw new Told("This is not the text of an allowance. Paste the whole text that you gave to its user.");
    const { terms, voucher } = given, { message } = await ask("revocations", { terms, voucher });
    say("Your wallet shows a message. Your signature pays nothing.");
    const signature = await nvmPage.signText(provider, own, message);
    if (mine !== turn) throw new Told("The account was switched meanwhile, so nothing was taken back.");
    await nvmPage.ask("../sessions/revoke", { terms, voucher, message, signature });
    at(id).value = "";
    if (id === "result-text") forget();
    await readBooks(turn);
    say("It is taken back. Nobody can use it any more, and requests that were running end as usual.");
    at("books-title").focus();
  };

  // ------------------------------------------------------------ beginning

  const clicks = {
    connect: chooseWallet, again: read, enter, leave, prepare, sign, copy, done: forget,
    "take-back": takeBack("given"), "take-back-new": takeBack("result-text"),
    "new-session": begin("session"), "new-allowance": begin("allowance"),
    cancel: () => { change(); show("draft", false); at("books-title").focus(); },
  };
  for (const [id, work] of Object.entries(clicks)) at(id).addEventListener("click", run(() => work()));
  at("plan").addEventListener("change", choosePlan);
  at("draft").addEventListener("input", change);

  const resume = run(async (wallet) => {
    const accounts = await wallet.provider.request({ method: "eth_accounts" });
    if (!accounts || !accounts.length || provider) return;
    use(wallet, accounts);
    await read();
  });
  panel.hidden = false;
  nvmPage.findWallets((wallet) => { if (!provider && wallet.info.rdns && wallet.info.rdns === load().wallet) resume(wallet); });
  if (load().wallet === "injected" && window.ethereum) resume(nvmPage.listWallets()[0]);
})();
