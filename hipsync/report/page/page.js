"use strict";
// A chart says in one line what the pointer, a finger or the arrow keys are on. A page that hipsync serves goes to other
// days, and keeps itself up to date, without a reload; without a script its links and a refresh do the same.
(() => {
  const marks = chart => [...chart.querySelectorAll("[data-t]")].filter(mark => mark.getClientRects().length);
  let shown = null;

  function show(mark) {
    const line = mark && mark.closest("section")?.querySelector("output");
    if (!line) return;
    shown?.classList.remove("on");
    shown = mark;
    mark.classList.add("on");
    line.textContent = mark.dataset.t;
  }

  const marked = event => event.target instanceof Element ? event.target.closest("[data-t]") : null;
  document.addEventListener("pointerover", event => show(marked(event)));
  document.addEventListener("click", event => show(marked(event)));
  document.addEventListener("keydown", event => {
    const chart = event.target instanceof Element && event.target.closest(".chart[tabindex]");
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!chart || by === undefined) return;
    const found = marks(chart), at = found.indexOf(shown);
    show(found[Math.min(Math.max(at + by, 0), found.length - 1)]);
    event.preventDefault();
  });

  const key = document.body.dataset.key;
  if (!key) return;
  const SELDOM_S = 15;
  const message = () => document.getElementById("message");

  async function fetched(address) {
    const answer = await fetch(address, { headers: { "X-Hipsync": key }, cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(await answer.text());
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  // Only what was served anew is replaced; a list that was opened stays open, and the focus where it was.
  const served = new Map();
  const remember = root => root.querySelectorAll("[data-live]").forEach(each => served.set(each.id, each.outerHTML));
  remember(document);

  function renew(old, fresh) {
    if (!old || !fresh) return;
    old.querySelectorAll("details[open]").forEach(each => {
      if (each.id) fresh.querySelector("#" + CSS.escape(each.id))?.setAttribute("open", "");
    });
    if (old.getAttribute("role") === "log" && old.children.length <= fresh.children.length) {  // a screen reader reads what is added
      old.append(...[...fresh.children].slice(old.children.length));
      return;
    }
    const line = old.querySelector("output"), next = fresh.querySelector("output");
    if (line && next) next.textContent = line.textContent;
    const asks = fresh.querySelector("[autofocus]");  // a question that came by itself
    asks?.removeAttribute("autofocus");  // else the browser says that it does not do what is done here
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(document.adoptNode(fresh));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    asks?.focus();
  }

  function take(page) {
    document.title = page.title;
    const main = document.querySelector("main"), fresh = page.querySelector("main");
    if (main.dataset.page !== fresh.dataset.page) {
      remember(fresh);
      renew(main, fresh);
      return;
    }
    main.dataset.follows = fresh.dataset.follows ?? "";
    for (const each of [...fresh.querySelectorAll("[data-live]")]) {
      if (served.get(each.id) === each.outerHTML) continue;
      served.set(each.id, each.outerHTML);
      renew(document.getElementById(each.id), each);
    }
  }

  let next = 0;
  const follows = () => Number(document.querySelector("main").dataset.follows);
  async function look() {
    clearTimeout(next);
    try {
      if (!document.hidden && follows()) take(await fetched(location.pathname));
    } catch (error) {
      message().textContent = error instanceof TypeError ? "`hipsync web` has ended: start it again." : error.message;
    }
    clearTimeout(next);
    next = setTimeout(look, 1000 * (follows() || SELDOM_S));
  }
  next = setTimeout(look, 1000 * (follows() || SELDOM_S));
  document.addEventListener("visibilitychange", look);

  async function go(address, push) {
    try {
      const page = await fetched(address);
      document.title = page.title;
      remember(page);
      document.querySelector(".bar").replaceWith(document.adoptNode(page.querySelector(".bar")));
      document.querySelector("main").replaceWith(document.adoptNode(page.querySelector("main")));
      if (push) history.pushState(null, "", address);
      scrollTo(0, 0);
      document.querySelector("h1").focus({ preventScroll: true });
    } catch (error) {
      location.href = address;  // the browser says what is wrong
    }
  }
  document.addEventListener("click", event => {
    const link = event.target instanceof Element && event.target.closest("a[data-soft]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.href, true);
  });
  addEventListener("popstate", () => go(location.href, false));
})();
