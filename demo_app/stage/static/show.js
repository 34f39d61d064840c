// Plays a show on the stage: its steps are stored in the page. PageDown plays the next step, or closes the replay
// (`tape.js`) if it is open; PageUp shows the previous caption; "." blanks the picture; Esc ends the show. Remote
// controls for presentations send these keys.
import { showCaption } from "./captions.js";
import { onKeys } from "./keys.js";
import { act, oops } from "./stage.js";
import { close, open } from "./tape.js";

const steps = JSON.parse(document.getElementById("steps").textContent);
const main = document.getElementById("main");
const played = []; // the steps with a caption that were played
const notes = new BroadcastChannel("show"); // messages to and from the speaker's window
let step = -1, playing = false, back = 0; // back: the number of captions after the shown one
let began = 0; // epoch milliseconds of the first PageDown
let pressed = -Infinity; // the time of the last PageDown: a worn button may send two
let leads = false; // true in the only tab that accepts keys from the notes, even if several tabs have a show
const BOUNCE = 400; // milliseconds
const LATE = 30_000; // milliseconds until the page shows the condition that it waits for
const kept = `show ${location.search}`; // a reloaded page continues the show at its step

const given = document.getElementById("steps").dataset;
const begin = { words: given.begin };
const before = JSON.parse(sessionStorage.getItem(kept) ?? "null");
if (before && before.step < steps.length - 1) {
  ({ step, began } = before);
  document.body.classList.add("begun");
  played.push(...steps.slice(0, step + 1).filter(({ words }) => words));
}
showCaption(played.at(-1) ?? begin);
if (navigator.locks) navigator.locks.request("show", () => { leads = true; return new Promise(() => {}); });
else leads = true; // a page from another machine without TLS has no locks

// Wait until the step's condition holds. Ignore the first picture, which may have been requested before the
// step's actions, and all pictures while the tape (`tape.js`) is open.
const reached = () => new Promise((done) => {
  let pictures = 0;
  const check = () => {
    if (open() || main.dataset.tape) return;
    pictures += 1;
    if (pictures === 1 || !JSON.parse(main.dataset.state ?? "{}").reached?.includes(step)) return;
    document.removeEventListener("fresh", check);
    done();
  };
  document.addEventListener("fresh", check);
});

async function play() {
  if (playing) return;
  playing = true;
  document.body.classList.add("begun");
  began ||= Date.now();
  let now;
  do {
    step += 1;
    reportStep();
    now = steps[step];
    if (!now) break;
    if (now.words) played.push(now);
    const last = played.at(-1) ?? begin;
    showCaption(last, now.until.length > 0);
    for (const action of now.do) await act(action);
    const late = setTimeout(() => oops(given.waits.replace("{what}", now.until.join(", "))), LATE);
    if (now.until.length) await reached();
    clearTimeout(late);
    showCaption(last);
    sessionStorage.setItem(kept, JSON.stringify({ step, began }));
  } while (!now.hold);
  playing = false;
}

function reportStep() { notes.postMessage({ step, began }); }

function turn(by) {
  back = Math.min(Math.max(0, played.length - 1), Math.max(0, back + by));
  if (played.length) showCaption(played[played.length - 1 - back], playing && back === 0);
}

const KEYS = {
  PageDown: () => {
    if (performance.now() - pressed < BOUNCE) return;
    pressed = performance.now();
    if (open()) close();
    else if (back) turn(-1);
    else play();
  },
  PageUp: () => turn(1),
  ".": () => document.body.classList.toggle("blank"),
  Escape: () => location.assign("stage"),
};
onKeys(KEYS, (event) => event.repeat);
notes.addEventListener("message", ({ data }) => {
  if (data.report) reportStep();
  else if (leads) KEYS[data.key]?.();
});
reportStep();
