// The speaker's window beside a show: what is said now, the notes, what comes next, and the time. The
// window that plays tells it where it is, and takes PageDown and PageUp from here as well.

import { named } from "./keys.js";

const $ = (id) => document.getElementById(id);
const steps = JSON.parse($("steps").textContent);
const minutes = Number($("steps").dataset.minutes);
const channel = new BroadcastChannel("show");
let began = 0;

const words = (from, to) => steps.slice(from, to).filter((step) => step.words);

function tell({ step }) {
  const said = words(0, step + 1).at(-1);
  const note = steps.slice(0, step + 1).findLast((one) => one.note || one.words)?.note ?? "";
  $("now").textContent = said?.words ?? "–";
  $("note").textContent = note;
  $("next").textContent = words(step + 1)[0]?.words ?? "–";
}

channel.addEventListener("message", ({ data }) => {
  if (data.step === undefined) return;
  began = data.began;
  $("away").hidden = true;
  tell(data);
});

function clock(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  return `${seconds < 0 ? "−" : ""}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
setInterval(() => {
  const elapsed = began ? (Date.now() - began) / 1000 : 0;
  $("elapsed").textContent = clock(elapsed);
  $("left").textContent = clock(60 * minutes - elapsed);
  $("left").classList.toggle("bad", elapsed > 60 * minutes);
}, 250);

document.addEventListener("keydown", (event) => {
  const key = named(event);
  if (!["PageDown", "PageUp", "."].includes(key) || event.repeat) return;
  event.preventDefault();
  channel.postMessage({ key });
});
tell({ step: -1 });
channel.postMessage({ where: true });
