// The page as a whole.

let shownModels = [];

const LISTS = { claims: claimsModel, ratings: ratingsModel, reported: reportedModel, entries: entriesModel };

function refresh(change = "view") {
  keepState(change);
  const list = LISTS[state.view]?.();
  const cells = list ? [] : shownCells();
  const models = list ? [list] : state.view === "cells" ? [cellModel(cells)] : methodModels(cells);
  const parts = models.filter((model) => model.rows.length);
  showFront(refresh);
  showColumnMenu(allColumns(parts), refresh);
  shownModels = parts.map((model) => sorted(visible(model)));
  const empty = list?.of || CELLS.length ? "Nothing matches the filters." : "No records yet.";
  const shown = shownModels.length ? shownModels.map((model) => sectionOf(model)) : [element("p", { class: "empty" }, empty)];
  find("#main").replaceChildren(...shown);
  for (const each of document.querySelectorAll("[data-view]")) each.setAttribute("aria-pressed", each.dataset.view === state.view);
  find("#facets").hidden = find("#columns").hidden = Boolean(list);
  find("#reset").hidden = !location.hash.slice(1);
  const [count, of, what] = list ? [list.rows.length, list.of, "rows"] : [cells.length, CELLS.length, "cells"];
  announce(`${count.toLocaleString("en")} of ${of.toLocaleString("en")} ${what}`);
}

function allColumns(models) {
  const columns = new Map(models.flatMap((model) => model.columns).map((column) => [column.id, column]));
  return [...columns.values()];
}

function sectionOf(model) {
  const section = element("section", { class: "group" }, element("h2", {}, model.title));
  section.append(...model.about.map((about) => element("p", { class: "about" }, about)));
  if (model.places > MOST_PLACES) {
    const text = `Showing the first ${MOST_PLACES} of ${model.places} columns; filter by victim or radius, or switch to the Cells view.`;
    section.append(element("p", { class: "about" }, text));
  }
  section.append(...tableOf(model, refresh));
  if (model.notes.length) section.append(element("ul", { class: "notes" }, ...model.notes.map((note) => element("li", {}, note))));
  return section;
}

const THEMES = ["auto", "light", "dark"];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  find("#theme").textContent = `Theme: ${theme}`;
}

function savedTheme() {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem("theme")) ?? "auto";
  } catch {
    return "auto"; // some browsers keep no storage for pages opened from the disk
  }
}

function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  setTheme(theme);
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // as above: then it lasts until the page is left
  }
}

function showAll(change) {
  find("#search").value = state.search;
  showFacets(refresh);
  refresh(change);
  showOpen();
}

function showOpen() {
  const thing = state.open && BY_PATH.get(state.open);
  if (thing) openDetails(thing);
  else if (find("#details").open) find("#details").close();
}

// The reader went back or forth, or edited the address.
function showAddress() {
  const asked = readState();
  const isSameView = hashOf({ ...asked, open: null }) === hashOf({ ...state, open: null });
  if (isSameView) {
    state.open = asked.open; // the menus hold on to the rest of the state
    showOpen();
  } else {
    Object.assign(state, asked);
    showAll("start");
  }
}

function start() {
  setTheme(savedTheme());
  find("#theme").addEventListener("click", nextTheme);
  find("#search").addEventListener("input", (event) => {
    state.search = event.target.value.trim();
    refresh("search");
  });
  find("#reset").addEventListener("click", () => {
    location.hash = "";
    find("#search").focus();
  });
  find("a.skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address keeps the view
    find("#main").focus();
  });
  for (const nav of document.querySelectorAll("nav")) {
    nav.append(...DATA.beside.links.map(([title, path]) => element("a", { href: path }, title)));
  }
  for (const link of document.querySelectorAll("[data-anchor]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault(); // likewise
      const target = find(link.getAttribute("href"));
      target.focus({ preventScroll: true });
      target.scrollIntoView();
    });
  }
  find("#details").addEventListener("close", closedDetails);
  closeOutside(find("#details"));
  for (const each of document.querySelectorAll("[data-view]")) {
    each.addEventListener("click", () => {
      state.view = each.dataset.view;
      state.sort = null;
      refresh();
    });
  }
  for (const each of document.querySelectorAll("[data-format]")) {
    each.addEventListener("click", () => {
      copyTables(each.dataset.format, shownModels);
      find("#copy").open = false;
      find("#copy summary").focus();
    });
  }
  document.addEventListener("click", closeMenus);
  document.addEventListener("focusin", closeMenus);
  document.addEventListener("keydown", closeMenus);
  window.addEventListener("hashchange", showAddress);
  window.addEventListener("beforeprint", () => {
    for (const more of document.querySelectorAll(".more")) while (!more.hidden) more.click();
  });
  showAll("start");
}

start();
