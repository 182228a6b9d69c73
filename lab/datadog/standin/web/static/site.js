// The button that keeps a page live: it loads itself anew, unless somebody is at work in it.
"use strict";
const button = document.getElementById("live");
const EVERY = 15000;

function show() {
  button.setAttribute("aria-pressed", String(localStorage.getItem("live") === "on"));
}

function busy() {
  const focused = document.activeElement;
  return document.hidden || (focused && focused !== document.body && focused !== button) ||
    document.querySelector("main details[open]") || String(getSelection());
}

button.hidden = false;
button.title = "Load this page anew every 15 seconds";
button.addEventListener("click", () => {
  localStorage.setItem("live", localStorage.getItem("live") === "on" ? "off" : "on");
  show();
});
setInterval(() => {
  if (localStorage.getItem("live") === "on" && !busy()) location.reload();
}, EVERY);
show();
