// The theme's search button shows "Search Ctrl+K" and calls itself "Search": who speaks to it needs one name.
for (const button of document.querySelectorAll("button.search-button-field")) button.removeAttribute("aria-label");

// Formulas and outputs that are wider than the page scroll; the keyboard must be able to reach them.
function letKeysScroll() {
  for (const box of document.querySelectorAll("mjx-container, .cell_output, .cell_output .output, dl.py, table")) {
    if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible") box.tabIndex = 0;
    else if (box.tabIndex === 0) box.removeAttribute("tabindex");
  }
}

window.addEventListener("load", () => {
  const formulas = window.MathJax?.startup?.promise ?? Promise.resolve();
  formulas.then(letKeysScroll);
  new ResizeObserver(letKeysScroll).observe(document.body);
});

// A fold is called by its own words, "Show code cell source", and not by what MyST-NB lays over them.
for (const summary of document.querySelectorAll("details.hide summary[aria-label]")) summary.removeAttribute("aria-label");
