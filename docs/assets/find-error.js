// Finds the errors of this page in what somebody pastes, and links to them. Nothing leaves the browser.
"use strict";

(() => {
  const box = document.querySelector(".find-error");
  const field = document.getElementById("printed");
  const answer = box.querySelector("output");
  const flat = text => text.replace(/[`"\\]/g, "").replace(/\s+/g, " ").trim();
  const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  // Each anchor with a text behind it: its fixed words in their order, and how many letters they have.
  const entries = [...document.querySelectorAll(".md-content li a[id]")].map(anchor => {
    const texts = [...anchor.parentElement.querySelectorAll("code")].map(code => flat(code.textContent));
    return texts.map(text => {
      const parts = text.replace(/^(error|hint): /, "").split(/…|<[a-z]+>|\\?"|`/).map(flat).filter(Boolean);
      return { id: anchor.id, text, size: parts.join("").length, pattern: new RegExp(parts.map(escaped).join(".*")) };
    });
  }).flat().filter(entry => entry.size >= 12);

  field.addEventListener("input", () => {
    const printed = flat(field.value);
    const found = entries.filter(entry => entry.pattern.test(printed)).sort((one, two) => two.size - one.size);
    answer.replaceChildren(...found.slice(0, 3).map(entry => {
      const link = document.createElement("a");
      link.href = "#" + entry.id;
      link.textContent = entry.text;
      const line = document.createElement("div");
      line.append(link);
      return line;
    }));
    if (printed && !found.length) answer.textContent = "No error of this version has these words.";
  });
  box.hidden = false;
})();
