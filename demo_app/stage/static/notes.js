// The speaker's window of a show: the present caption, the notes, the next caption, and the time. The window with
// the show sends its step here, and receives the keys PageDown, PageUp and "." from here.

import { onKeys } from "./keys.js";

const $ = (id) => document.getElementById(id);
const steps = JSON.parse($("steps").textContent);
const minutes = Number($("steps").dataset.minutes);
const channel = new BroadcastChannel("show");
let began = 0;

const words = (from, to) => steps.slice(from, to).filter((step) => step.words);

function showStep({ step }) {
  const current = words(0, step + 1).at(-1);
  const note = steps.slice(0, step + 1).findLast((one) => one.note || one.words)?.note ?? "";
  $("now").textContent = current?.words ?? "–";
  $("note").textContent = note;
  $("next").textContent = words(step + 1)[0]?.words ?? "–";
}

channel.addEventListener("message", ({ data }) => {
  if (data.step === undefined) return;
  began = data.began;
  $("away").hidden = true;
  showStep(data);
});

function clock(seconds) {
  const total = Math.floor(Math.abs(seconds));
  return `${seconds < 0 ? "−" : ""}${Math.floor(total / 60)}:${String(total % 60).padStart(2, "0")}`;
}
setInterval(() => {
  const elapsed = began ? (Date.now() - began) / 1000 : 0;
  $("elapsed").textContent = clock(elapsed);
  $("left").textContent = clock(60 * minutes - elapsed);
  $("left").classList.toggle("bad", elapsed > 60 * minutes);
}, 250);

const send = (key) => [key, () => channel.postMessage({ key })];
onKeys(Object.fromEntries(["PageDown", "PageUp", "."].map(send)), (event) => event.repeat);
showStep({ step: -1 });
channel.postMessage({ report: true });
