'use strict';
// Charts as SVG: scales, axes, layers and one crosshair. Colours come from the style sheet.
const SVG = 'http://www.w3.org/2000/svg';
const MINUTE = 60e3, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function draw(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  parent.appendChild(node);
  return node;
}

function sums(deltas) {
  let total = 0;
  return deltas.map((delta) => (total += delta));
}

const grouped = (value, decimals) =>
  value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const percent = (fraction, decimals = 2) => grouped(fraction * 100, decimals) + ' %';
const two = (number) => String(number).padStart(2, '0');

function priceText(value) {
  const size = Math.abs(value);
  return grouped(value, size >= 1000 ? 2 : size >= 1 ? 4 : 8).replace(/(\.\d\d\d*?)0+$/, '$1');
}

function dateText(ms, withTime) {
  const date = new Date(ms);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return withTime ? `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}` : day;
}

/** Round values from least to greatest, about `count` of them. */
function valueTicks(from, to, count) {
  const rough = (to - from) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough);
  const ticks = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++) ticks.push(n * step);
  return { ticks, decimals: Math.max(0, Math.min(8, Math.ceil(-Math.log10(step) - 1e-9) + (step / power === 2.5 ? 1 : 0))) };
}

/** Calendar times, about `count` of them, each with its label. */
function timeTicks(from, to, count) {
  const steps = [1e3, 5e3, 15e3, 30e3, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
  const rough = (to - from) / Math.max(count, 1);
  const step = steps.find((length) => length >= rough);
  const ticks = [];
  if (step) {
    for (let ms = Math.ceil(from / step) * step; ms <= to; ms += step) {
      const date = new Date(ms), clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
      const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
      ticks.push([ms, step >= DAY || ms % DAY === 0 ? day : step < MINUTE ? `${clock}:${two(date.getUTCSeconds())}` : clock]);
    }
    return ticks;
  }
  const months = [1, 2, 3, 6, 12, 24, 60, 120, 240].find((length) => length * 30.4 * DAY >= rough) || 600;
  const first = new Date(from);
  for (let month = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months; ; month += months) {
    const ms = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (ms > to) return ticks;
    if (ms >= from) ticks.push([ms, month % 12 === 0 ? String(month / 12) : MONTHS[month % 12] + (months < 3 && ticks.length ? '' : ` ${Math.floor(month / 12)}`)]);
  }
}

function path(count, x, y) {
  let text = '';
  for (let at = 0; at < count; at++) text += `${at ? 'L' : 'M'}${x(at).toFixed(1)} ${y(at).toFixed(1)}`;
  return text;
}

/** A closed shape between two lines. */
function area(count, x, above, below) {
  return path(count, x, above) + path(count, (at) => x(count - 1 - at), (at) => below(count - 1 - at)).replace('M', 'L') + 'Z';
}

/** The index of the time nearest to `ms` in ascending `times`. */
function nearest(times, ms) {
  let low = 0, high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] < ms) low = middle; else high = middle;
  }
  return ms - times[low] <= times[high] - ms ? low : high;
}

/**
 * A chart in `figure`. `plot` gives times, y range, `label` for the axis, `layers(group, x, y)` to draw,
 * `tip(index)` as rows of [name, value] under a date, and `point(index)` as the y value to mark.
 * Charts that share `link` move their crosshairs together.
 */
class Chart {
  constructor(figure, height, link) {
    this.figure = figure;
    this.height = height;
    this.link = link || [];
    this.link.push(this);
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    const leave = () => this.link.forEach((chart) => chart.hover(null));
    figure.addEventListener('pointermove', (event) => this.moved(event.clientX));
    figure.addEventListener('pointerdown', (event) => this.moved(event.clientX));
    figure.addEventListener('pointerleave', leave);
    figure.addEventListener('blur', leave);
    figure.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
      if (!step || !this.plot) return;
      event.preventDefault();
      const last = this.plot.times.length - 1;
      this.link.forEach((chart) => chart.hover(Math.max(0, Math.min(last, (this.at ?? last) + step)), chart === this));
    });
    new ResizeObserver(() => this.render()).observe(figure);
  }

  show(plot) {
    this.plot = plot;
    this.link.forEach((chart) => chart.render());
  }

  render() {
    const width = this.figure.clientWidth;
    if (!width) return;
    this.figure.replaceChildren(this.tip);
    this.tip.hidden = true;
    this.at = null;
    const svg = draw(this.figure, 'svg', { viewBox: `0 0 ${width} ${this.height}`, height: this.height });
    if (!this.plot) {
      draw(svg, 'text', { class: 'empty', x: width / 2, y: this.height / 2, 'text-anchor': 'middle' }, 'nothing was recorded');
      return;
    }
    const { times, y, label } = this.plot;
    const marks = valueTicks(y[0], y[1], this.height / 55);
    const labels = marks.ticks.map((value) => label(value, marks.decimals));
    this.margin = 10 + 6.9 * Math.max(...labels.map((text) => text.length), 3);
    // Linked charts share the wider margin, so that their times stand above each other.
    const left = Math.max(...this.link.map((chart) => chart.margin ?? 0)), right = width - 12, top = 8, bottom = this.height - 22;
    const [from, to] = this.plot.x || [times[0], times[times.length - 1]];
    const X = (ms) => left + ((ms - from) / (to - from || 1)) * (right - left);
    const Y = (value) => bottom - ((value - y[0]) / (y[1] - y[0] || 1)) * (bottom - top);
    Object.assign(this, { X, Y, left, right, top, bottom, from, to });
    marks.ticks.forEach((value, at) => {
      draw(svg, 'line', { class: 'grid', x1: left, x2: right, y1: Y(value), y2: Y(value) });
      draw(svg, 'text', { class: 'axis', x: left - 8, y: Y(value) + 4, 'text-anchor': 'end' }, labels[at]);
    });
    for (const [ms, text] of timeTicks(from, to, width / 110)) {
      if (X(ms) > right - 14 || X(ms) < left + 10) continue;
      draw(svg, 'text', { class: 'axis', x: X(ms), y: this.height - 4, 'text-anchor': 'middle' }, text);
    }
    this.plot.layers(draw(svg, 'g', {}), X, Y);
    this.cross = draw(svg, 'g', { visibility: 'hidden' });
    this.rule = draw(this.cross, 'line', { class: 'cross', y1: top, y2: bottom });
    this.dot = draw(this.cross, 'circle', { class: 'dot', r: 4.5 });
  }

  moved(clientX) {
    if (!this.plot || !this.X) return;
    const px = clientX - this.figure.getBoundingClientRect().left;
    const ms = this.from + ((px - this.left) / (this.right - this.left)) * (this.to - this.from);
    const at = nearest(this.plot.times, ms);
    this.link.forEach((chart) => chart.hover(at, chart === this));
  }

  hover(at, withTip) {
    if (!this.plot || !this.cross) return;
    this.at = at;
    this.cross.setAttribute('visibility', at === null ? 'hidden' : 'visible');
    this.tip.hidden = at === null || !withTip;
    if (at === null) return;
    const x = this.X(this.plot.times[at]);
    this.rule.setAttribute('x1', x);
    this.rule.setAttribute('x2', x);
    this.dot.setAttribute('cx', x);
    this.dot.setAttribute('cy', this.Y(this.plot.point(at)));
    if (!withTip) return;
    const head = document.createElement('b');
    head.textContent = dateText(this.plot.times[at], this.plot.withTime) + (this.plot.withTime ? ' UTC' : '');
    const rows = this.plot.tip(at).map(([name, value]) => {
      const row = document.createElement('span');
      row.append(Object.assign(document.createElement('span'), { textContent: name }), Object.assign(document.createElement('span'), { textContent: value }));
      return row;
    });
    this.tip.replaceChildren(head, ...rows);
    const width = this.tip.offsetWidth;
    this.tip.style.left = `${x + 14 + width > this.right ? Math.max(0, x - 14 - width) : x + 14}px`;
  }
}
