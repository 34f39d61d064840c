// One slide at a time: arrows, PageUp and PageDown (a clicker), Home and End. `n` shows the notes
// below the slide, `s` in a window of their own for the laptop's screen. Without JavaScript all
// slides stand one below the other.
const slides = [...document.querySelectorAll("section")];
let at = 0, notes = null;

function show(number) {
  at = Math.max(0, Math.min(slides.length - 1, number));
  slides.forEach((slide, n) => slide.classList.toggle("now", n === at));
  location.replace(`#${at + 1}`);
  scrollTo(0, 0);
  if (notes && !notes.closed) {
    const next = slides[at + 1]?.querySelector("h2")?.textContent ?? "";
    notes.document.body.innerHTML = slides[at].querySelector("aside").innerHTML;
    notes.document.title = `${at + 1} / ${slides.length} ${next ? "→ " + next : ""}`;
  }
}

const keys = {
  ArrowRight: () => show(at + 1), PageDown: () => show(at + 1), " ": () => show(at + 1),
  ArrowLeft: () => show(at - 1), PageUp: () => show(at - 1),
  Home: () => show(0), End: () => show(slides.length - 1),
  n: () => document.body.classList.toggle("notes"),
  s: () => {
    notes = open("", "notes", "width=700,height=600");
    if (notes) notes.document.body.style.cssText = "font: 1.4rem sans-serif; margin: 1rem";
    show(at);
  },
};
addEventListener("keydown", event => {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});
document.body.classList.add("deck");
show((parseInt(location.hash.slice(1)) || 1) - 1);
