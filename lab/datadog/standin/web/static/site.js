// The button that keeps a page live: it reloads itself, unless somebody is at work in it.
"use strict";
const EVERY = 15000;
const button = document.getElementById("live");
const live = () => localStorage.getItem("live") === "on";
const show = () => button.setAttribute("aria-pressed", String(live()));
const at = (element) => element && element !== document.body && element !== button;
const busy = () => document.hidden || at(document.activeElement) ||
  document.querySelector("main details[open]") || String(getSelection());

button.hidden = false;
button.title = "Reload this page every 15 seconds";
button.addEventListener("click", () => { localStorage.setItem("live", live() ? "off" : "on"); show(); });
setInterval(() => { if (live() && !busy()) location.reload(); }, EVERY);
show();
