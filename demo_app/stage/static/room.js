// The page for phones. A tap posts without loading a new page, since only a page that was tapped may vibrate.
import { refresh } from "./live.js";

let place = "";
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new URLSearchParams({ guess: event.submitter.value });
  const answer = await fetch("room", { method: "POST", body }).catch(() => null);
  document.getElementById("no").textContent = answer?.ok ? "" : (await answer?.json())?.detail ?? "✗";
  if (answer?.ok) history.replaceState(null, "", answer.url);
  refresh();
});
document.addEventListener("fresh", () => {
  const before = place;
  place = document.getElementById("place")?.dataset.place ?? "";
  if (before && place !== before && place === "delivered") navigator.vibrate?.([300, 100, 300]);
});
