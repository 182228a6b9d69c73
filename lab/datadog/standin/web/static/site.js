// Every page: what it shows is fetched again and put in its place, without loading the page again; the address says what
// is shown. Without scripts the same addresses, links and forms do the same.
"use strict";
const EVERY = 10000;
const PAUSE = 250;
const button = document.getElementById("live");
const live = () => localStorage.getItem("live") !== "off";

// ------------------------------------------------------------------------------------------------------------- tables
// How a table is sorted and searched is part of the address: sort.NAME is the number of a column, -2 the second from the
// largest down, and find.NAME a word. So it outlasts the data and the visit, and goes along with a link.
const OWN = /^(sort|find)\./;
// States are sorted by what they mean, the worst first.
const WORST = ["alert", "warn", "no-data", "unknown", "skipped", "ok"];
// A table within a card is searched from so many rows on, a list of its own from two.
const FEW = 8;
const rows = (table) => [...table.tBodies[0].rows].filter((row) => row.cells.length > 1);
const told = (what, table) => new URLSearchParams(location.search).get(`${what}.${table.dataset.name}`) || "";
function tell(what, table, value) {
  const url = new URL(location.href);
  if (value === "") url.searchParams.delete(`${what}.${table.dataset.name}`);
  else url.searchParams.set(`${what}.${table.dataset.name}`, value);
  history.replaceState(null, "", url);
  arrange(table);
}
// The column that a table is sorted by, from 0 on, and whether the smallest comes first; nothing where it is not sorted.
function order(table) {
  const number = Number(told("sort", table));
  const column = Math.abs(number) - 1;
  return table.tHead.rows[0].cells[column] ? { column, up: number > 0 } : {};
}

// What scripts add to a document's tables: to that in sight, and to a fresh one before it takes its place.
function enhance(root) {
  const names = new Map();
  for (const table of root.querySelectorAll("main .scroll > table")) {
    const heads = [...table.tHead.rows[0].cells];
    const label = table.parentElement.getAttribute("aria-label") || "";
    names.set(label, (names.get(label) || 0) + 1);
    // Two of a name are told apart by their number.
    table.dataset.name = names.get(label) > 1 ? `${label} ${names.get(label)}` : label;
    // Stacked rows are no table to a browser, so that roles say what they are, and each cell what its column is.
    table.setAttribute("role", "table");
    for (const row of table.rows) {
      row.setAttribute("role", "row");
      for (const cell of row.cells) {
        const role = cell.closest("thead") ? "columnheader" : cell.nodeName === "TH" ? "rowheader" : "cell";
        cell.setAttribute("role", role);
        if (!cell.closest("thead") && !cell.hasAttribute("colspan")) cell.dataset.label = heads[cell.cellIndex]?.textContent || "";
      }
    }
    for (const part of table.querySelectorAll("thead, tbody, tfoot")) part.setAttribute("role", "rowgroup");
    if (rows(table).length > 1 || told("sort", table)) {
      for (const head of heads) {
        const press = Object.assign(root.createElement("button"), { type: "button", className: "sort" });
        press.append(...head.childNodes);
        head.append(press);
      }
    }
    const long = rows(table).length >= (table.closest(".card") ? FEW : 2);
    if (told("find", table) || (long && !root.querySelector("main input[name=filter]") && !table.closest("details"))) {
      const search = { type: "search", placeholder: "Search", className: "within", value: told("find", table), ariaLabel: `Search in ${label}` };
      table.parentElement.before(Object.assign(root.createElement("input"), search));
    }
    arrange(table);
  }
}

function arrange(table) {
  const { column, up } = order(table);
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    if (at === column) head.setAttribute("aria-sort", up ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
  if (column !== undefined) {
    const key = ({ cells: { [column]: cell } }) => {
      const state = WORST.findIndex((name) => cell.querySelector(".state")?.classList.contains(name));
      return cell.dataset.sort ?? (state < 0 ? cell.textContent.trim() : String(state));
    };
    const compare = (one, other) => {
      const [a, b] = [key(one), key(other)];
      return a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : a.localeCompare(b, "en", { numeric: true });
    };
    table.tBodies[0].append(...rows(table).sort((one, other) => (up ? compare(one, other) : compare(other, one))));
  }
  const word = told("find", table).toLowerCase();
  for (const row of rows(table)) row.hidden = !row.textContent.toLowerCase().includes(word);
}

document.addEventListener("click", (event) => {
  const press = event.target.closest("button.sort");
  if (!press) return;
  const head = press.parentElement;
  const table = head.closest("table");
  // Numbers begin with the largest.
  const { column, up } = order(table);
  const rising = column === head.cellIndex ? !up : !head.classList.contains("n");
  tell("sort", table, `${rising ? "" : "-"}${head.cellIndex + 1}`);
});
document.addEventListener("input", (event) => {
  if (event.target.matches("input.within")) tell("find", event.target.nextElementSibling.querySelector("table"), event.target.value);
});

document.addEventListener("click", async (event) => {
  const press = event.target.closest("[data-copies]");
  if (!press) return;
  const source = document.getElementById(press.dataset.copies);
  try {
    await navigator.clipboard.writeText(source.textContent);
    press.textContent = "Copied";
  } catch {
    // Where a page may not write to the clipboard, the text is selected for a person to copy.
    getSelection().selectAllChildren(source);
  }
});

// ------------------------------------------------------------------------------------------------------------ refresh
// Make `old` what `fresh` is and keep the rest: focus, what is open, and elements that a script has put here.
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return undefined;
  }
  if (old === button) return undefined;
  const kept = (name) => (name === "open" && old.nodeName === "DETAILS") || name === "nonce";
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !kept(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (!kept(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.matches("input, textarea") && old !== document.activeElement && old.value !== fresh.value) old.value = fresh.value;
  if (old.matches(".plot")) {
    const [model, next] = [old.querySelector("script"), fresh.querySelector("script")];
    if (model && next && model.textContent !== next.textContent) model.textContent = next.textContent;
    if (!model || !next) old.replaceChildren(...fresh.childNodes);
    return undefined;
  }
  const before = [...old.childNodes].filter((one) => !(one.dataset && "keep" in one.dataset));
  const after = [...fresh.childNodes];
  after.forEach((one, place) => (place < before.length ? morph(before[place], one) : old.append(one)));
  before.slice(after.length).forEach((one) => one.remove());
  if (old.nodeName === "SELECT" && old !== document.activeElement) [...old.options].forEach((one) => { one.selected = one.defaultSelected; });
  return undefined;
}

let asked = 0;
async function show(address, remember) {
  const mine = ++asked;
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  const text = await answer.text();
  // Another one has been asked for in the meantime.
  if (mine !== asked) return undefined;
  if (answer.status >= 500 || (remember && !answer.ok)) throw new Error(`${answer.status}`);
  // Its styles are those of this page now, whose policy takes them by this page's mark.
  const mark = document.querySelector("style[nonce]")?.nonce || "";
  const fresh = new DOMParser().parseFromString(text.replace(/<style nonce="[^"]*"/g, `<style nonce="${mark}"`), "text/html");
  if (remember) history[remember](null, "", address);
  // A page that failed, or was not there, is here now, and loads what it did not need before.
  const files = (page) => [...page.head.children].map((one) => one.getAttribute("src") || one.getAttribute("href") || one.nodeName);
  if (files(fresh).some((one) => !files(document).includes(one))) return location.reload();
  enhance(fresh);
  document.title = fresh.title;
  const styles = document.head.querySelectorAll("style");
  fresh.head.querySelectorAll("style").forEach((style, place) => { if (styles[place]) styles[place].textContent = style.textContent; });
  // The charts' legends stay beside their charts, wherever these are now.
  morph(document.body, fresh.body);
  document.dispatchEvent(new Event("refreshed"));
  return undefined;
}

// A person who leaves is not held back by what was still being fetched.
let leaving = false;
addEventListener("beforeunload", () => { leaving = true; });
addEventListener("pageshow", () => { leaving = false; });

const Page = {
  /** Show this page under another address; what is refused is a page of its own. */
  go(address, remember = "pushState") {
    const url = new URL(address, location.href);
    if (url.pathname !== location.pathname) return location.assign(url);
    if (remember) {
      // Links and forms may be older than how tables are sorted and searched.
      [...url.searchParams.keys()].filter((name) => OWN.test(name)).forEach((name) => url.searchParams.delete(name));
      new URLSearchParams(location.search).forEach((value, name) => OWN.test(name) && url.searchParams.append(name, value));
    }
    return show(url.href, remember).catch(() => leaving || location.assign(url));
  },
  /** Show another span of time, in milliseconds. */
  zoom(from, to) {
    const url = new URL(location.href);
    const middle = (from + to) / 2;
    const half = Math.max((to - from) / 2, 15000);
    url.searchParams.delete("span");
    url.searchParams.set("start", new Date(middle - half).toISOString().slice(0, 19));
    url.searchParams.set("end", new Date(middle + half).toISOString().slice(0, 19));
    Page.go(url);
  },
  unzoom() {
    const url = new URL(location.href);
    if (!url.searchParams.has("start")) return;
    url.searchParams.delete("start");
    url.searchParams.delete("end");
    Page.go(url);
  },
};

function send(form, remember) {
  const url = new URL(form.action);
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  Page.go(url, remember);
}
let typed;
document.addEventListener("submit", (event) => { event.preventDefault(); send(event.target); });
document.addEventListener("change", (event) => {
  if (event.target.form && event.target.matches("select, [type=datetime-local], .explorer input")) send(event.target.form);
});
document.addEventListener("input", (event) => {
  if (!event.target.matches("[type=search]") || !event.target.form) return;
  clearTimeout(typed);
  typed = setTimeout(() => send(event.target.form, "replaceState"), PAUSE);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || url.pathname !== location.pathname || url.hash) return;
  event.preventDefault();
  Page.go(url);
});
addEventListener("popstate", () => Page.go(location.href, null));

// --------------------------------------------------------------------------------------------------------------- live
const state = (word = "Live") => {
  button.setAttribute("aria-pressed", String(live()));
  button.textContent = word;
};
let pressing = false;
addEventListener("pointerdown", () => { pressing = true; });
addEventListener("pointerup", () => { pressing = false; });
const busy = () => document.hidden || pressing || String(getSelection()) || document.activeElement?.matches("main select, main input, main textarea");
async function refresh() {
  if (!live() || busy()) return;
  try {
    await show(location.href, null);
    state();
  } catch {
    if (!leaving) state("No answer");
  }
}
// What is chosen shows at once: nothing has to be sent by a button.
document.documentElement.classList.add("js");
button.hidden = false;
button.title = "Fetch new data every 10 seconds";
button.addEventListener("click", () => { localStorage.setItem("live", live() ? "off" : "on"); state(); refresh(); });
setInterval(refresh, EVERY);
enhance(document);
state();
