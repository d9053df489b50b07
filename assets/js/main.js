// Our own script. Pages work without it; it adds the theme switch, copying, the way to the jump field, and plots.
import { followCopyButtons } from "./copying.js";
import { followJumpKeys } from "./jump.js";
import { drawPlots } from "./plots.js";
import { followThemeSwitch } from "./theme.js";

followThemeSwitch();
followCopyButtons();
followJumpKeys();

// Whatever htmx puts into the page may hold plots as well.
document.addEventListener("DOMContentLoaded", () => drawPlots(document));
document.addEventListener("htmx:after:swap", () => drawPlots(document));
document.addEventListener("ringbid:theme", () => drawPlots(document, { again: true }));

// <form data-send-on-change>: filters apply as soon as one is chosen. The form has a button for those without script.
document.addEventListener("change", (event) => {
  event.target.closest("form[data-send-on-change]")?.requestSubmit();
});

// <button data-confirm="Pause 3 live calls?">: asks before what is hard to take back.
document.addEventListener("click", (event) => {
  const asking = event.target.closest("[data-confirm]");
  if (asking && !window.confirm(asking.dataset.confirm)) event.preventDefault();
});

// <button data-print>: the page on paper, or as PDF.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
