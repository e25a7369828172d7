// The theme's search button shows "Search Ctrl+K" and calls itself "Search": who speaks to it needs one name.
for (const button of document.querySelectorAll("button.search-button-field")) button.removeAttribute("aria-label");
