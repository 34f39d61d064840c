// Conveniences of the dashboard: choose every row, and copy a text.

const all = () => document.getElementById("pick-all");

function offer() {
  for (const one of document.querySelectorAll("#pick-all, [data-copy]")) one.hidden = false;
}

document.addEventListener("change", (event) => {
  if (event.target !== all()) return;
  for (const box of document.querySelectorAll("td.pick input")) box.checked = all().checked;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = button.dataset.copied;
});
document.addEventListener("fresh", offer);
offer();
