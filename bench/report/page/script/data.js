// What the page shows, as it was written beside the script: groups of results, their cells, and the cells' runs.

const DATA = JSON.parse(find("#data").textContent);

const AXES = DATA.axes; // what cells differ in, from the method on

function isUsual(cell, axis) {
  return axis.usual !== null && cell[axis.id] === axis.usual;
}

// Entry cards by kind and name, e.g. "method/sem-liu24".
const CARDS = new Map(DATA.cards.map((card) => [`${card.kind}/${card.name}`, card]));

for (const card of DATA.cards) {
  card.about = card.about.map((place) => DATA.texts[place]);
  const { kind, name, title, facts, about } = card;
  const paper = DATA.papers[card.paper];
  const words = [title, ...facts.flat(), ...about, ...(paper ? [paper.title, paper.authors, paper.venue] : [])];
  card.described = ` ${words.join(" ").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ")}`;
  card.path = `entry/${kind}/${name}`;
  card.details = () => cardDetails(card);
}

// Names are found by any part, descriptions by the beginnings of their words.
function isSought(word, names, described) {
  return names.includes(word) || described.includes(` ${word}`);
}

function named(fields, values) {
  return Object.fromEntries(fields.map((field, place) => [field, values[place]]));
}

const CELLS = DATA.cells.map((values, id) => {
  const cell = named(DATA.cell_fields, values);
  cell.id = id;
  cell.group = DATA.groups[cell.group];
  cell.made = cell.group.methods[cell.method] ?? null;
  for (const field of ["dataset", "protocol", "precision"]) cell[field] = cell.group[field];
  cell.sought = ["dataset", "protocol", "precision", ...AXES.filter((axis) => axis.facet && !axis.numeric).map((axis) => axis.id)]
    .map((field) => cell[field])
    .concat(cell.made ? [cell.made.devices] : [])
    .join(" ")
    .toLowerCase();
  cell.described = ["method", "countermeasure", "training"].map((kind) => CARDS.get(`${kind}/${cell[kind]}`)?.described ?? "").join(" ");
  cell.path = pathOf(cell);
  cell.details = () => detailsOf(cell);
  return cell;
});


// What a link can open: cells and entry cards.
const BY_PATH = new Map([...CELLS, ...DATA.cards].map((each) => [each.path, each]));

// The name of a cell in a link, which stays when other records come.
function pathOf(cell) {
  const linked = AXES.filter((axis) => axis.linked);
  const others = AXES.filter((axis) => !axis.linked && !isUsual(cell, axis));
  return [cell.group.name, ...[...linked, ...others].map((axis) => cell[axis.id])].join("/");
}

function runsOf(cell) {
  return cell.runs.map((values) => {
    const run = named(DATA.run_fields, values);
    for (const field of DATA.shared_fields) run[field] = DATA.texts[run[field]];
    run.file ??= `r${cell.rho_a}-s${run.seed}-${run.key}.json`;
    return run;
  });
}

let parsedCurves = null;

// The points [step, accuracy] of one run; none where it left no curve.
function curveOf(run) {
  parsedCurves ??= JSON.parse(find("#curves").textContent);
  if (run.curve === null) return [];
  const [steps, accuracies] = parsedCurves.lines[run.curve];
  return accuracies.map((accuracy, place) => [parsedCurves.steps[steps][place], accuracy]);
}
