// Keeps lists up to date, and sends the requests of buttons and the form.

const $ = (id) => document.getElementById(id);

// Fetch the page again, and replace the parts that are marked as live.
async function refresh() {
  if (!document.querySelector("main [data-live]")) return;  // the page of a mail has no live part in <main>
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (now.innerHTML !== old.innerHTML) old.replaceChildren(...now.childNodes);
  }
  if (focused) $(focused)?.focus();
}

// Refresh at most about three times per second, even if more events arrive.
let waiting = false;
let again = false;
async function changed() {
  again = waiting;
  if (waiting) return;
  waiting = true;
  await refresh().catch(console.warn);
  setTimeout(() => { waiting = false; if (again) changed(); }, 300);
}

function listen() {
  const events = new EventSource("api/events");
  const { liveWords, lostWords } = $("live").dataset;
  const showState = (state, text) => { $("live").textContent = text; $("live").dataset.state = state; };
  events.onopen = () => { showState("live", liveWords); changed(); };
  events.onerror = () => {
    showState("reconnecting", lostWords);
    // the browser gives up after an error status, which a proxy also sends while the sink starts
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
  for (const name of ["mail", "fault", "changed"]) events.addEventListener(name, changed);
}

async function call(method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  $("error").textContent = answer.ok ? "" : explanation(await answer.text());
  await changed();
}

function explanation(text) {
  try {
    const { detail } = JSON.parse(text);
    if (typeof detail === "string") return detail;
    return detail.map(({ loc: [, , ...at], msg }) => (at.length ? `${at.join(" ")}: ${msg}` : msg)).join("; ");
  } catch {
    return text;
  }
}

const rules = async () => (await fetch("api/faults")).json();

document.addEventListener("click", async ({ target }) => {
  const { call: what, ask, remove } = target.dataset;
  if (what && confirm(ask)) await call(...what.split(" "));
  if (remove) await call("PUT", "api/faults", (await rules()).filter(({ id }) => id !== Number(remove)));
});

$("rule")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const rule = { match: {} };
  for (const { name, value, type, dataset } of event.target.elements) {
    const place = dataset.of === "match" ? rule.match : rule;
    if (name && value !== "") place[name] = type === "number" ? Number(value) : value;
  }
  await call("PUT", "api/faults", [...await rules(), rule]);
});

listen();
