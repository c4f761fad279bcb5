// Keeps three things for the time without a network: the shell's files, the offline page and the help lines.
// Pages are fetched without cookies before they are kept, so nothing of a signed-in person is ever stored.
"use strict";

const STORE = "wellspring-shell-1";
const SHELL = ["/static/vendor/modern-normalize.css", "/static/tokens.css", "/static/app.css", "/static/app.js",
  "/static/vendor/htmx.min.js", "/static/icons/mark.svg", "/manifest.webmanifest"];
const PAGES = ["/offline", "/help"];

const keep = async (path, query = "") => {
  const reply = await fetch(path + query, { credentials: "omit", cache: "reload" });
  if (reply.ok && !reply.redirected) await (await caches.open(STORE)).put(path, reply);
};

self.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([...SHELL, ...PAGES].map((path) => keep(path))).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name !== STORE).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data?.keep !== "help") return;
  const lang = `?lang=${encodeURIComponent(event.data.lang)}`;
  const tasks = [keep("/offline", lang)];
  if (event.data.country !== undefined) tasks.push(keepHelp(lang, event.data.country));
  event.waitUntil(Promise.all(tasks).catch(() => { /* what was kept before stays */ }));
});

// Where nobody said which country it is (""), the one that was kept before stays.
const keepHelp = async (lang, said) => {
  const before = (await (await caches.open(STORE)).match("/help"))?.url;
  const country = said || (before && new URL(before).searchParams.get("country"));
  await keep("/help", lang + (country ? `&country=${encodeURIComponent(country)}` : ""));
};

const stored = async (path) => (await (await caches.open(STORE)).match(path)) ?? Response.error();

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    const page = url.pathname === "/help" ? "/help" : "/offline";
    event.respondWith(fetch(request).catch(() => stored(page)));
  } else if (SHELL.includes(url.pathname)) {
    event.respondWith(fetch(request).catch(() => stored(url.pathname)));
  }
});
