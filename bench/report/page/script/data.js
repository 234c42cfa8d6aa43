// What the page shows, as it was written beside the script: groups of results, their cells, and the cells' runs.

const DATA = JSON.parse(find("#data").textContent);

const AXES = DATA.axes; // what cells differ in, from the method on

function isUsual(cell, axis) {
  return axis.usual !== null && cell[axis.id] === axis.usual;
}

const CARDS = rowsOf(DATA.cards);
const PAPERS = new Map(rowsOf(DATA.papers).map((paper) => [paper.key, paper]));

for (const card of CARDS) {
  const { kind, name, title, facts, about } = card;
  const paper = PAPERS.get(card.paper);
  const words = [title, ...facts.flat(), ...about, ...(paper ? [paper.title, paper.authors, paper.venue] : [])];
  card.described = ` ${plainOf(words.join(" "))}`;
  card.path = `entry/${kind}/${name}`;
  card.details = () => cardDetails(card);
}

function cardOf(kind, name) {
  return BY_PATH.get(`entry/${kind}/${name}`);
}

// The entry of an object of data; nothing that all objects have, such as `constructor`.
function ownOf(object, name) {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

// Text as it is searched: without case, and spelled one way, be it American, British or half typed.
function searchable(text) {
  return text.toLowerCase()
    .replace(/iz(?=[aei]|\b)/g, "is")
    .replace(/gray/g, "grey")
    .replace(/(col|neighb)or/g, "$1our")
    .replace(/cent(e?re?|e\b)/g, "centr")
    .replace(/defenc/g, "defens");
}

// Words without case and signs.
function plainOf(text) {
  return searchable(text).replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

// Names are found by any part, descriptions by the beginnings of their words.
function isSought(word, names, described) {
  const plain = plainOf(word);
  return names.includes(word) || (plain !== "" && described.includes(` ${plain}`));
}

for (const group of DATA.groups) {
  group.methods = new Map(rowsOf(group.methods).map((method) => [method.name, method]));
}

// What a link can open: entry cards and cells.
const BY_PATH = new Map(CARDS.map((card) => [card.path, card]));

let runsBefore = 0;
const CELLS = rowsOf(DATA.cells);

for (const cell of CELLS) {
  cell.firstRun = runsBefore;
  runsBefore += cell.runs;
  cell.group = DATA.groups[cell.group];
  cell.made = cell.group.methods.get(cell.method) ?? null;
  cell.lowest ??= cell.mean; // of a single seed
  cell.worst ??= cell.mean;
  for (const field of ["dataset", "protocol", "precision"]) cell[field] = cell.group[field];
  const fields = ["dataset", "protocol", "precision", ...AXES.filter((axis) => axis.facet && !axis.numeric).map((axis) => axis.id)];
  cell.sought = searchable([...fields.map((field) => cell[field]), cell.made?.devices ?? ""].join(" "));
  cell.described = ["method", "countermeasure", "training"].map((kind) => cardOf(kind, cell[kind])?.described ?? "").join(" ");
  cell.path = pathOf(cell);
  cell.details = () => detailsOf(cell);
  BY_PATH.set(cell.path, cell);
}

// The name of a cell in a link, which stays when other records come.
function pathOf(cell) {
  const linked = AXES.filter((axis) => axis.linked);
  const others = AXES.filter((axis) => !axis.linked && !isUsual(cell, axis));
  return [cell.group.name, ...[...linked, ...others].map((axis) => cell[axis.id])].join("/");
}

// Runs and their curves, in the order of their cells; read only once a cell is looked at.
let allRuns = null;

function runsOf(cell) {
  allRuns ??= readRuns();
  return allRuns.slice(cell.firstRun, cell.firstRun + cell.runs);
}

function readRuns() {
  const curves = rowsOf(JSON.parse(find("#curves").textContent));
  const runs = rowsOf(DATA.runs).map((run, place) => ({ ...run, ...run.origin, ...curves[place] }));
  for (const cell of CELLS) {
    for (const run of runs.slice(cell.firstRun, cell.firstRun + cell.runs)) {
      run.file ??= `records/${cell.dataset}/${cell.method}/${cell.victim}/r${cell.rho_a}-s${run.seed}-${run.key}.json`;
      run.link = run.below === null ? null : run.below + run.file;
    }
  }
  return runs;
}

// The points [step, accuracy] of one run; none where it left no curve.
function curveOf(run) {
  return run.steps.map((step, place) => [step, run.accuracies[place]]);
}
