// The captions of a show. A step's `view` becomes a CSS class of <body>, which highlights a part of the
// page; its `command` is a Redis command, shown below the caption.
import { crowd } from "./flights.js";

const main = document.getElementById("main");
const caption = document.createElement("p");
caption.className = "caption";
caption.setAttribute("role", "status");
document.body.append(caption);
document.body.classList.add("show");

const code = document.createElement("code");
let step = { words: "" };

// Show the caption of a step, with the numbers of the shown picture.
// waits: true while the step waits for its condition.
export function showCaption(next, waits = false) {
  step = next;
  caption.classList.toggle("asks", Boolean(step.asks));
  caption.classList.toggle("waits", waits);
  for (const view of ["look", "split", "vote"]) document.body.classList.toggle(view, step.view === view);
  fill();
}

function fill() {
  if (!main.dataset.state) return; // the tape is open
  const state = JSON.parse(main.dataset.state);
  const filled = (text) => text.replace(/\{(\w+)\}/g, (_, name) => state[name] ?? "");
  const [words, command] = [filled(step.words), filled(step.command ?? "")];
  if (caption.textContent === words + command) return;
  code.textContent = command;
  caption.replaceChildren(words, code);
  crowd(); // the caption changes the space for tokens
}

document.addEventListener("fresh", () => { fill(); });
