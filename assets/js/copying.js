// <button data-copy="text"> or <button data-copy-from="id of an element">: puts it on the clipboard and says so.
const SAID_MS = 1600;

export function followCopyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy],[data-copy-from]");
    if (!button) return;
    const from = button.dataset.copyFrom;
    const text = from ? (document.getElementById(from)?.textContent ?? "") : button.dataset.copy;
    say(button, (await copied(text)) ? "Copied" : "Press Ctrl-C");
  });
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedTheOldWay(text); // without https there is no clipboard
  }
}

function copiedTheOldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

function say(button, words) {
  button.dataset.said = words;
  document.getElementById("announcer")?.replaceChildren(words);
  setTimeout(() => delete button.dataset.said, SAID_MS);
}
