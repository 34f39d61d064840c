// What went otherwise than the clients hoped: refusals, and faults that were played.

import { $, api, dialogue, el, time } from "./dom.js";

export async function show() {
  const incidents = await api("incidents");
  const open = new Set([...$("activity").querySelectorAll("details[open]")].map((one) => one.dataset.key));
  $("activity").replaceChildren(
    el("h1", {}, "Activity"),
    el("p", { class: "hint" }, "Refusals, and faults that were played, newest first."),
    incidents.length
      ? el("ol", { class: "incidents" }, incidents.map((one) => incident(one, open)))
      : el("p", { class: "calm" }, "Nothing went wrong."));
}

function incident(one, open) {
  const key = `${one.at} ${one.peer} ${one.step}`;
  return el("li", {}, el("details", { "data-key": key, open: open.has(key) },
    el("summary", {},
      time(one.at),
      el("span", { class: "what" }, one.fault ? el("span", { class: "fault" }, one.fault) : one.reply),
      el("span", { class: "hint" }, parties(one)),
      one.message ? el("a", { href: `#/mail/${one.message}` }, "stored all the same") : null),
    dialogue(one.dialogue)));
}

function parties(one) {
  if (!one.from && !one.to.length) return one.peer;
  return `${one.from || "<>"} → ${one.to.join(", ") || "…"}${one.subject ? `, “${one.subject}”` : ""}`;
}
