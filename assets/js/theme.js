// The switch between light, dark and what the system says. The choice is a cookie, so that the server writes the page in
// it and nothing flickers.
const CHOICES = ["system", "light", "dark"];
const YEAR_SECONDS = 31_536_000;

export function followThemeSwitch() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (button && CHOICES.includes(button.dataset.themeChoice)) choose(button.dataset.themeChoice);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
}

function choose(choice) {
  const root = document.documentElement;
  if (choice === "system") delete root.dataset.theme;
  else root.dataset.theme = choice;
  const secure = location.protocol === "https:" ? ";Secure" : "";
  document.cookie = `theme=${choice};Path=/;Max-Age=${YEAR_SECONDS};SameSite=Lax${secure}`;
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
  tell();
}

function tell() {
  document.dispatchEvent(new CustomEvent("ringbid:theme"));
}
