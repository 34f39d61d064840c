// named: the name of a pressed key, as in `keys`. An input method reports keys as "Process", and types its own
// space and full stop. typed: the key's letter or digit in lower case, also with CapsLock.
const SIGNS = { Space: " ", Period: "." };
const named = (event) => SIGNS[event.code] ?? (event.key === "Process" ? event.code : event.key);
export const typed = (event) => (/^[\da-z]$/i.test(event.key) ? event.key : event.code.replace(/^(Key|Digit)/, "")).toLowerCase();

// When a key is pressed without Ctrl, Alt or Meta, call its function. keys: functions by the name of the key.
// skips: returns true for an event to ignore.
export function onKeys(keys, skips = () => false) {
  document.addEventListener("keydown", (event) => {
    const key = named(event);
    if (event.ctrlKey || event.metaKey || event.altKey || !(key in keys) || skips(event, key)) return;
    event.preventDefault();
    keys[key](event);
  });
}
