// The list of mails: loads it, keeps it right while mails arrive, and shows it.

import { $, api, el, plural, time } from "./dom.js";

const mails = new Map();  // by id; ids grow with time
let next = null;
let total = 0;
let search = "";
let selected = null;
let loading = Promise.resolve();

const query = (cursor) =>
  `messages?limit=50&search=${encodeURIComponent(search)}` + (cursor ? `&cursor=${cursor}` : "");

// Loads the newest page and joins it to what is shown; starts afresh where there is a gap.
export function refresh(afresh = false) {
  loading = loading.catch(() => {}).then(async () => {
    const page = await api(query());
    const oldest = page.messages.at(-1)?.id;
    if (afresh || !page.next || !mails.has(oldest)) {
      mails.clear();
      next = page.next;
    }
    page.messages.forEach((mail) => mails.set(mail.id, mail));
    ({ total } = page);
    document.title = page.unread ? `(${page.unread}) Mail sink` : "Mail sink";
    show();
  });
  return loading;
}

async function older() {
  const page = await api(query(next));
  page.messages.forEach((mail) => mails.set(mail.id, mail));
  next = page.next;
  show();
}

export function find(words) {
  search = words;
  return refresh(true);
}

export function select(id) {
  selected = id;
  const mail = mails.get(id);
  if (mail) mail.unread = false;
  show();
  document.querySelector("#mails [aria-current]")?.scrollIntoView({ block: "nearest" });
}

export function neighbour(step) {
  const ids = ordered().map((mail) => mail.id);
  if (!ids.length) return null;
  if (selected === null || !ids.includes(selected)) return ids[0];
  return ids[Math.min(ids.length - 1, Math.max(0, ids.indexOf(selected) + step))];
}

const ordered = () => [...mails.values()].sort((a, b) => b.id - a.id);

function show() {
  $("summary").textContent = search ? `${plural(total, "mail")} found` : plural(total, "mail");
  $("summary").hidden = total === 0;
  $("mails").replaceChildren(...ordered().map(row));
  $("older").hidden = next === null;
  $("empty").hidden = total > 0;
  $("empty").replaceChildren(...(total > 0 ? [] : search ? nothingFound() : noMailYet()));
  $("delete-all").disabled = total === 0 && !search;
}

function row(mail) {
  const again = mail.deliveries - 1;
  return el("li", {},
    el("a", {
      href: `#/mail/${mail.id}`,
      class: mail.unread ? "unread" : "",
      "aria-current": mail.id === selected ? "true" : null,
    },
      el("span", { class: "from" }, mail.unread ? el("span", { class: "dot", title: "unread" }) : null,
        mail.author || mail.from || "(no sender)"),
      time(mail.received_at),
      el("span", { class: "subject" }, mail.subject || "(no subject)"),
      again ? el("span", { class: "again", title: `${plural(again, "duplicate")} suppressed` }, `×${mail.deliveries}`) : null,
      el("span", { class: "to" }, `to ${mail.to.join(", ")}`)));
}

function noMailYet() {
  return [
    el("p", {}, "No mail yet."),
    el("p", { class: "hint" }, "Every mail sent to this server’s SMTP port shows up here the moment it arrives, and goes nowhere else."),
  ];
}

const nothingFound = () => [
  el("p", {}, "Nothing found."),
  el("p", { class: "hint" }, "Words are found anywhere in a mail. from: to: subject: look there alone; is:unread and is:duplicate select."),
];

$("older").addEventListener("click", older);
let typing;
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => find($("search").value.trim()), 150);
});
$("search-form").addEventListener("submit", (event) => event.preventDefault());
