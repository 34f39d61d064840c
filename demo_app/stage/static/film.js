// A run as one file: its pictures are in the page, and play as the tape does.
import { tell } from "./captions.js";
import { view } from "./live.js";
import { play, show } from "./tape.js";

const $ = (id) => document.getElementById(id);
const steps = JSON.parse($("steps")?.textContent ?? "[]");
const packed = await fetch(`data:application/gzip;base64,${$("film").textContent}`);
const unpacked = packed.body.pipeThrough(new DecompressionStream("gzip"));
const { frames, marks } = JSON.parse(await new Response(unpacked).text());
const moment = (number) => frames[number]?.[0];

view.load = async (address) => {
  const at = Number(new URLSearchParams(address.split("?")[1]).get("at"));
  const number = Math.max(0, frames.findLastIndex((frame) => frame[0] <= at));
  const [, picture, step] = frames[number];
  if (steps[step]) tell(steps[step]);
  if (!picture) throw new Error("the web app was dead");
  const reel = { since: moment(0), until: frames.at(-1)[0], moment: moment(number), marks };
  Object.assign(reel, { previous: moment(number - 1), next: moment(number + 1) });
  return picture.replace("<main", `<main data-film="yes" data-tape='${JSON.stringify(reel)}'`);
};
show(moment(0));
play(true, 1);
