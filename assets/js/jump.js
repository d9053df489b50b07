// `/` and Ctrl-K (Cmd-K) lead to the jump field. Esc closes what is open: menus are <details>.
export function followJumpKeys() {
  document.addEventListener("keydown", (event) => {
    const jump = document.getElementById("jump");
    const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
    const control = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (jump && (slash || control)) {
      event.preventDefault();
      jump.focus();
      jump.select();
    }
    if (event.key === "Escape") closeMenus();
  });
  document.addEventListener("click", (event) => closeMenus(event.target));
}

function isTyping(element) {
  return element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (except && menu.contains(except)) continue;
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside && !except) menu.querySelector("summary")?.focus();
  }
}
