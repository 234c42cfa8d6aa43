// Tables. A model says what is in one: columns { id, label, legend, group, numeric, wraps, phone, title, optional, shown } and
// rows { reference, heading, cells: [{ text, value, beside, open, mark, trouble, bar, clean }] }, one cell per
// column. A phone shows the columns marked so; the others unfold below their row.

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
  let shown = 0; // rows, without those that unfold
  const grow = () => {
    const from = shown;
    const focusNext = document.activeElement === more;
    const step = from ? 5 * PAGE_OF_ROWS : PAGE_OF_ROWS;
    body.append(...model.rows.slice(from, from + step).map((row) => rowOf(model, row)));
    shown = Math.min(model.rows.length, from + step);
    const left = model.rows.length - shown;
    more.textContent = `Show ${Math.min(left, 5 * PAGE_OF_ROWS)} more of ${left}`;
    more.hidden = left === 0;
    if (focusNext) body.querySelectorAll("tr:not(.folded)")[from]?.querySelector("button")?.focus();
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
      const first = !before || before.group !== column.group;
      if (first) upper.append(element("th", { scope: "colgroup", colspan: 1, class: "wide" }, element("span", {}, column.group)));
      else upper.lastChild.colSpan += 1;
      lower.append(headCell(column, refresh, null));
    }
  });
  return element("thead", {}, ...(deep ? [upper, lower] : [lower]));
}

function headCell(column, refresh, rowspan) {
  const sortedBy = refresh && state.sort === column.id;
  const act = (event) => {
    const tables = () => [...document.querySelectorAll("#main .scroll")];
    const before = event.currentTarget.closest(".scroll");
    const [place, left] = [tables().indexOf(before), before.scrollLeft];
    state.falling = sortedBy ? !state.falling : false;
    state.sort = column.id;
    refresh();
    const after = tables()[place];
    after?.querySelector(`[data-sort="${CSS.escape(column.id)}"]`)?.focus({ preventScroll: true });
    after?.scrollTo(left, 0);
  };
  return element(
    "th",
    {
      scope: "col",
      rowspan,
      class: classesOf(column),
      title: column.title,
      "aria-sort": sortedBy ? (state.falling ? "descending" : "ascending") : null,
    },
    refresh ? button(column.label, act, { "data-sort": column.id }) : element("span", { class: column.legend && "legend" }, ...legendOf(column)),
  );
}

// What a head says: its label or, of bars, what bar and line in them are.
function legendOf(column) {
  if (!column.legend) return [column.label];
  return column.legend.flatMap((text, place) => [element("i", { class: place ? "line" : null }), `${text} `]);
}

function rowOf(model, row) {
  if (row.heading) {
    return element("tr", { class: "heading" }, element("th", { scope: "rowgroup", colspan: model.columns.length }, row.heading));
  }
  const cells = row.cells.map((cell, place) => cellOf(cell, model.columns[place], place === 0));
  const node = element("tr", { class: row.reference ? "reference" : null }, ...cells);
  if (model.columns.some((column) => !column.phone)) cells[0].prepend(foldOf(model, row, node));
  return node;
}

// What unfolds, on a phone, the columns that it has no room for.
function foldOf(model, row, node) {
  const fold = button("", () => {
    const open = fold.getAttribute("aria-expanded") === "true";
    fold.setAttribute("aria-expanded", String(!open));
    if (open) node.nextElementSibling.remove();
    else node.after(foldedOf(model, row));
  }, { class: "fold", "aria-expanded": "false", "aria-label": `All columns of ${row.cells[0].text}` });
  return fold;
}

function foldedOf(model, row) {
  const hidden = row.cells.map((cell, place) => [cell, model.columns[place]]).filter(([cell, column]) => !column.phone && cell.text);
  const list = hidden.flatMap(([cell, column]) => [element("dt", {}, titleOf(column)), element("dd", {}, ...contentOf(cell))]);
  return element("tr", { class: "folded" }, element("td", { colspan: model.columns.length }, element("dl", {}, ...list)));
}

function classesOf(column, cell = {}) {
  const classes = [
    column.numeric && "numeric",
    column.wraps && "wraps",
    !column.phone && "wide",
    cell.bar != null && "score",
    cell.clean != null && "against",
    cell.mark,
    cell.trouble && "trouble",
  ];
  return classes.filter(Boolean).join(" ") || null;
}

function contentOf(cell) {
  const content = cell.open
    ? button(cell.text, () => openDetails(cell.open), { class: "value", "aria-haspopup": "dialog", "aria-label": cell.label })
    : element("span", { class: "value" }, cell.text);
  return cell.beside ? [content, element("span", { class: "beside" }, cell.beside)] : [content];
}

function cellOf(cell, column, heads) {
  const node = element(heads ? "th" : "td", { scope: heads ? "row" : null, class: classesOf(column, cell) }, ...contentOf(cell));
  if (cell.bar != null) node.style.setProperty("--value", cell.bar);
  if (cell.clean != null) node.style.setProperty("--clean", cell.clean);
  return node;
}

function textCell(text) {
  return { text, value: text && text !== "–" ? text : null };
}
