// Tables. A model says what is in one: columns { id, label, group, numeric, title, optional, shown } and rows
// { reference, cells: [{ text, value, beside, open, best, second, trouble, bar }] }, one cell per column.

const PAGE_OF_ROWS = 100;

function visible(model) {
  const places = model.columns.map((column, place) => place).filter((place) => model.columns[place].shown);
  return {
    ...model,
    columns: places.map((place) => model.columns[place]),
    rows: model.rows.map((row) => ({ ...row, cells: places.map((place) => row.cells[place]) })),
  };
}

// Rows by one column; what is not known comes last, whichever the direction.
function sorted(model) {
  const place = model.columns.findIndex((column) => column.id === state.sort);
  if (place < 0) return model;
  const sign = state.falling ? -1 : 1;
  const compare = (one, other) => {
    const [a, b] = [one.cells[place].value, other.cells[place].value];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * compareValues(a, b);
  };
  return { ...model, rows: [...model.rows].sort(compare) };
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

function compareValues(a, b) {
  if (Array.isArray(a)) return a.reduce((found, value, place) => found || compareValues(value, b[place]), 0);
  return typeof a === "number" ? a - b : COLLATOR.compare(a, b);
}

function tableOf(model, refresh) {
  const body = element("tbody");
  const table = element("table", {}, element("caption", { class: "skip" }, model.caption), headOf(model, refresh), body);
  const scroll = element("div", { class: "scroll", role: "region", "aria-label": model.caption, tabindex: "0" }, table);
  const more = button("", () => grow(), { class: "more" });
  const grow = () => {
    const from = body.childElementCount;
    const focusNext = document.activeElement === more;
    const step = from ? 5 * PAGE_OF_ROWS : PAGE_OF_ROWS;
    body.append(...model.rows.slice(from, from + step).map((row) => rowOf(model, row)));
    const left = model.rows.length - body.childElementCount;
    more.textContent = `Show ${Math.min(left, 5 * PAGE_OF_ROWS)} more of ${left}`;
    more.hidden = left === 0;
    if (focusNext) body.rows[from]?.querySelector("button")?.focus();
  };
  grow();
  return [scroll, more];
}

function headOf(model, refresh) {
  const deep = model.columns.some((column) => column.group);
  const upper = element("tr");
  const lower = element("tr");
  model.columns.forEach((column, place) => {
    if (!column.group) (deep ? upper : lower).append(headCell(column, refresh, deep ? 2 : null));
    else {
      const before = model.columns[place - 1];
      if (!before || before.group !== column.group) upper.append(element("th", { scope: "colgroup", colspan: 1 }, element("span", {}, column.group)));
      else upper.lastChild.colSpan += 1;
      lower.append(headCell(column, refresh, null));
    }
  });
  return element("thead", {}, ...(deep ? [upper, lower] : [lower]));
}

function headCell(column, refresh, rowspan) {
  const sortedBy = state.sort === column.id;
  const act = () => {
    state.falling = sortedBy ? !state.falling : false;
    state.sort = column.id;
    refresh();
    find(`[data-sort="${CSS.escape(column.id)}"]`)?.focus({ preventScroll: true });
  };
  return element(
    "th",
    {
      scope: "col",
      rowspan,
      class: column.numeric ? "numeric" : null,
      title: column.title,
      "aria-sort": sortedBy ? (state.falling ? "descending" : "ascending") : null,
    },
    button(column.label, act, { "data-sort": column.id }),
  );
}

function rowOf(model, row) {
  return element(
    "tr",
    { class: row.reference ? "reference" : null },
    ...row.cells.map((cell, place) => cellOf(cell, model.columns[place], place === 0)),
  );
}

function cellOf(cell, column, heads) {
  const classes = [
    column.numeric && "numeric",
    cell.bar != null && "score",
    cell.best && "best",
    cell.second && "second",
    cell.trouble && "trouble",
  ].filter(Boolean);
  const content = cell.open
    ? button(cell.text, () => openDetails(cell.open), { class: "value", "aria-haspopup": "dialog", "aria-label": cell.label })
    : element("span", { class: "value" }, cell.text);
  const beside = cell.beside ? element("span", { class: "beside" }, cell.beside) : null;
  const node = element(heads ? "th" : "td", { scope: heads ? "row" : null, class: classes.join(" ") || null }, content, beside);
  if (cell.bar != null) node.style.setProperty("--value", cell.bar);
  return node;
}

function textCell(text) {
  return { text, value: text };
}
