// The reference page of /api/v1: Swagger UI over our own description, with nothing asked of anybody else.
"use strict";
// Swagger UI leaves these parts unnamed for who cannot see them, and its headings skip levels.
const PARTS = { ".information-container": "About", ".scheme-container": "Server and key", ".filter": "Filter", ".models": "Schemas" };
function name_parts() {
  for (const [found, name] of Object.entries(PARTS)) {
    const part = document.querySelector(found);
    part?.setAttribute("role", "region");
    part?.setAttribute("aria-label", name);
  }
  document.getElementById("servers")?.setAttribute("aria-label", "Server");
  for (const heading of document.querySelectorAll("h3.opblock-tag, .models > h4")) heading.setAttribute("aria-level", "2");
}

window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/v1/openapi.json",
    dom_id: "#reference",
    deepLinking: true,
    docExpansion: "none",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
    onComplete: name_parts,
  });
});
