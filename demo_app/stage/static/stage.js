// The stage shows the running system: the server sends the place of each token; keys run actions.
import { refresh, view } from "./live.js";
import { crowd, fly, note } from "./flights.js";
import { typed } from "./keys.js";

const $ = (id) => document.getElementById(id);
let hiding = 0; // the timer that hides the last error
let shown = null; // "now" or "tape"; null before the first picture, at which tokens do not move

document.addEventListener("stale", note);
document.addEventListener("fresh", () => {
  if (!$("board")) return; // an error page instead of the stage
  crowd();
  const present = view.address === null ? "now" : "tape";
  fly(shown === present);
  shown = present;
});
document.addEventListener("lost", () => {
  if (!$("board")) return;
  $("web").classList.add("off", "open");
  $("web-says").textContent = $("board").dataset.webDead;
  crowd(); // the text changes the space for tokens
});

export async function act(name) {
  const began = performance.now(), posts = ["comment", "burst"].includes(name);
  const waiting = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds > 0.4 && posts) $("wait").textContent = $("board").dataset.wait.replace("{s}", seconds.toFixed(1));
  }, 100);
  try {
    const answer = await fetch(`stage/do/${name}`, { method: "POST" });
    if (!answer.ok) failed((await answer.json()).detail);
  } catch {
    if (name !== "kill-web") failed($("board").dataset.webDead);
  }
  clearInterval(waiting);
  $("wait").textContent = "";
  refresh();
}

const failed = (why) => oops($("board").dataset.failed.replace("{why}", why));

export function oops(words) {
  $("oops").textContent = words;
  $("oops").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { $("oops").hidden = true; }, 5000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (!button) return;
  event.preventDefault();
  if (event.detail) button.blur(); // otherwise the next Space would press it again
  if (button.id === "fewer") { document.body.classList.toggle("fewer"); crowd(); }
  else if (button.dataset.action && view.address === null) { // no actions during a replay
    if (button.dataset.action === "twin" && !document.body.classList.toggle("split")) crowd(); // the board is shown again
    else act(button.dataset.action);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches?.("textarea, input:not([type=range])")) return;
  const button = document.querySelector(`[data-key="${CSS.escape(typed(event))}"]`);
  if (button) { event.preventDefault(); button.click(); }
});
addEventListener("resize", crowd);
for (const id of ["replay", "fewer"]) $(id).hidden = false;
crowd();
