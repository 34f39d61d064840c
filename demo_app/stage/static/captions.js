// What a show says of the picture, and where it makes people look. A step's `look` dims what is beside the
// point and slows what moves; its `command` is what Redis was asked; `split` shows two systems side by side.
import { crowd } from "./flights.js";

const main = document.getElementById("main");
const caption = document.createElement("p");
caption.className = "caption";
caption.setAttribute("role", "status");
document.body.append(caption);
document.body.classList.add("show");

const code = document.createElement("code");
let step = { words: "" };

// The words of a step, with numbers that are those of the picture on show.
export function tell(next, waits = false) {
  step = next;
  caption.classList.toggle("asks", Boolean(step.asks));
  caption.classList.toggle("waits", waits);
  document.body.classList.toggle("twins", Boolean(step.split));
  document.body.classList.toggle("vote", Boolean(step.vote));
  document.body.classList.toggle("look", Boolean(step.look));
  fill();
}

function fill() {
  const state = JSON.parse(main.dataset.state);
  const filled = (text) => text.replace(/\{(\w+)\}/g, (_, name) => state[name] ?? "");
  const [words, command] = [filled(step.words), filled(step.command ?? "")];
  if (caption.textContent === words + command) return;
  code.textContent = command;
  caption.replaceChildren(words, code);
  crowd(); // the words take room
}

document.addEventListener("fresh", () => { if (main.dataset.state) fill(); });
