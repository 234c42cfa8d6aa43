// What is shown, kept in the URL after #, so that a link restores the same view.

const FACETS = [
  { id: "dataset", label: "Dataset", usual: [] },
  { id: "protocol", label: "Protocol", usual: [] },
  { id: "precision", label: "Precision", usual: [] },
  ...AXES.filter((axis) => axis.facet).map(({ id, facet, usual }) => ({
    id,
    label: facet,
    usual: usual === null ? [] : [String(usual)],
  })),
];
const EVERYTHING = "*";
const VIEWS = ["methods", "cells", "claims", "ratings", "reported", "entries"];

const state = readState();

function readState() {
  const words = new URLSearchParams(location.hash.slice(1));
  const chosen = {};
  for (const facet of FACETS) {
    const given = words.getAll(facet.id);
    chosen[facet.id] = new Set(given.includes(EVERYTHING) ? [] : given.length ? given : facet.usual);
  }
  return {
    view: VIEWS.find((view) => view === words.get("view")) ?? "methods",
    front: DATA.groups.find((group) => group.name === words.get("answer")) ?? DATA.groups[DATA.front] ?? null,
    search: words.get("q") ?? "",
    sort: words.get("sort"),
    falling: words.get("order") === "falling",
    toggled: new Set(words.getAll("column")),
    open: words.get("open"),
    chosen,
  };
}

function hashOf(state) {
  const words = new URLSearchParams();
  if (state.view !== "methods") words.set("view", state.view);
  if (state.front && state.front !== DATA.groups[DATA.front]) words.set("answer", state.front.name);
  if (state.search) words.set("q", state.search);
  for (const facet of FACETS) {
    const values = [...state.chosen[facet.id]];
    if (values.join("\n") === facet.usual.join("\n")) continue;
    for (const value of values.length ? values : [EVERYTHING]) words.append(facet.id, value);
  }
  if (state.sort) words.set("sort", state.sort);
  if (state.sort && state.falling) words.set("order", "falling");
  for (const column of state.toggled) words.append("column", column);
  if (state.open) words.set("open", state.open);
  return words.toString();
}

let lastChange = "start";

// Keep the view in the address: Back undoes each change, and all that was typed into the search at once.
function keepState(change) {
  const hash = hashOf(state);
  const inPlace = change === "start" || (change === "search" && lastChange === "search");
  lastChange = change;
  if (hash === location.hash.slice(1)) return;
  const keep = inPlace ? history.replaceState : history.pushState;
  keep.call(history, { opened: change === "open" }, "", `#${hash}`);
}

function sought() {
  return searchable(state.search).split(/\s+/).filter(Boolean);
}

function shownCells() {
  const words = sought();
  const facets = FACETS.filter((facet) => state.chosen[facet.id].size);
  return CELLS.filter(
    (cell) =>
      facets.every((facet) => state.chosen[facet.id].has(String(cell[facet.id]))) &&
      words.every((word) => isSought(word, cell.sought, cell.described)),
  );
}
