"""A check for overlapping elements on the stage."""

from playwright.sync_api import Page

_OVERLAPS = """() => {
  for (const flight of document.getAnimations()) flight.finish();
  const boxes = (room) => [...room.querySelectorAll(".token:not(.beyond), .says, h2, .label")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .map((one) => {
      const words = document.createRange();
      words.selectNodeContents(one);
      const box = (one.matches(".token") ? one : words).getBoundingClientRect();
      return { name: one.textContent.trim(), box };
    });
  const meet = (one, other) => one.left < other.right - 2 && other.left < one.right - 2
    && one.top < other.bottom - 2 && other.top < one.bottom - 2;
  const pairs = [...document.querySelectorAll(".board > .room")].map(boxes).flatMap((room) =>
    room.flatMap((one, number) => room.slice(number + 1).filter((other) => meet(one.box, other.box))
      .map((other) => `${one.name} / ${other.name}`)));
  const spilt = [...document.querySelectorAll("[data-more]")]
    .filter((floor) => floor.checkVisibility({ visibilityProperty: true }))
    .filter((floor) => floor.scrollHeight > floor.clientHeight + 2
      || floor.scrollWidth > floor.clientWidth + 2);
  return [...pairs, ...spilt.map((floor) => `${floor.dataset.floor}: ${floor.dataset.more}`)];
}"""


def overlaps(page: Page) -> list[str]:
    """Return the pairs of elements that overlap within a room of the stage, and the floors whose
    content is too large although they only count their further jobs ("+42").

    First, finish the animations, so that each token is at its destination.
    """
    found: list[str] = page.evaluate(_OVERLAPS)
    return found
