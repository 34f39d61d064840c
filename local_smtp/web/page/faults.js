// The rules in force, and a form for one more.

import { $, api, el, plural } from "./dom.js";

const kinds = api("faults/kinds");  // what a rule may do, and at which steps: the server's own tables

export async function count() {
  const rules = await api("faults");
  $("fault-count").textContent = rules.length;
  $("fault-count").hidden = !rules.length;
  return rules;
}

export async function show() {
  const rules = await count();
  const { steps, effects } = await kinds;
  const table = $("faults").querySelector(".rules");
  if (table) table.replaceWith(ruleList(rules, steps, effects));
  else $("faults").replaceChildren(
    el("h1", {}, "Faults"),
    el("p", { class: "hint" }, "Make this server misbehave. Of the rules that match a mail, the first wins."),
    ruleList(rules, steps, effects), form(steps, effects));
}

function ruleList(rules, steps, effects) {
  if (!rules.length) return el("div", { class: "rules" }, el("p", { class: "calm" }, "No rules: every mail is taken in at once."));
  return el("div", { class: "rules" },
    el("ol", {}, rules.map((rule) => el("li", {},
      el("span", { class: "id" }, `#${rule.id}`),
      el("span", { class: "what" }, words(rule, steps[rule.at], effects[rule.do])),
      el("a", { class: "hits", href: "#/activity" }, plural(rule.hits, "hit")),
      el("button", { type: "button", class: "quiet danger", "aria-label": `Remove rule ${rule.id}`,
        onclick: () => put(rules.filter((other) => other !== rule)) }, "Remove")))),
    el("button", { type: "button", class: "quiet", onclick: () => put([]) }, "Remove all"));
}

function words(rule, step, effect) {
  const { match } = rule;
  const doing = effect.words.replace(/\{(\w+)\}/g, (_, field) => rule[field]);
  const when = ["from", "to", "subject"].filter((name) => match[name] !== "*").map((name) => `${name} ${match[name]}`);
  if (match.nth) when.push(`number ${match.nth}`);
  if (match.every) when.push(`every ${match.every}`);
  if (rule.probability < 1) when.push(`with probability ${rule.probability}` + (rule.seed === null ? "" : `, seed ${rule.seed}`));
  if (rule.times !== null) when.push(`${plural(rule.times, "time")} at most`);
  return [el("strong", {}, `${step.label}: ${doing}`), when.length ? el("span", { class: "hint" }, ` ${when.join(", ")}`) : null];
}

async function put(rules) {
  await api("faults", "PUT", rules);
  await show();
}

function form(steps, effects) {
  const field = (name, label, input) => el("label", { "data-field": name }, el("span", {}, label), input);
  const choice = (name, options) => el("select", { name }, Object.entries(options).map(([value, { label }]) => el("option", { value }, label)));
  const number = (name, value, min, step = "1", max = null) => el("input", { type: "number", name, value, min, max, step, inputmode: "decimal" });
  const made = el("form", { class: "rule-form" },
    el("h2", {}, "Add a rule"),
    el("div", { class: "fields" },
      field("at", "When", choice("at", steps)), field("do", "What", choice("do", effects)),
      field("seconds", "Seconds", number("seconds", "2", "0", "any", "3600")),
      field("code", "Code", number("code", "451", "400", "1", "599")),
      field("text", "Text", el("input", { name: "text", value: "try again later", maxlength: 400 }))),
    el("div", { class: "fields" },
      ...["from", "to", "subject"].map((name) => field(name, name[0].toUpperCase() + name.slice(1), el("input", { name, value: "*" }))),
      field("nth", "Only the nth", number("nth", "", "1")), field("every", "Every nth", number("every", "", "1")),
      field("probability", "Probability", number("probability", "1", "0", "any", "1")),
      field("seed", "Seed", number("seed", "", null)), field("times", "Times at most", number("times", "", "0"))),
    el("p", { class: "error", role: "alert" }), el("button", { class: "primary" }, "Add rule"));
  const suit = () => {
    const { whole_mail, uses } = effects[made.do.value];
    if (whole_mail) made.at.value = "reply";
    made.at.disabled = whole_mail;
    for (const name of ["seconds", "code", "text"]) made.querySelector(`[data-field=${name}]`).hidden = !uses.includes(name);
    for (const name of ["from", "to", "subject"]) made.elements[name].disabled = !steps[made.at.value].known.includes(name);
  };
  made.at.value = "rcpt";
  made.do.value = "answer";
  suit();
  made.addEventListener("change", suit);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await put([...await api("faults"), ruleOf(made)]);
      made.querySelector(".error").textContent = "";
    } catch (error) {
      made.querySelector(".error").textContent = error.message;
    }
  });
  return made;
}

function ruleOf({ elements }) {
  const value = (name) => elements[name].value;
  const whole = (name) => (value(name) === "" ? null : Number(value(name)));
  const pattern = (name) => (elements[name].disabled ? "*" : value(name) || "*");
  return {
    at: value("at"), do: value("do"), seconds: Number(value("seconds")), code: Number(value("code")), text: value("text"),
    match: { from: pattern("from"), to: pattern("to"), subject: pattern("subject"), nth: whole("nth"), every: whole("every") },
    probability: Number(value("probability")), seed: whole("seed"), times: whole("times"),
  };
}
