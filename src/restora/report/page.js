"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;
  root.classList.add("scripted");

  byId("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // heat: a slider a picture, and one for all
  document.addEventListener("input", (event) => {
    if (event.target.classList.contains("wipe"))
      event.target.closest(".card").style.setProperty("--wipe", event.target.value + "%");
  });
  byId("wipe-all")?.addEventListener("input", (event) => {
    for (const slider of document.querySelectorAll(".wipe")) {
      slider.value = event.target.value;
      slider.closest(".card").style.setProperty("--wipe", event.target.value + "%");
    }
  });

  // which pictures are shown, some at a time
  const FIRST = 12, FURTHER = 48;
  const cards = [...document.querySelectorAll("#pictures .card")];
  if (cards.length) {
    const verdict = byId("by-verdict"), kind = byId("by-kind"), mistake = byId("by-mistake"), more = byId("more");
    let most = FIRST;
    for (const name of [...new Set(cards.map((card) => card.dataset.kind))].sort()) kind.add(new Option(name));
    const choose = () => {
      let count = 0;
      for (const card of cards) {
        const { verdict: its, kind: sort, mistake: wrong } = card.dataset;
        card.hidden = !((!verdict.value || its === verdict.value) && (!kind.value || sort === kind.value) && (!mistake.checked || wrong));
        card.classList.toggle("later", !card.hidden && ++count > most);
      }
      byId("shown").textContent = `${count} of ${cards.length} pictures`;
      more.hidden = count <= most;
      more.textContent = `Show ${Math.min(FURTHER, count - most)} more of ${count - most}`;
    };
    for (const control of [verdict, kind, mistake]) control.addEventListener("change", () => { most = FIRST; choose(); });
    more.addEventListener("click", () => {
      const next = cards.find((card) => !card.hidden && card.classList.contains("later"));
      most += FURTHER;
      choose();
      next.querySelector(".open").focus({ preventScroll: true }); // the button may have gone from under the keyboard
    });
    choose();
  }

  // one picture, enlarged
  const large = byId("large"), holder = large.querySelector(".large-body");
  let among = [], at = 0;
  const turn = (to) => {
    at = (to + among.length) % among.length;
    holder.replaceChildren(among[at].cloneNode(true));
    const shown = holder.firstChild, slider = shown.querySelector(".wipe");
    shown.classList.remove("later");
    shown.hidden = false;
    if (slider) slider.value = parseFloat(shown.style.getPropertyValue("--wipe") || 100);
    byId("place").textContent = `${at + 1} of ${among.length}`;
  };
  const enlarge = (card) => {
    among = [...card.parentElement.querySelectorAll(".card:not([hidden])")];
    if (!among.includes(card)) among = [card];
    turn(among.indexOf(card));
    large.showModal();
  };
  document.addEventListener("click", (event) => {
    const stack = event.target.closest(".stack");
    if (stack && !large.contains(stack)) enlarge(stack.closest(".card"));
  });
  document.addEventListener("enlarge", (event) => enlarge(event.detail));
  byId("previous").addEventListener("click", () => turn(at - 1));
  byId("next").addEventListener("click", () => turn(at + 1));
  byId("close").addEventListener("click", () => large.close());
  large.addEventListener("click", (event) => { if (event.target === large) large.close(); });
  large.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.matches("input")) return; // a slider has the arrows for itself
    event.preventDefault();
    turn(at + step);
  });
})();
