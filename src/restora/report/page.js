"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;

  byId("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // heat: a slider a picture, and one for all
  const wipe = (card, value) => card.style.setProperty("--wipe", value + "%");
  for (const slider of document.querySelectorAll(".wipe"))
    slider.addEventListener("input", () => wipe(slider.closest(".card"), slider.value));
  byId("wipe-all")?.addEventListener("input", (event) => {
    for (const slider of document.querySelectorAll(".wipe")) {
      slider.value = event.target.value;
      wipe(slider.closest(".card"), slider.value);
    }
  });

  // which pictures are shown
  const cards = [...document.querySelectorAll("#pictures .card")];
  if (cards.length) {
    const verdict = byId("by-verdict"), kind = byId("by-kind"), mistake = byId("by-mistake");
    for (const name of [...new Set(cards.map((card) => card.dataset.kind))].sort()) kind.add(new Option(name));
    const choose = () => {
      let count = 0;
      for (const card of cards) {
        const { verdict: its, kind: sort, mistake: wrong } = card.dataset;
        const shown = (!verdict.value || its === verdict.value) && (!kind.value || sort === kind.value) && (!mistake.checked || wrong === "yes");
        card.hidden = !shown;
        count += shown;
      }
      byId("shown").textContent = `${count} of ${cards.length} pictures`;
    };
    for (const control of [verdict, kind, mistake]) control.addEventListener("change", choose);
    choose();
  }

  // values of a curve under the pointer, or by the arrow keys
  const SVG = "http://www.w3.org/2000/svg";
  for (const chart of document.querySelectorAll(".pointed")) {
    const data = JSON.parse(chart.dataset.lines);
    const readout = chart.parentElement.querySelector(".readout");
    const layer = document.createElementNS(SVG, "g");
    layer.setAttribute("class", "cursor");
    chart.append(layer);
    let at = 0;
    const nearest = (points, x, y) => points.reduce((best, p, i) => {
      const far = (p[0] - x) ** 2 + 0.15 * (p[1] - y) ** 2;
      return far < best[1] ? [i, far] : best;
    }, [0, Infinity])[0];
    const mark = (choose) => {
      layer.replaceChildren();
      readout.textContent = data.lines.map((line) => {
        const [x, y, a, b] = line.points[choose(line.points)];
        const dot = document.createElementNS(SVG, "circle");
        dot.setAttribute("cx", x); dot.setAttribute("cy", y); dot.setAttribute("r", 4);
        layer.append(dot);
        return `${line.name}: ${data.x} ${a}, ${data.y} ${b}`;
      }).join("; ");
    };
    chart.addEventListener("pointermove", (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      mark((points) => nearest(points, place.x, place.y));
    });
    chart.addEventListener("pointerleave", () => { layer.replaceChildren(); readout.textContent = ""; });
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 0.02, ArrowLeft: -0.02 }[event.key];
      if (!step) return;
      event.preventDefault();
      at = Math.min(1, Math.max(0, at + step));
      mark((points) => Math.round(at * (points.length - 1)));
    });
  }

  // the table: search, filter, sort, pages
  const rows = JSON.parse(byId("data").textContent);
  const PAGE = 50;
  const body = document.querySelector("#rows tbody");
  const columns = [0, 1, 3, 4, 5, 6, 7, 8]; // of a row: name, kind, label, verdict, p, score, doubt, regions, remark
  let column = null, rising = true, page = 0, chosen = rows;
  const show = (value) => (value === null ? "–" : typeof value === "number" ? String(+value.toPrecision(5)) : value);
  const cell = (text, name) => {
    const td = document.createElement("td");
    td.textContent = text;
    if (name) td.className = name;
    return td;
  };
  const draw = () => {
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
    page = Math.min(page, pages - 1);
    body.replaceChildren(...chosen.slice(page * PAGE, (page + 1) * PAGE).map((row) => {
      const tr = document.createElement("tr");
      const verdict = document.createElement("span");
      verdict.className = "chip " + row[3];
      verdict.textContent = row[3];
      const judged = cell("");
      judged.append(verdict);
      tr.append(cell(row[0]), cell(row[2] === null ? "–" : row[1]), judged, ...[4, 5, 6, 7].map((i) => cell(show(row[i]), "num")), cell(row[8], "remark"));
      return tr;
    }));
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
    const words = byId("search").value.toLowerCase(), verdict = byId("row-verdict").value;
    chosen = rows.filter((row) => (!verdict || row[3] === verdict) && (!words || `${row[0]} ${row[1]} ${row[8]}`.toLowerCase().includes(words)));
    if (column !== null) chosen.sort((a, b) => compare(a[columns[column]], b[columns[column]]));
    page = 0;
    draw();
  };
  byId("search").addEventListener("input", select);
  byId("row-verdict").addEventListener("change", select);
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
  select();
})();
