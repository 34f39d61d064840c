// Ties the views together: addresses, live events, keyboard.

import * as activity from "./activity.js";
import { $, api, el } from "./dom.js";
import * as faults from "./faults.js";
import * as list from "./list.js";
import * as mail from "./mail.js";

const view = () => /^#\/(faults|activity)/.exec(location.hash)?.[1] ?? "inbox";
const mailId = () => Number(/^#\/mail\/(\d+)$/.exec(location.hash)?.[1] ?? 0) || null;

async function route() {
  const current = view();
  for (const name of ["inbox", "faults", "activity"]) $(name).hidden = name !== current;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.body.classList.toggle("reading", mailId() !== null);
  list.select(mailId());
  if (current === "faults") await faults.show();
  else if (current === "activity") await activity.show();
  else if (mailId() !== null) await mail.open(mailId());
  else mail.close();
}

async function showStats() {
  const stats = await api("stats");
  const pairs = [["accepted", stats.accepted], ["distinct", stats.distinct], ["duplicates", stats.duplicates], ["refused", stats.refused]];
  $("stats").replaceChildren(...pairs.map(([name, value]) =>
    el("div", { class: value && (name === "duplicates" || name === "refused") ? name : "" },
      el("dt", {}, name), el("dd", {}, value.toLocaleString()))));
}

// However many events come, the page asks no more than a few times a second.
function calmly(action, every = 300) {
  let waiting = false, again = false;
  return async function run() {
    if (waiting) { again = true; return; }
    waiting = true;
    try { await action(); } catch (error) { console.warn(error); }
    setTimeout(() => { waiting = false; if (again) { again = false; run(); } }, every);
  };
}

const mailsChanged = calmly(() => Promise.all([list.refresh(), showStats()]));
const mailsGone = calmly(() => Promise.all([list.refresh(true), showStats()]));
const somethingFailed = calmly(() => Promise.all([showStats(), view() === "faults" ? faults.show() : faults.count(),
  view() === "activity" ? activity.show() : null]));
const sameMailAgain = calmly(() => mailId() && mail.open(mailId()));

function listen() {
  const events = new EventSource("api/events");
  const say = (text, state) => { $("live").textContent = text; $("live").dataset.state = state; };
  events.onopen = () => { say("live", "live"); mailsGone(); somethingFailed(); };
  events.onerror = () => say("reconnecting", "lost");
  events.addEventListener("mail", ({ data }) => {
    mailsChanged();
    if (JSON.parse(data).id === mailId()) sameMailAgain();
  });
  events.addEventListener("fault", somethingFailed);
  events.addEventListener("changed", ({ data }) => {
    const { what } = JSON.parse(data);
    if (what === "faults") somethingFailed();
    else if (what === "deleted") mailsGone();
    else mailsChanged();
  });
}

const actions = {
  async delete() {
    const id = mail.openId();
    const next = [list.neighbour(1), list.neighbour(-1)].find((other) => other !== id);
    await api(`messages/${id}`, "DELETE");
    await list.refresh(true);
    location.hash = next ? `#/mail/${next}` : "#/";
  },
  async unread() {
    await api(`messages/${mail.openId()}/unread`, "PUT", { unread: true });
    location.hash = "#/";
    await list.refresh();
  },
};

document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-do]")?.dataset.do;
  if (action) actions[action]();
});

$("delete-all").addEventListener("click", async () => {
  if (!confirm("Delete all mails and set the counters to zero?")) return;
  await api("messages", "DELETE");
  location.hash = "#/";
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const go = (id) => { if (id !== null) location.hash = `#/mail/${id}`; };
  const keys = {
    j: () => go(list.neighbour(1)), k: () => go(list.neighbour(-1)),
    "/": () => { location.hash = view() === "inbox" ? location.hash : "#/"; $("search").focus(); },
    "?": () => $("keys").showModal(),
    Escape: () => { location.hash = "#/"; },
  };
  if (mail.openId() !== null && view() === "inbox") {
    Object.assign(keys, { u: actions.unread, "#": actions.delete, Delete: actions.delete });
    for (const number of [1, 2, 3, 4, 5]) keys[number] = () => mail.choose(number);
  }
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

window.addEventListener("hashchange", route);
route();
listen();
