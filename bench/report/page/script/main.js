// The page as a whole.

let shownModels = [];

function refresh() {
  keepState();
  const cells = shownCells();
  const models = state.view === "cells" ? (cells.length ? [cellModel(cells)] : []) : methodModels(cells);
  showColumnMenu(allColumns(models), refresh);
  shownModels = models.map((model) => sorted(visible(model)));
  const parts = shownModels.map((model) => sectionOf(model));
  const empty = CELLS.length ? "Nothing matches the filters." : "No records yet.";
  find("#main").replaceChildren(...(parts.length ? parts : [element("p", { class: "empty" }, empty)]));
  for (const each of document.querySelectorAll("[data-view]")) each.setAttribute("aria-pressed", each.dataset.view === state.view);
  find("#reset").hidden = !location.hash.slice(1);
  announce(`${cells.length.toLocaleString("en")} of ${CELLS.length.toLocaleString("en")} cells`);
}

function allColumns(models) {
  const columns = new Map(models.flatMap((model) => model.columns).map((column) => [column.id, column]));
  return [...columns.values()];
}

function sectionOf(model) {
  const section = element("section", { class: "group" });
  if (model.group) {
    section.append(element("h2", {}, model.group.title), element("p", { class: "about" }, model.group.meaning));
    if (model.places > MOST_PLACES) {
      const text = `Showing the first ${MOST_PLACES} of ${model.places} columns; filter by victim or radius, or switch to the Cells view.`;
      section.append(element("p", { class: "about" }, text));
    }
  }
  section.append(...tableOf(model, refresh));
  if (model.group?.notes.length) {
    section.append(element("ul", { class: "notes" }, ...model.group.notes.map((note) => element("li", {}, note))));
  }
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

function showAll() {
  find("#search").value = state.search;
  showFacets(refresh);
  refresh();
  const cell = state.open && BY_PATH.get(state.open);
  if (cell) openDetails(cell);
  else if (find("#details").open) find("#details").close();
}

function start() {
  setTheme(savedTheme());
  find("#theme").addEventListener("click", nextTheme);
  find("#search").addEventListener("input", (event) => {
    state.search = event.target.value.trim();
    refresh();
  });
  find("#reset").addEventListener("click", () => {
    location.hash = "";
    find("#search").focus();
  });
  find("a.skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address keeps the view
    find("#main").focus();
  });
  find("#details").addEventListener("close", closedDetails);
  find("#details").addEventListener("click", (event) => event.target === event.currentTarget && event.target.close());
  for (const each of document.querySelectorAll("[data-view]")) {
    each.addEventListener("click", () => {
      state.view = each.dataset.view;
      state.sort = null;
      refresh();
    });
  }
  for (const each of document.querySelectorAll("[data-format]")) {
    each.addEventListener("click", () => copyTables(each.dataset.format, shownModels));
  }
  document.addEventListener("click", closeMenus);
  document.addEventListener("keydown", closeMenus);
  window.addEventListener("hashchange", () => {
    Object.assign(state, readState());
    showAll();
  });
  showAll();
}

start();
