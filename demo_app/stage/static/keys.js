// Which key it was, also with CapsLock and while an input method is on: that calls every key "Process", and
// has a space and a full stop of its own.
const SIGNS = { Space: " ", Period: "." };
export const named = (event) => SIGNS[event.code] ?? (event.key === "Process" ? event.code : event.key);
export const typed = (event) => (/^[\da-z]$/i.test(event.key) ? event.key : event.code.replace(/^(Key|Digit)/, "")).toLowerCase();
