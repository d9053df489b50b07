// Builds what browsers load: one stylesheet, one script, one sheet of icons, one font. Run by `make assets`.
//
// Everything goes to src/ringbid/edge/console/static and is committed, so that nobody needs node to run Ringbid. The
// manifest beside it says from which sources it was built; tests/house/test_assets.py compares.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const out = process.env.RINGBID_ASSETS_OUT ?? join(here, "../src/ringbid/edge/console/static");
mkdirSync(out, { recursive: true });

function buildStyles() {
  const tailwind = join(modules, ".bin/tailwindcss");
  const target = join(out, "ringbid.css");
  execFileSync(tailwind, ["--input", join(here, "css/main.css"), "--output", target, "--minify"], { stdio: "inherit" });
}

function buildScript() {
  // htmx and its extension speak to each other through the global `htmx`, so they stand before our own code as they are.
  const libraries = ["htmx.org/dist/htmx.min.js", "htmx.org/dist/ext/hx-sse.min.js"];
  const foreign = libraries.map((path) => readFileSync(join(modules, path), "utf8").replace(/\n\/\/# sourceMappingURL.*/, ""));
  const own = buildSync({
    entryPoints: [join(here, "js/main.js")],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "inline",
    write: false,
  });
  writeFileSync(join(out, "ringbid.js"), [...foreign, own.outputFiles[0].text].join("\n;"));
}

function buildIcons() {
  const names = readFileSync(join(here, "icons.txt"), "utf8").split("\n").filter((line) => line && !line.startsWith("#"));
  const symbols = names.map((name) => {
    const drawing = readFileSync(join(modules, `lucide-static/icons/${name}.svg`), "utf8");
    const inner = drawing.replace(/<!--.*?-->/gs, "").replace(/^[\s\S]*?<svg[\s\S]*?>/, "").replace(/<\/svg>\s*$/, "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  writeFileSync(join(out, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

function copyOthers() {
  copyFileSync(join(modules, "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"), join(out, "inter.woff2"));
  copyFileSync(join(here, "favicon.svg"), join(out, "favicon.svg"));
  copyFileSync(join(here, "NOTICES.txt"), join(out, "NOTICES.txt"));
}

function hashOf(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
}

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

function writeManifest() {
  const sources = ["build.mjs", "package.json", "package-lock.json", "icons.txt", "favicon.svg", "NOTICES.txt"]
    .map((name) => join(here, name))
    .concat(filesIn(join(here, "css")), filesIn(join(here, "js")));
  const files = readdirSync(out).filter((name) => !name.startsWith(".") && name !== "manifest.json");
  const manifest = {
    sources: Object.fromEntries(sources.map((path) => [relative(here, path), hashOf(path)]).sort()),
    files: Object.fromEntries(files.sort().map((name) => [name, hashOf(join(out, name))])),
  };
  writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
}

buildStyles();
buildScript();
buildIcons();
copyOthers();
writeManifest();
