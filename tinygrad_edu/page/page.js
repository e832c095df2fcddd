// Shows one moment after the other, and computes anew when an input is changed.
const data = JSON.parse(document.getElementById("data").textContent), {steps, trained, gradients} = data;
const byId = id => document.getElementById(id), svg = document.querySelector("#picture svg");
const copy = given => Object.fromEntries(Object.entries(given).map(
  ([name, x]) => [name, {shape: x.shape, data: Float64Array.from(x.data, Number)}]));
let given = copy(data.given), found = null, at = 0, costs = [];

// Numbers as pictures write them: four digits, a real minus sign.
function number(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "−inf";
  if (x === 0) return "0";
  const [digits, power] = Math.abs(x).toExponential(3).split("e"), p = Number(power);
  const strip = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  const text = p < -4 || p >= 4 ? `${strip(digits)}e${p < 0 ? "-" : "+"}${String(Math.abs(p)).padStart(2, "0")}`
    : strip(Math.abs(x).toFixed(Math.max(3 - p, 0)));
  return x < 0 ? `−${text}` : text;
}
function range(x) {
  const bad = x.data.reduce((n, v) => n + !Number.isFinite(v), 0);
  if (bad) return `${bad} not finite`;
  const low = x.data.reduce((a, b) => Math.min(a, b)), high = x.data.reduce((a, b) => Math.max(a, b));
  return low === high ? `all ${number(low)}` : `${number(low)} … ${number(high)}`;
}
const shapeOf = s => s.length === 2 ? `${s[0]} × ${s[1]}` : `(${s.join(", ")}${s.length === 1 ? "," : ""})`;
function brief(x) {
  if (!x.shape.length) return number(x.data[0]);
  const rows = x.shape.length === 1 ? 1 : x.shape[0], columns = x.shape.at(-1);
  if (x.shape.length > 2 || Math.max(rows, columns) > 4) return `${shapeOf(x.shape)}, ${range(x)}`;
  const texts = Array.from({length: rows}, (_, i) => Array.from(x.data.slice(i * columns, (i + 1) * columns), number));
  if (texts.some(row => row.reduce((n, t) => n + t.length + 2, 0) > 30)) return `${shapeOf(x.shape)}, ${range(x)}`;
  return `[${texts.map(row => row.join(" ")).join("; ")}]`;
}
const valueOf = name => {
  const x = found?.[name] ?? given[name];
  return x === undefined ? undefined : typeof x === "object" ? x : {shape: [], data: [x]};
};

// Texts have places for numbers, ⟦name⟧; a negative one gets brackets where it follows a sign.
const recorded = Object.fromEntries(steps.map(s => [s.of, s.value]));
const filledIn = text => text.replace(/(^|[^⟦]*?)⟦(.*?)⟧/g, (_, before, name) => {
  const x = valueOf(name), shown = x ? brief(x) : recorded[name] ?? "?";
  return before + (shown.startsWith("−") && /[+−·/*^] *$/.test(before) ? `(${shown})` : shown);
});

// The picture: who is who, and the way back along each arrow.
const boxes = {}, arrows = {}, returns = {};
for (const box of svg.querySelectorAll("g.node")) boxes[box.dataset.node] = box;
for (const arrow of svg.querySelectorAll("g.edge")) {
  const key = `${arrow.dataset.from}->${arrow.dataset.to}`;
  (arrows[key] ??= []).push(arrow);
  const line = arrow.querySelector("path"), points = (line?.getAttribute("d").match(/-?[\d.]+/g) ?? []).map(Number);
  if (points.length < 4) continue;
  const [x, y, nextX, nextY] = points, length = Math.hypot(nextX - x, nextY - y) || 1;
  const u = (nextX - x) / length, v = (nextY - y) / length;
  const group = document.createElementNS(svg.namespaceURI, "g");
  group.setAttribute("class", "edge return");
  [group.dataset.from, group.dataset.to] = [arrow.dataset.to, arrow.dataset.from];
  const back = line.cloneNode();
  back.setAttribute("class", "back");
  const tip = document.createElementNS(svg.namespaceURI, "polygon");
  const corner = (along, across) => `${x + u * along - v * across},${y + v * along + u * across}`;
  tip.setAttribute("points", [corner(0, 0), corner(9, 4.2), corner(9, -4.2)].join(" "));
  group.append(back, tip);
  arrow.after(group);
  (returns[key] ??= []).push(group);
}
const notes = [...svg.querySelectorAll("g.note")];

// As much of the picture as can be read: all of it, or the part around the present box. It is moved as a whole,
// since another viewBox would have the browser lay out every text again.
const [left, top_, width, height] = svg.getAttribute("viewBox").split(/\s+/).map(Number);
const middles = Object.fromEntries(Object.entries(boxes).map(([key, box]) => {
  const {x, y, width: w, height: h} = box.getBBox();
  return [key, [x + w / 2 - left, y + h / 2 - top_]];
}));
const room = {zoom: 1, moved: null, scale: 1, centre: [width / 2, height / 2]};
function fit() {
  const w = svg.parentElement.clientWidth || 1, h = svg.parentElement.clientHeight || 1;
  const all = Math.min(w / width, h / height), least = w >= 900 ? 14.2 : 11.2;
  const printing = matchMedia("print").matches;
  const whole = printing || byId("whole").getAttribute("aria-pressed") === "true";
  const scale = (whole ? all : Math.max(all, least / 13)) * (printing ? 1 : room.zoom);
  const middle = room.moved ?? middles[steps[at]?.node] ?? [width / 2, height / 2];
  const start = (size, seen, mid) => size * scale <= seen ? (seen - size * scale) / 2
    : Math.min(0, Math.max(seen - size * scale, seen / 2 - mid * scale));
  if (scale !== room.scale || !svg.style.width) {
    [svg.style.width, svg.style.height] = [`${width * scale}px`, `${height * scale}px`];
    room.scale = scale;
  }
  const [x, y] = [start(width, w, middle[0]), start(height, h, middle[1])];
  room.centre = [(w / 2 - x) / scale, (h / 2 - y) / scale];
  svg.style.transform = `translate(${x}px, ${y}px)`;
}

// What each part of the picture shows, and from which moment on: a class is touched only where that changes.
const first = {}, graded = {}, passed = {};
steps.forEach((s, k) => {
  (s.pass === "backward" ? graded : first)[s.node] ??= k;
  for (const edge of s.edges) passed[edge] ??= k;
});
const never = Infinity, parts = [];
const part = (element, name, from, on = false) => parts.push({element, name, from: from ?? never, on, now: null,
  value: element.matches("path.bracket, image, [data-value], [data-gradient], :has([data-value], [data-gradient])")});
for (const key in boxes) {
  part(boxes[key], "faint", first[key]);
  for (const row of boxes[key].querySelectorAll("text, path.bracket, image"))
    if (!row.classList.contains("b")) part(row, "later", row.classList.contains("red") ? graded[key] : first[key]);
}
for (const key in arrows) for (const arrow of arrows[key]) {
  part(arrow, "faint", first[key.split("->")[1]]);
  for (const text of arrow.querySelectorAll("text")) part(text, "later", passed[key]);
}
for (const key in returns) for (const arrow of returns[key]) part(arrow, "passed", passed[key], true);
for (const note of notes) for (const text of note.querySelectorAll("text"))
  part(text, "later", passed[(note.dataset.of ?? "").replace(" ", "->")]);
let marked = null;

function picture(hidden) {
  for (const p of parts) {
    const guessed = hidden && p.value && p.name === "later" && at === p.from;
    const has = p.on ? at >= p.from : at < p.from || guessed;
    if (has !== p.now) p.element.classList.toggle(p.name, p.now = has);
  }
  marked?.classList.remove("now");
  marked = boxes[steps[at].node];
  marked?.classList.add("now");
  for (const note of notes) note.classList.toggle("stale", found !== null);
}

function show(k) {
  at = Math.max(0, Math.min(steps.length - 1, k));
  room.moved = null;
  const step = steps[at], hidden = byId("guess").checked && step.pass !== "given";
  picture(hidden);
  document.body.className = step.pass;
  byId("direction").textContent = step.pass;
  byId("formula").textContent = step.formula;
  const x = valueOf(step.of), value = x ? brief(x) : step.value;
  byId("numbers").textContent = hidden ? "" : filledIn(step.numbers);
  byId("value").textContent = hidden ? "?" : value;
  byId("words").replaceChildren(...(hidden ? [] : step.words).map(w =>
    Object.assign(document.createElement("li"), {textContent: filledIn(w)})));
  byId("reveal").hidden = !hidden;
  byId("at").value = at;
  byId("count").textContent = `step ${at + 1} of ${steps.length}`;
  fit();
}

// Computing anew.
function told() {
  for (const text of svg.querySelectorAll("[data-value], [data-gradient]")) {
    const x = valueOf(text.dataset.value ?? gradients[text.dataset.gradient]);
    if (!x) continue;
    if (text.dataset.entry !== undefined) {
      const columns = x.shape.length > 1 ? x.shape.at(-1) : x.data.length;
      const [row, column] = text.dataset.entry.split(" ").map(Number);
      text.textContent = number(x.data[x.shape.length > 1 ? row * columns + column : Math.max(row, column)]) + " ";
    } else {
      const shape = text.textContent.match(/^(\d+ × \d+|\(.*?\)), /)?.[0] ?? "";
      text.textContent = x.shape.length ? (text.textContent.startsWith("[") ? brief(x) : shape + range(x)) : number(x.data[0]);
    }
  }
}
function recompute() {
  found = compute(given);
  told();
  show(at);
}
function controls() {
  const rows = Object.entries(given).filter(([, x]) => x.data.length).map(([name, x]) => {
    const row = Object.assign(document.createElement("div"), {className: "input"});
    const called = data.called[name], label = Object.assign(document.createElement("span"), {textContent: called.slice(0, 40)});
    const entry = document.createElement("select");
    entry.setAttribute("aria-label", `entry of ${called}`);
    x.data.slice(0, 400).forEach((_, i) => {
      const place = x.shape.map((n, k) => Math.floor(i / engine.size(x.shape.slice(k + 1))) % n);
      entry.append(new Option(`[${place.join(", ")}]`, i));
    });
    entry.hidden = x.data.length === 1;
    const slider = Object.assign(document.createElement("input"), {type: "range", step: "any"});
    const field = Object.assign(document.createElement("input"), {type: "number", step: "any"});
    slider.setAttribute("aria-label", `${called}, slider`);
    field.setAttribute("aria-label", called);
    slider.dataset.input = field.dataset.input = name;
    const read = () => {
      const v = given[name].data[+entry.value || 0], reach = Math.max(2 * Math.abs(v), 1);
      [slider.min, slider.max] = [v - reach, v + reach];
      slider.value = v;
      field.value = Number(v.toPrecision(6));
    };
    const write = v => {
      if (!Number.isFinite(v)) return;
      given[name].data[+entry.value || 0] = v;
      recompute();
    };
    slider.oninput = () => { field.value = Number((+slider.value).toPrecision(6)); write(+slider.value); };
    field.onchange = () => { write(+field.value); read(); };
    entry.onchange = read;
    row.read = read;
    read();
    row.append(label, entry, slider, field);
    return row;
  });
  byId("inputs").replaceChildren(...rows);
}
const readAll = () => { for (const row of byId("inputs").children) row.read(); };
function descend() {
  const rate = +byId("rate").value, before = valueOf(data.output);
  if (!found) found = compute(given);
  if (!costs.length) costs.push(valueOf(data.output).data[0]);
  for (const name of trained) {
    const g = valueOf(gradients[name]);
    if (g) given[name].data = given[name].data.map((w, i) => w - rate * g.data[i]);
  }
  recompute();
  costs.push(valueOf(data.output).data[0]);
  byId("costs").textContent = `${costs.length - 1} ${costs.length === 2 ? "update" : "updates"}: ${costs.slice(-6).map(number).join(" → ")}`;
  readAll();
  return before;
}
function reset() {
  [given, found, costs] = [copy(data.given), null, []];
  byId("costs").textContent = "";
  found = compute(given);
  told();
  found = null;
  show(at);
  readAll();
}

byId("at").max = steps.length - 1;
byId("at").oninput = event => show(+event.target.value);
byId("first").onclick = () => show(0);
byId("back").onclick = () => show(at - 1);
byId("next").onclick = () => show(at + 1);
byId("turn").onclick = () => show(steps.findIndex(s => s.pass === "backward"));
byId("turn").hidden = !steps.some(s => s.pass === "backward");
byId("guess").onchange = () => show(at);
byId("reveal").onclick = () => { byId("guess").checked = false; show(at); byId("guess").checked = true; byId("next").focus(); };
byId("whole").onclick = event => {
  event.target.setAttribute("aria-pressed", event.target.getAttribute("aria-pressed") !== "true");
  [room.zoom, room.moved] = [1, null];
  fit();
};
byId("wide").onclick = () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
byId("update").onclick = descend;
byId("rates").oninput = event => { byId("rate").value = Number((10 ** event.target.value).toPrecision(2)); };
byId("rate").oninput = event => { byId("rates").value = Math.log10(+event.target.value); };
byId("reset").onclick = reset;
for (const key in boxes) boxes[key].addEventListener("click", () => {
  const steps_ = steps.map((s, k) => [s, k]).filter(([s]) => s.node === key).map(([, k]) => k);
  if (steps_.length) show(steps_[(steps_.indexOf(at) + 1) % steps_.length]);
});
document.addEventListener("keydown", event => {
  const typing = event.target.matches("input, select") && event.target.id !== "guess";
  if (typing && event.target.id !== "at" || event.ctrlKey || event.metaKey || event.altKey) return;
  const go = {ArrowRight: at + 1, PageDown: at + 1, ArrowLeft: at - 1, PageUp: at - 1, Home: 0, End: steps.length - 1}[event.key]
    ?? (event.key === " " && !event.target.matches("button, input, select") ? at + 1 : undefined);
  if (go === undefined) return;
  event.preventDefault();
  show(go);
});

// Zoom with the wheel or two fingers, move by dragging.
const fingers = new Map();
svg.addEventListener("wheel", event => {
  event.preventDefault();
  room.moved ??= room.centre;
  room.zoom = Math.min(Math.max(room.zoom * Math.exp(-event.deltaY / 500), .2), 20);
  fit();
}, {passive: false});
svg.addEventListener("pointerdown", event => fingers.set(event.pointerId, event));
for (const end of ["pointerup", "pointercancel", "pointerleave"]) svg.addEventListener(end, event => fingers.delete(event.pointerId));
svg.addEventListener("pointermove", event => {
  const last = fingers.get(event.pointerId);
  if (!last) return;
  const [x, y] = room.moved ?? room.centre;
  if (fingers.size === 2) {
    const other = [...fingers.values()].find(f => f.pointerId !== event.pointerId);
    const apart = f => Math.hypot(f.clientX - other.clientX, f.clientY - other.clientY) || 1;
    room.zoom = Math.min(Math.max(room.zoom * apart(event) / apart(last), .2), 20);
    room.moved = [x, y];
  } else room.moved = [x - (event.clientX - last.clientX) / room.scale, y - (event.clientY - last.clientY) / room.scale];
  fingers.set(event.pointerId, event);
  fit();
});
addEventListener("resize", fit);
matchMedia("print").addEventListener("change", fit);

// Every step in words, for paper; a screen need not carry it.
function handout() {
  if (byId("handout").children.length) return;
  byId("handout").replaceChildren(...steps.map(s => Object.assign(document.createElement("li"), {
    textContent: [s.formula, s.numbers && filledIn(s.numbers), s.value, ...s.words.map(filledIn)].filter(Boolean).join("; ")})));
}
addEventListener("beforeprint", handout);
matchMedia("print").addEventListener("change", handout);
if (matchMedia("print").matches) handout();
byId("why").textContent = data.why;
if (Object.keys(given).length) {
  byId("try").hidden = false;
  byId("descent").hidden = !trained.length || !Object.keys(gradients).length;
  controls();
}
show(0);
