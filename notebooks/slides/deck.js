// The speaker's view opens with S; O shows all slides, ? all keys. `disableLayout`: the slides scroll
// and follow the window's size, since a picture and its code may be higher than a window.
Reveal.initialize({
  hash: true, disableLayout: true, transition: "none", slideNumber: "c/t", controls: false,
  defaultTiming: 30, // seconds; with it, the speaker's view compares the time with the slides' own
  plugins: [RevealNotes],
});
