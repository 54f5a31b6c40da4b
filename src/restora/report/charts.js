"use strict";
(() => {
  // values of a chart under the pointer, under a finger, or by the arrow keys; to a screen reader it is a slider
  const SVG = "http://www.w3.org/2000/svg";
  const STEPS = 50;
  for (const chart of document.querySelectorAll(".pointed")) {
    const data = JSON.parse(chart.dataset.lines);
    const readout = chart.parentElement.querySelector(".readout");
    const usual = readout.textContent;
    const layer = document.createElementNS(SVG, "g");
    layer.setAttribute("class", "cursor");
    chart.append(layer);
    let at = 0;
    for (const [name, value] of Object.entries({ role: "slider", "aria-valuemin": 0, "aria-valuemax": STEPS, "aria-valuenow": 0 }))
      chart.setAttribute(name, value);
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
    const clear = () => { layer.replaceChildren(); readout.textContent = usual; };
    const keyed = () => {
      mark((points) => Math.round(at / STEPS * (points.length - 1)));
      chart.setAttribute("aria-valuenow", at);
      chart.setAttribute("aria-valuetext", readout.textContent);
    };
    const point = (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      mark((points) => nearest(points, place.x, place.y));
    };
    chart.addEventListener("pointermove", point);
    chart.addEventListener("pointerdown", point);
    chart.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") clear(); }); // a finger leaves at once
    chart.addEventListener("focus", () => { if (chart.matches(":focus-visible")) keyed(); });
    chart.addEventListener("blur", clear);
    chart.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + 10, PageDown: at - 10, Home: 0, End: STEPS }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      at = Math.min(STEPS, Math.max(0, to));
      keyed();
    });
  }
})();
