// Keeps a page up to date: when something happens, fetches the page again and replaces the changed parts.
// The server renders every page; without this script, a reader must reload the page.
/* global Idiomorph */

const main = document.getElementById("main");
const button = document.getElementById("live");
const TOGETHER = 60; // milliseconds for which the first event waits for others
const SOONEST = 300; // milliseconds between two fetches
const LATEST = 1000; // milliseconds without a reply until the page shows that it may be outdated
const SILENCE = 2500; // longest pause between two events; usually there is one each second
let paused = false, fetching = false, again = false, timer = 0, last = 0, receivedAt = 0, source = null, shown = "";

// Keep inputs, elements that a script fills in, and the open or closed state of each <details>.
const callbacks = {
  beforeNodeMorphed: (old) => !old.matches?.("input, textarea, [data-kept]"),
  beforeAttributeUpdated: (name) => name !== "open",
};

// The shown page: its address (null for this page; a replay sets another address) and the function that loads it.
export const view = {
  address: null,
  load: async (address) => (await fetch(address, { headers: { accept: "text/html" } })).text(),
};

export async function refresh() {
  if (fetching || paused) { again = !paused; return; }
  fetching = true;
  again = false;
  last = performance.now();
  const late = setTimeout(() => showState("lost"), LATEST);
  try {
    const text = await view.load(view.address ?? location.href);
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    if (fresh && !paused && text !== shown) {
      shown = text; // an identical page is skipped, since replacing it would cost a layout
      document.dispatchEvent(new Event("stale"));
      Idiomorph.morph(main, fresh, { callbacks });
    }
    if (fresh && !paused) {
      document.dispatchEvent(new Event("fresh"));
      showState("on");
    }
  } catch {
    shown = ""; // a listener for `lost` may change the page
    showState("lost");
    document.dispatchEvent(new Event("lost"));
  }
  clearTimeout(late);
  fetching = false;
  if (again) soon();
}

function soon() {
  const wait = Math.max(TOGETHER, SOONEST - (performance.now() - last));
  timer ||= setTimeout(() => { timer = 0; refresh(); }, wait);
}

function showState(state) {
  if (!button) return;
  const words = button.dataset[paused ? "paused" : state];
  if (button.textContent !== words) button.textContent = words;
  button.dataset.state = state;
}

function connect() {
  if (source || paused || document.hidden || !main.dataset.live) return;
  source = new EventSource(main.dataset.live);
  receivedAt = performance.now();
  const received = () => { receivedAt = performance.now(); soon(); };
  for (const kind of ["message", "tick", "trouble"]) source.addEventListener(kind, received);
  source.addEventListener("error", () => showState("lost"));
}

function disconnect() {
  source?.close();
  source = null;
}

function pause() {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  showState("on");
  if (paused) disconnect();
  else { connect(); soon(); }
}

function poll() {
  const every = Number(main.dataset.poll);
  if (every) setTimeout(async () => { if (!document.hidden) await refresh(); poll(); }, every);
}

// Refresh without events too: a half-open connection sends none and reports no error.
setInterval(() => {
  if (!source || performance.now() - receivedAt <= SILENCE) return;
  // the browser gives up after an error status, which a proxy also sends while the web app starts
  if (source.readyState === EventSource.CLOSED) { disconnect(); connect(); }
  receivedAt = performance.now();
  soon();
}, 500);

document.addEventListener("change", ({ target }) => {
  if (target.id !== "pick-all") return;
  for (const box of document.querySelectorAll("td.pick input")) box.checked = target.checked;
});

// While a form waits for its reply (as with inline jobs), show the waiting time. Submit the form only if the
// server answers: if the browser showed its error page, the reader's input would be lost.
for (const form of document.querySelectorAll("form[data-waits]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const began = performance.now();
    const note = form.querySelector("[data-wait]");
    try {
      await fetch(form.action, { method: "HEAD" });
    } catch {
      note.textContent = form.dataset.dead;
      return;
    }
    form.submit();
    setInterval(() => {
      note.textContent = form.dataset.waits.replace("{s}", ((performance.now() - began) / 1000).toFixed(1));
    }, 100);
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) disconnect();
  else if (main.dataset.live) { connect(); soon(); }
});
// a page from the browser's back/forward cache is outdated
window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted) { source = null; connect(); soon(); }
});
window.addEventListener("pagehide", disconnect);
if (button) {
  button.hidden = false;
  button.addEventListener("click", pause);
}
connect();
poll();
