// How far the day has come: the service's numbers now and then, counted on here between.
import { call, number, text } from "../page.js";
import { askedOfService } from "./filters.js";
import { state } from "./state.js";

const REFRESH_MS = 60_000;
const PACE_MS = 5 * 60_000;
const FEWEST_FOR_PACE = 3;

let standing = null;
let moments = []; // of this sitting's decisions, the newest last

const boxes = Object.fromEntries(
  ["matching", "today", "last_hour", "pace"].map((name) => [name, document.getElementById(`standing-${name}`)]),
);

/** Ask the service for the numbers under a filter, now and every minute while the page is looked at. */
export function followStanding(currentQuery) {
  const refresh = async () => {
    if (document.hidden) return;
    const query = askedOfService(currentQuery());
    if (state.opinions) query.set("second_opinion", "true");
    try {
      standing = (await call("GET", `/review/progress?${query}`)).body;
      // What is on its way is decided for whoever decided it.
      standing.matching -= state.unsaved.length;
      write();
    } catch {
      // The numbers on the page are a minute old then; saving and loading say what is wrong.
    }
  };
  setInterval(refresh, REFRESH_MS);
  refresh();
  return refresh;
}

/** One product more or, with -1, one less. `isVerdict`: skipping decides nothing. */
export function count(by, isVerdict) {
  if (isVerdict && by > 0) moments.push(performance.now());
  else if (isVerdict) moments.pop();
  if (standing) {
    standing.matching = Math.max(0, standing.matching - by);
    if (isVerdict) {
      standing.decided_today += by;
      standing.decided_last_hour += by;
    }
  }
  write();
}

/** How many products are left under the filter, as far as is known; those that others hold are among them. */
export function left() {
  return standing?.matching ?? 0;
}

function write() {
  if (standing) {
    const left = number(standing.matching);
    boxes.matching.textContent = standing.matching_is_exact ? left : text("review.more_than", { n: left });
    boxes.today.textContent = number(standing.decided_today);
    boxes.last_hour.textContent = number(standing.decided_last_hour);
  }
  boxes.pace.textContent = pace();
}

function pace() {
  moments = moments.filter((moment) => performance.now() - moment < PACE_MS);
  if (moments.length < FEWEST_FOR_PACE) return "–";
  return number(Math.round((moments.length - 1) / ((moments.at(-1) - moments[0]) / 60_000)));
}
