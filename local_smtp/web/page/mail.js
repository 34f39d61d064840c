// The reading pane: one mail from all its sides.

import { $, api, dialogue, el, plural, size, time } from "./dom.js";

const SOURCE_LIMIT = 1e6;  // characters of source shown; the download has all
let shown = null;
let tab = "html";
let asked = 0;

export async function open(id) {
  const turn = ++asked;
  let mail;
  try {
    mail = await api(`messages/${id}`);
    if (mail.unread) await api(`messages/${id}/unread`, "PUT", { unread: false });
    if (turn !== asked) return;  // another was asked for meanwhile
  } catch (error) {
    if (turn !== asked) return;
    shown = null;
    $("mail").replaceChildren(el("div", { class: "empty" }, el("p", {}, error.message)));
    return;
  }
  const isNew = shown?.id !== mail.id;
  shown = mail;
  if (isNew) tab = mail.has_html ? "html" : mail.text !== null ? "text" : "source";
  show();
  if (isNew) $("mail").scrollTop = 0;
}

export function close() {
  asked += 1;
  shown = null;
  $("mail").replaceChildren(el("div", { class: "empty" },
    el("p", {}, "Choose a mail to read it."),
    el("p", { class: "hint" }, "Press ", el("kbd", {}, "?"), " for the keyboard.")));
}

export const openId = () => shown?.id ?? null;

export function choose(number) {
  const names = Object.keys(tabs());
  if (shown && names[number - 1]) [tab] = [names[number - 1]], show();
}

function tabs() {
  return {
    html: ["HTML", shown?.has_html, html],
    text: ["Text", shown?.text !== null, text],
    headers: ["Headers", true, headers],
    source: ["Source", true, source],
    deliveries: [shown?.deliveries > 1 ? `Deliveries ${shown.deliveries}` : "Delivery", true, deliveries],
  };
}

function show() {
  const [, there, content] = tabs()[tab];
  $("mail").replaceChildren(
    head(),
    el("div", { class: "tabs", role: "tablist" }, Object.entries(tabs()).map(([name, [label, has]]) =>
      el("button", {
        type: "button", role: "tab", "aria-selected": String(name === tab), disabled: !has,
        onclick: () => { tab = name; show(); $("mail").querySelector("[aria-selected=true]").focus(); },
      }, label))),
    el("div", { class: `view view-${tab}`, role: "tabpanel" },
      shown.note ? el("p", { class: "note" }, shown.note) : null,
      there ? content() : el("p", { class: "hint" }, "This mail has no such part.")),
    ...attachments());
}

function head() {
  const again = shown.deliveries - 1;
  return el("header", {},
    el("div", { class: "actions" },
      el("a", { class: "back", href: "#/" }, "← Inbox"),
      el("a", { class: "button quiet", href: `api/messages/${shown.id}/raw`, download: `mail-${shown.id}.eml` }, "Download"),
      el("button", { type: "button", class: "quiet", "data-do": "unread" }, "Mark unread"),
      el("button", { type: "button", class: "quiet danger", "data-do": "delete" }, "Delete")),
    el("h1", {}, shown.subject || "(no subject)"),
    el("dl", { class: "envelope" },
      el("dt", {}, "From"), el("dd", {}, shown.author || "(no From header)",
        shown.author.includes(shown.from) && shown.from ? null : el("span", { class: "hint" }, ` sent as ${shown.from || "<>"}`)),
      el("dt", {}, "To"), el("dd", {}, shown.to.join(", ")),
      el("dt", {}, "Arrived"), el("dd", {}, time(shown.received_at, true), el("span", { class: "hint" }, ` ${size(shown.size)}`),
        again ? el("span", { class: "again" }, ` ${plural(again, "duplicate")} suppressed`) : null),
      shown.job_id ? [el("dt", {}, "Job"), el("dd", {}, shown.job_url
        ? el("a", { href: shown.job_url, target: "_blank", rel: "noopener noreferrer" }, shown.job_id)
        : shown.job_id)] : null));
}

function html() {
  const notes = [];
  if (shown.remote_images) notes.push(`${plural(shown.remote_images, "picture")} from elsewhere not loaded.`);
  return [
    notes.length ? el("p", { class: "note" }, notes.join(" ")) : null,
    el("iframe", { sandbox: "", src: `api/messages/${shown.id}/html`, title: "The mail’s HTML", referrerpolicy: "no-referrer" }),
    shown.links.length ? el("details", { class: "links" }, el("summary", {}, plural(shown.links.length, "link")),
      el("ul", {}, shown.links.map((link) => el("li", {}, outward(link))))) : null,
  ];
}

function text() {
  const pieces = shown.text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/);
  return el("pre", { class: "text" }, pieces.map((piece, index) => (index % 2 ? outward(piece) : piece)));
}

const outward = (link) => el("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, link);

function headers() {
  return el("dl", { class: "headers" }, shown.headers.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function source() {
  const place = el("pre", { class: "source" }, "…");
  fetch(`api/messages/${shown.id}/raw`).then((response) => response.text()).then((all) => {
    place.textContent = all.slice(0, SOURCE_LIMIT);
    if (all.length > SOURCE_LIMIT) place.before(el("p", { class: "note" }, "Only the beginning is shown; the download has all."));
  });
  return place;
}

function deliveries() {
  return el("ol", { class: "deliveries" }, shown.delivery_log.map((one, index) =>
    el("li", {},
      el("p", {}, el("strong", {}, index ? "Duplicate, suppressed" : "Stored"), " ", time(one.received_at, true),
        el("span", { class: "hint" }, ` from ${one.peer}, ${size(one.size)}`)),
      el("p", {}, `${one.from || "<>"} → ${one.to.join(", ")}`),
      one.replied_at ? null : el("p", { class: "note" }, "Stored, but no reply went out: the client can’t know, and will send it again."),
      one.same_bytes ? null : el("p", { class: "hint" }, "Same Message-ID, but not byte for byte the same mail; the first one is kept."),
      one.fault ? el("p", { class: "fault" }, `Fault: ${one.fault}`) : null,
      el("details", { open: shown.delivery_log.length === 1 || index === shown.delivery_log.length - 1 },
        el("summary", {}, "What was said"), dialogue(one.dialogue)))));
}

function attachments() {
  if (!shown.attachments.length) return [];
  return [el("footer", { class: "attachments" }, el("h2", {}, plural(shown.attachments.length, "attachment")),
    el("ul", {}, shown.attachments.map((one) => el("li", {},
      el("a", { href: `api/messages/${shown.id}/parts/${one.part}`, download: one.name }, one.name),
      el("span", { class: "hint" }, ` ${one.content_type}, ${size(one.size)}`)))))];
}
