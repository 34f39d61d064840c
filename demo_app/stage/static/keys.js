// Which key it was, also with CapsLock and while an input method is on: that calls every key "Process", and
// has a space and a full stop of its own.
const SIGNS = { Space: " ", Period: "." };
const named = (event) => SIGNS[event.code] ?? (event.key === "Process" ? event.code : event.key);
export const typed = (event) => (/^[\da-z]$/i.test(event.key) ? event.key : event.code.replace(/^(Key|Digit)/, "")).toLowerCase();

// Call what a key does by this table. skips: whether to leave an event alone.
export function onKeys(keys, skips = () => false) {
  document.addEventListener("keydown", (event) => {
    const key = named(event);
    if (event.ctrlKey || event.metaKey || event.altKey || !(key in keys) || skips(event, key)) return;
    event.preventDefault();
    keys[key](event);
  });
}
