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

const state = readState();

function readState() {
  const words = new URLSearchParams(location.hash.slice(1));
  const chosen = {};
  for (const facet of FACETS) {
    const given = words.getAll(facet.id);
    chosen[facet.id] = new Set(given.includes(EVERYTHING) ? [] : given.length ? given : facet.usual);
  }
  return {
    view: words.get("view") === "cells" ? "cells" : "methods",
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

function keepState() {
  const hash = hashOf(state);
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", `#${hash}`);
}

function shownCells() {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const facets = FACETS.filter((facet) => state.chosen[facet.id].size);
  return CELLS.filter(
    (cell) =>
      facets.every((facet) => state.chosen[facet.id].has(String(cell[facet.id]))) &&
      words.every((word) => cell.sought.includes(word)),
  );
}
