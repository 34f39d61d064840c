// A recorded show in one file: the page contains the pictures, and plays them like a replay (`tape.js`).
// PageDown goes to the next caption of the show, PageUp to the previous one.
import { showCaption } from "./captions.js";
import { onKeys } from "./keys.js";
import { view } from "./live.js";
import { play, show } from "./tape.js";

const $ = (id) => document.getElementById(id);
const steps = JSON.parse($("steps")?.textContent ?? "[]");
const packed = await fetch(`data:application/gzip;base64,${$("film").textContent}`);
const unpacked = packed.body.pipeThrough(new DecompressionStream("gzip"));
const { frames, marks } = JSON.parse(await new Response(unpacked).text());
const pages = frames.filter(([, , step], number) => step !== frames[number - 1]?.[2]).map(([begin]) => begin);
let at = 0;
const moment = (number) => frames[number]?.[0];

view.load = async (address) => {
  at = Number(new URLSearchParams(address.split("?")[1]).get("at"));
  const number = Math.max(0, frames.findLastIndex((frame) => frame[0] <= at));
  const [, picture, step] = frames[number];
  if (steps[step]) showCaption(steps[step]);
  if (!picture) throw new Error("the web app was dead");
  const reel = { since: moment(0), until: frames.at(-1)[0], moment: moment(number), marks };
  Object.assign(reel, { previous: moment(number - 1), next: moment(number + 1) });
  return picture.replace("<main", `<main data-film="yes" data-tape='${JSON.stringify(reel)}'`);
};
function turn(by) {
  const begin = pages[pages.findLastIndex((one) => one <= at) + by];
  if (begin) show(begin);
}
onKeys({ PageDown: () => turn(1), PageUp: () => turn(-1) });
show(moment(0));
play(true);
