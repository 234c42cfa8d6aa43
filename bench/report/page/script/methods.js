// The view of methods: per group of results a table with a row per method and a column per victim and radius.

const MOST_PLACES = 60;
const PLACE = AXES.filter((axis) => axis.id !== "method");

function methodModels(cells) {
  return DATA.groups
    .map((group) => methodModel(group, cells.filter((cell) => cell.group === group)))
    .filter((model) => model.rows.length);
}

function methodModel(group, cells) {
  const places = new Map();
  for (const cell of cells) {
    const id = placeId(cell);
    if (!places.has(id)) places.set(id, placeColumn(cell, id));
  }
  const all = [...places.values()].sort((one, other) => compareValues(one.order, other.order));
  const shown = all.slice(0, MOST_PLACES);
  const by = new Map(cells.map((cell) => [`${cell.method}/${placeId(cell)}`, cell]));
  const names = [...group.methods.keys()].filter((name) => cells.some((cell) => cell.method === name));
  return {
    title: group.title,
    about: [group.meaning],
    notes: group.notes.map((place) => DATA.notes[place]),
    caption: group.title,
    places: all.length,
    columns: [
      { id: "method", label: "method", shown: true, phone: true },
      ...numbersOfMethods(["rank", "strongest", "trainer", "there", "minus", "trainers"], ["strongest"]),
      ...shown,
      ...numbersOfMethods(["seconds", "passes", "memory"], ["passes"]),
      optional({ id: "device", label: "device" }),
      optional({ id: "trust", label: "trust" }, DATA.groups.some((each) => each.trusted)),
    ],
    rows: names.map((name) => methodRow(group.methods.get(name), name, shown, by)),
  };
}

const NUMBERS = {
  rank: { label: "rank", title: "the range of ranks, among methods of any bound, consistent with the data (95%)" },
  strongest: { label: "strongest trainer", title: "the highest mean accuracy of any trainer of the suite measured; lower is better" },
  trainer: { label: "which trainer", numeric: false, title: "the strongest trainer of the suite measured" },
  there: { label: "without noise", title: "accuracy of the clean reference at the same trainer" },
  minus: { label: "minus clean", title: "the difference from that, paired by seed, with its 95% interval" },
  trainers: { label: "trainers", title: "trainers measured, of all of the suite" },
  seconds: { label: "generation s", title: "on the hardware shown; sorted within each" },
  passes: { label: "image-passes", title: "hardware-independent cost of the noise" },
  memory: { label: "memory GiB", title: "peak while the noise was generated, on the hardware shown" },
};

function numbersOfMethods(ids, phone = []) {
  return ids.map((id) => optional({ id, numeric: true, phone: phone.includes(id), ...NUMBERS[id] }));
}

function optional(column, usual = true) {
  return { ...column, optional: true, shown: usual !== state.toggled.has(column.id) };
}

function placeId(cell) {
  return PLACE.map((axis) => cell[axis.id]).join("/");
}

function placeColumn(cell, id) {
  const order = PLACE.flatMap((axis) => [Number(!isUsual(cell, axis)), axis.falling ? -cell[axis.id] : cell[axis.id]]);
  return { id, group: cell.victim, label: toldOf(cell, "short").join(", "), numeric: true, shown: true, order };
}

// What tells a cell from others of its method and victim, the usual left out: "short" or "long".
function toldOf(cell, length) {
  const told = PLACE.filter((axis) => axis.id !== "victim" && !isUsual(cell, axis));
  const first = told.filter((axis) => axis.usual === null);
  return [...first, ...told.filter((axis) => axis.usual !== null)].map((axis) => axis[length].replace("{}", cell[axis.id]));
}

function methodRow(method, name, places, by) {
  return {
    reference: method.reference,
    cells: [
      methodCell(name, method.label),
      ...["rank", "strongest", "trainer", "there", "minus", "trainers"].map((id) => costCell(method, id)),
      ...places.map((place) => scoreCell(by.get(`${name}/${place.id}`))),
      ...["seconds", "passes", "memory"].map((id) => costCell(method, id)),
      textCell(method.devices),
      textCell(method.trust),
    ],
  };
}

function methodCell(name, label) {
  const open = cardOf("method", name);
  return { text: label, value: name, open, label: `${label}: about the method` };
}

// A number of a method; those that depend on the device are sorted device by device.
function costCell(method, id) {
  const text = method[id];
  const apart = id === "seconds" || id === "memory";
  const value = id === "trainer" ? textCell(text).value : id === "passes" ? method.work : numberIn(text);
  return { text, value: apart && value !== null ? [method.devices, value] : value };
}

// The first number of a text, by which tables are sorted; null where it has none.
function numberIn(text) {
  return isNumber(text) ? parseFloat(text) : null;
}

function isNumber(text) {
  return !Number.isNaN(parseFloat(text));
}

function scoreCell(cell) {
  if (!cell) return { text: "–", value: null };
  return {
    text: cell.text,
    value: cell.mean,
    beside: cell.band,
    open: cell,
    label: `${cell.text}, details of ${[cell.method, cell.victim, ...toldOf(cell, "long")].join(", ")}`,
    mark: cell.mark,
    trouble: cell.mean === null,
    bar: cell.mean,
  };
}
