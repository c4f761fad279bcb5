// What the pages do beyond forms and links. Every page works without this file.
"use strict";

(() => {
  const root = document.documentElement;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const DRAFT = "wellspring-draft-";
  const ASIDE = "wellspring-aside";

  // Storage can be switched off in the browser; then a draft is simply not kept.
  const store = {
    read: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    write: (key, value) => { try { localStorage.setItem(key, value); } catch { /* kept on the page only */ } },
    forgetDrafts: () => {
      try {
        Object.keys(localStorage).filter((key) => key.startsWith(DRAFT)).forEach((key) => localStorage.removeItem(key));
        sessionStorage.removeItem(ASIDE);
      } catch { /* nothing kept */ }
    },
  };

  // Looking at the help lines, at a text to agree to, or at this page in another language, must not cost what somebody is writing: pages with entries are
  // never stored, so on Back the browser has forgotten it. It waits in this tab alone, without passwords and codes,
  // until its page or any other one is opened.
  const beside = (path) => path === "/help" || path.startsWith("/texts/");
  const here = () => {
    const at = new URL(location.href);
    at.searchParams.delete("lang");
    return at.pathname + at.search;
  };
  const WORDS = "textarea, input:not([type=hidden], [type=password], [type=radio], [type=checkbox], [autocomplete=one-time-code])";
  const typed = (field) => {
    if (field.matches("input[type=radio], input[type=checkbox]")) return field.checked !== field.defaultChecked;
    if (field.matches("select")) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
    return field.matches(WORDS) && field.value !== field.defaultValue;
  };
  const forms = () => all("main form[method=post]:not([data-draft])");
  // What a refusal brought back was typed too, and another language asks the server for an empty page. A language that
  // is the page's own was not chosen: it follows the page.
  const setAside = (brought = false) => {
    const filled = (field) => (field.matches("select") ? field.value && field.value !== root.lang : field.matches(WORDS) ? field.value : field.checked);
    const kept = (field) => typed(field) || (brought && filled(field));
    const fields = forms().flatMap((form, at) => [...form.elements].flatMap((field, place) => (kept(field) ? [[at, place, field.checked ?? false, field.value]] : [])));
    if (!fields.length) return;
    try { sessionStorage.setItem(ASIDE, JSON.stringify({ page: here(), fields })); } catch { /* as without scripts */ }
  };
  const takeUp = () => {
    if (beside(location.pathname)) return;
    let kept;
    try {
      kept = JSON.parse(sessionStorage.getItem(ASIDE));
      sessionStorage.removeItem(ASIDE);
    } catch { return; }
    if (kept?.page !== here()) return;
    const found = forms();
    for (const [at, place, checked, value] of kept.fields) {
      const field = found[at]?.elements[place];
      if (!field) continue;
      if (field.matches("input[type=radio], input[type=checkbox]")) field.checked = checked;
      else if (!field.matches("select") || [...field.options].some((option) => option.value === value)) field.value = value;
      if (field.dataset.look) look(field);
      field.closest("details")?.setAttribute("open", "");
    }
  };

  // Leaving: the page is emptied first, so that nothing is seen while the other site loads.
  const leave = () => {
    const link = one("[data-quick-exit]");
    store.forgetDrafts();
    document.title = "…";
    document.body.hidden = true;
    location.replace(link.href);
  };
  let shifts = [];
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Shift") { shifts = []; return; }
    if (event.repeat) return;
    shifts = [...shifts.filter((at) => event.timeStamp - at < 1500), event.timeStamp];
    if (shifts.length >= 3) leave();
  });
  // A page that the browser kept may be out of date, or of a session that has ended. One that holds a long text is
  // kept all the same: it shows nothing but what was just typed, and signing out empties it.
  addEventListener("pageshow", (event) => { if (event.persisted && !one("form[data-draft]")) location.reload(); });

  // A draft stays on the device only while the person has asked for it.
  const draftKey = (form) => DRAFT + form.dataset.draft;
  const keepDraft = (form) => {
    const keep = one("[data-draft-keep]", form);
    if (!keep?.checked) { store.forgetDrafts(); return; }
    const skip = new Set(["csrf", "id", "idempotency_key", "keep_draft", "time_taken_seconds"]);
    const pairs = [...new FormData(form)].filter(([name, value]) => !skip.has(name) && value !== "");
    store.write(draftKey(form), JSON.stringify(pairs));
  };
  const restoreDraft = (form) => {
    const kept = store.read(draftKey(form));
    if (!kept) return;
    let pairs;
    try { pairs = JSON.parse(kept); } catch { store.forgetDrafts(); return; }
    for (const [name, value] of pairs) {
      for (const field of all(`[name="${CSS.escape(name)}"]`, form)) {
        if (field.type === "radio" || field.type === "checkbox") field.checked ||= field.value === value;
        else if (!field.value) field.value = value;
        field.closest("details")?.setAttribute("open", "");
      }
    }
    one("[data-draft-keep]", form).checked = true;
  };

  const sizes = { 16: 100, 18: 112, 20: 125, 24: 150, 28: 175, 32: 200 };
  const look = (field) => {
    const kind = field.dataset.look;
    if (kind === "contrast") root.dataset.contrast = field.checked ? "high" : "normal";
    else if (kind === "motion") root.dataset.motion = field.checked ? "reduced" : "normal";
    else root.dataset[kind] = kind === "size" ? sizes[field.value] : field.value;
  };

  // The zone of the device, unless somebody has chosen one: a browser brings their choice back with the page.
  const chooseZone = (field) => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const first = one("option[selected]", field) ?? field.options[0];
    if (!zone || field.value !== first.value) return;
    if (!all("option", field).some((option) => option.value === zone)) field.add(new Option(zone, zone));
    field.value = zone;
  };

  const opened = Date.now();
  const prepare = (part) => {
    all("[data-draft-choice]", part).forEach((choice) => { choice.hidden = false; });
    all("form[data-draft]", part).forEach(restoreDraft);
    all("[data-timezone]", part).forEach(chooseZone);
    all("[data-clear]", part).forEach((button) => { button.hidden = !one(`[name="${button.dataset.clear}"]:checked`, part); });
    all("[data-print]", part).forEach((button) => { button.hidden = false; });
    all("[data-copy]", part).forEach((button) => { button.hidden = !navigator.clipboard; });
    one("#errors", part)?.focus();
  };

  const copy = async (button) => {
    const lines = all(button.dataset.copy).map((part) => part.textContent.trim());
    try { await navigator.clipboard.writeText(lines.join("\n")); } catch { return; }
    one("[data-copy-said]").textContent = button.dataset.copied;
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-quick-exit]")) { event.preventDefault(); leave(); return; }
    if (event.target.closest("[data-print]")) { print(); return; }
    const link = event.target.closest("a[href]");
    if (link && link.origin === location.origin && (beside(link.pathname) || link.hreflang)) setAside(Boolean(link.hreflang));
    const copied = event.target.closest("[data-copy]");
    if (copied) { copy(copied); return; }
    const clear = event.target.closest("[data-clear]");
    if (!clear) return;
    const picked = one(`[name="${clear.dataset.clear}"]:checked`);
    if (picked) picked.checked = false;
    clear.hidden = true;
    one(`[name="${clear.dataset.clear}"]`)?.focus();
    if (clear.form?.dataset.draft) keepDraft(clear.form);
  });

  const changed = (event) => {
    const field = event.target;
    if (field.dataset.look) look(field);
    if (field.type === "radio") all(`[data-clear="${field.name}"]`).forEach((button) => { button.hidden = false; });
    if (field.form?.dataset.draft) keepDraft(field.form);
  };
  document.addEventListener("change", changed);
  document.addEventListener("input", (event) => { if (event.target.matches("textarea, input[type=text]")) changed(event); });

  const bar = (name, shown) => { one(name).hidden = !shown; };
  const notSent = (why = "") => { one("[data-not-sent-why]").textContent = why; bar("[data-not-sent]", true); };
  document.addEventListener("submit", (event) => {
    bar("[data-not-sent]", false);
    all("[data-time-taken]", event.target).forEach((field) => { field.value = Math.round((Date.now() - opened) / 1000); });
    if (event.target.matches("[data-sign-out]")) {
      store.forgetDrafts();
      all("form[data-draft]").forEach((form) => form.reset());
    }
  }, true);
  const connection = () => bar("[data-offline]", !navigator.onLine);
  addEventListener("online", connection);
  addEventListener("offline", connection);

  // A reply that is no page of ours, a failure of the server, or a problem without the form must not replace what a
  // person has written.
  const problem = (text) => one("[data-problem]", new DOMParser().parseFromString(text, "text/html"));
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.matches?.("[data-desk]")) {
      lost(ctx.response.status !== 200);
      if (ctx.response.status !== 200) event.preventDefault();
      return;
    }
    const refused = ctx.select && ctx.response.status >= 400 ? problem(ctx.text) : null;
    if (!ctx.select || (ctx.response.status < 500 && !refused && ctx.text.includes('id="main"'))) {
      if (ctx.response.status < 400 && ctx.sourceElement.dataset?.draft) store.forgetDrafts();
      return;
    }
    event.preventDefault();
    notSent(refused ? `${refused.textContent}. ` : "");
  });
  document.addEventListener("htmx:error", (event) => {
    if (event.detail?.ctx?.sourceElement?.matches?.("[data-desk]")) lost(true);
    else notSent();
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    ctx.thenFocus = ctx.sourceElement?.dataset?.thenFocus;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    if (!ctx.thenFocus) return;
    const part = one(ctx.thenFocus);
    part?.focus({ preventScroll: true });
    scrollTo({ top: 0, behavior: "instant" });  // help comes first: nobody may land in the middle of a reply
    all("nav.main a[aria-current]").forEach((link) => { if (link.pathname !== location.pathname) link.removeAttribute("aria-current"); });
    if (part) prepare(part);
  });

  // The desk: the person's stream says that something changed, and the list is fetched; every ten seconds it is fetched anyway.
  // None of it is activity: after fifteen minutes without any the server answers with a lock that counts who waits.
  const lost = (is) => all("[data-desk-lost]").forEach((note) => { note.hidden = !is; });
  const desk = one("[data-desk][hx-get]");
  if (desk) {
    const waiting = () => new Set(all("li[id^='event-']", desk).map((item) => item.id));
    let known = waiting();
    let counted = null;  // how many waited at the last look behind the lock
    let told = null;
    const news = one("[data-desk-news]");
    const tell = (words) => {  // stays long enough to be read out, whatever another look finds in the meantime
      clearTimeout(told);
      news.textContent = words;
      told = setTimeout(() => { news.textContent = ""; }, 8000);
    };
    desk.addEventListener("htmx:after:swap", () => {
      const lock = one("[data-locked]", desk);
      if (lock) {
        const count = Number(lock.dataset.waiting);
        if (counted === null) tell(news.dataset.deskLocked);
        else if (count > counted) tell(news.dataset.deskNews);
        counted = count;
        return;
      }
      const now = waiting();
      if ([...now].some((id) => !known.has(id))) tell(news.dataset.deskNews);
      known = now;
      counted = null;
    });
    const fetchList = () => window.htmx?.trigger(desk, "desk-changed");
    const listen = () => {
      const source = new EventSource("/v1/stream");
      for (const name of ["desk.changed", "crisis.changed"]) source.addEventListener(name, fetchList);
      source.addEventListener("open", fetchList);
      source.addEventListener("error", () => {
        if (source.readyState !== EventSource.CLOSED) return;
        source.close();
        setTimeout(listen, 30000);
      });
    };
    listen();
  }

  // A page that shows somebody's evidence covers itself after fifteen minutes without a key or a touch. What was typed there
  // stays beneath: whoever signs in again in another tab, and may still see the event, finds it on coming back.
  const cover = one("[data-cover]");
  if (cover) {
    const { title } = document;
    const link = one("a", cover);
    let last = Date.now();
    let covered = false;
    const show = (is) => {
      covered = is;
      for (const part of cover.parentElement.children) part.hidden = (part === cover) !== is;
      document.title = is ? cover.dataset.cover : title;
    };
    const comeBack = async () => {
      if (!covered || !link.target) return;
      const reply = await fetch(link.href).catch(() => null);
      if (!reply?.ok || reply.redirected) return;
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      if (!one("[data-cover] ~ * form[method=post] textarea", fresh)) return;  // it is somebody else's now
      const token = one("input[name=csrf]", fresh).value;
      all("input[name=csrf]").forEach((field) => { field.value = token; });
      last = Date.now();
      show(false);
    };
    for (const name of ["keydown", "pointerdown", "input"]) document.addEventListener(name, () => { last = Date.now(); }, true);
    addEventListener("focus", comeBack);
    setInterval(() => {
      if (covered || Date.now() - last < 15 * 60 * 1000) return;
      const typed = all("textarea").some((words) => words.value.trim());
      one("[data-cover-typed]", cover).hidden = !typed;
      link.target = typed ? "_blank" : "";
      show(true);
      link.focus();
    }, 5000);
  }

  all("[data-print]").forEach((button) => { button.hidden = false; button.addEventListener("click", () => print()); });
  takeUp();
  prepare(document);
  connection();
  if ("serviceWorker" in navigator && isSecureContext) {
    const country = one("[data-country]")?.dataset.country;
    navigator.serviceWorker.register("/sw.js").then(async () => {
      const ready = await navigator.serviceWorker.ready;
      ready.active?.postMessage({ keep: "help", lang: root.lang, country });
    }).catch(() => { /* private windows may refuse; the site works without */ });
  }
})();
