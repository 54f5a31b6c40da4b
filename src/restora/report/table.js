"use strict";
(() => {
  // every verdict: search, filter, sort, pages
  const byId = (id) => document.getElementById(id);
  const rows = JSON.parse(byId("data").textContent);
  const PAGE = 50, PRINTED = 1000;
  const TRUTH = { 0: "good", 1: "defective", null: "unknown" };
  const body = document.querySelector("#rows tbody"), cut = document.querySelector("#table .cut");
  const columns = [0, 1, 3, 4, 5, 6, 7, 8]; // of a row: name, kind, label, verdict, p, score, doubt, regions, remark
  const pictures = new Map([...document.querySelectorAll("#pictures .card")].map((card) => [card.dataset.name, card]));
  let column = null, rising = true, page = 0, chosen = rows;
  const figure = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : String(+value.toPrecision(4)));
  const show = (value) => (value === null ? "–" : typeof value === "number" ? figure(value) : value);
  const cell = (text, name) => {
    const td = document.createElement("td");
    td.textContent = text;
    if (name) td.className = name;
    return td;
  };
  const named = (name) => {
    const td = cell(name, "named"), card = pictures.get(name);
    if (!card) return td;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Show the picture";
    button.textContent = name;
    button.addEventListener("click", () => document.dispatchEvent(new CustomEvent("enlarge", { detail: card })));
    td.replaceChildren(button);
    return td;
  };
  const line = (row) => {
    const tr = document.createElement("tr");
    const verdict = document.createElement("span");
    verdict.className = "chip " + row[3];
    verdict.textContent = row[3];
    const judged = cell("");
    judged.append(verdict);
    tr.append(named(row[0]), cell(row[2] === null ? "–" : row[1]), judged, ...[4, 5, 6, 7].map((i) => cell(show(row[i]), "num")), cell(row[8], "remark"));
    return tr;
  };
  const draw = () => {
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
    page = Math.min(page, pages - 1);
    body.replaceChildren(...chosen.slice(page * PAGE, (page + 1) * PAGE).map(line));
    cut.hidden = true;
    byId("rows-shown").textContent = `${chosen.length} of ${rows.length} rows`;
    byId("page").textContent = `page ${page + 1} of ${pages}`;
    byId("before").disabled = page === 0;
    byId("after").disabled = page === pages - 1;
  };
  const compare = (a, b) => {
    if (a === b) return 0;
    if (a === null || b === null) return a === null ? 1 : -1; // what is not there comes last either way
    return (a < b ? -1 : 1) * (rising ? 1 : -1);
  };
  const select = () => {
    const words = byId("search").value.toLowerCase(), verdict = byId("row-verdict").value, truth = byId("row-truth").value;
    chosen = rows.filter((row) => (!verdict || row[3] === verdict) && (!truth || TRUTH[row[2]] === truth)
      && (!words || `${row[0]} ${row[1]} ${row[8]}`.toLowerCase().includes(words)));
    if (column !== null) chosen.sort((a, b) => compare(a[columns[column]], b[columns[column]]));
    page = 0;
    draw();
  };
  byId("search").addEventListener("input", select);
  for (const id of ["row-verdict", "row-truth"]) byId(id).addEventListener("change", select);
  byId("before").addEventListener("click", () => { page -= 1; draw(); });
  byId("after").addEventListener("click", () => { page += 1; draw(); });
  for (const button of document.querySelectorAll("#rows th button"))
    button.addEventListener("click", () => {
      const next = Number(button.dataset.column);
      rising = column === next ? !rising : true;
      column = next;
      for (const th of document.querySelectorAll("#rows th")) th.removeAttribute("aria-sort");
      button.parentElement.setAttribute("aria-sort", rising ? "ascending" : "descending");
      select();
    });
  // the counts of the summary lead to their rows
  for (const link of document.querySelectorAll("a[data-truth]"))
    link.addEventListener("click", () => {
      byId("search").value = "";
      byId("row-verdict").value = link.dataset.verdict;
      byId("row-truth").value = link.dataset.truth;
      select();
    });
  // paper has no pages to turn: all rows, up to a bound that is said
  addEventListener("beforeprint", () => {
    body.replaceChildren(...chosen.slice(0, PRINTED).map(line));
    cut.hidden = chosen.length <= PRINTED;
    cut.textContent = `The first ${PRINTED} of ${chosen.length} rows; restora predict writes all of them.`;
  });
  addEventListener("afterprint", draw);
  select();
})();
