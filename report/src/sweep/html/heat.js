// The heat map: one rectangle a cell, coloured by the best or the mean of its combinations.
const DATA = JSON.parse(document.getElementById('data').textContent);

function tidyNumber(value) {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(2);
  return grouped(value, size >= 1000 || Number.isInteger(value) ? 0 : size >= 10 ? 2 : 4);
}

/** From bad to good: orange over grey to green, by a share from 0 to 1. */
function shade(share) {
  const [bad, middle, good] = [[213, 94, 0], [190, 196, 204], [0, 150, 110]];
  const [from, to, at] = share < 0.5 ? [bad, middle, share * 2] : [middle, good, share * 2 - 1];
  return `rgb(${from.map((part, place) => Math.round(part + (to[place] - part) * at)).join(' ')})`;
}

/** A box beside the pointer with rows of [name, value]. */
class Tip {
  constructor(figure) {
    this.figure = figure;
    this.box = document.createElement('div');
    this.box.className = 'tip';
    this.box.hidden = true;
  }

  show(event, title, rows) {
    const head = document.createElement('b');
    head.textContent = title;
    this.box.replaceChildren(head, ...rows.map(([name, value]) => {
      const row = document.createElement('span'), left = document.createElement('i'), right = document.createElement('i');
      left.textContent = name;
      right.textContent = value;
      row.append(left, right);
      return row;
    }));
    this.box.hidden = false;
    const frame = this.figure.getBoundingClientRect();
    const x = event.clientX - frame.left, y = event.clientY - frame.top;
    this.box.style.left = `${Math.max(0, Math.min(x + 14, frame.width - this.box.offsetWidth - 4))}px`;
    this.box.style.top = `${Math.max(0, y - this.box.offsetHeight - 10)}px`;
  }

  hide() {
    this.box.hidden = true;
  }
}

(function heatMap() {
  const heat = DATA.heat, figure = document.getElementById('heat-map');
  if (!heat || !figure) return;
  const tip = new Tip(figure), buttons = ['heat-best', 'heat-mean'].map((id) => document.getElementById(id));
  let which = 2;
  const left = 12 + 7 * Math.max(...heat.y.labels.map((label) => label.length), 3), top = 6, below = 46;

  function render() {
    const width = figure.clientWidth;
    if (!width) return;
    const columns = heat.x.labels.length, rows = heat.y.labels.length;
    const cellWidth = (width - left - 8) / columns, cellHeight = Math.max(8, Math.min(34, 460 / rows));
    const height = top + rows * cellHeight + below;
    figure.replaceChildren(tip.box);
    const svg = draw(figure, 'svg', { viewBox: `0 0 ${width} ${height}`, height });
    const values = heat.cells.map((cell) => cell[which]);
    const low = Math.min(...values), high = Math.max(...values);
    const share = (value) => (high > low ? (heat.better > 0 ? value - low : high - value) / (high - low) : 0.5);
    for (const cell of heat.cells) {
      const [x, y, best, mean, count, number] = cell;
      const rect = draw(svg, 'rect', {
        class: 'cell', x: left + x * cellWidth, y: top + (rows - 1 - y) * cellHeight,
        width: cellWidth, height: cellHeight, fill: shade(share(cell[which])),
      });
      rect.addEventListener('pointermove', (event) => tip.show(event, `${heat.x.name} ${heat.x.labels[x]}, ${heat.y.name} ${heat.y.labels[y]}`, [
        [`best ${heat.figure}`, tidyNumber(best)], ['its number', String(number)], ['mean', tidyNumber(mean)], ['combinations', String(count)],
      ]));
      rect.addEventListener('pointerleave', () => tip.hide());
    }
    const every = (labels, room, need) => Math.max(1, Math.ceil(need / room));
    const skipX = every(columns, cellWidth, 8 + 7 * Math.max(...heat.x.labels.map((label) => label.length)));
    heat.x.labels.forEach((label, place) => {
      if (place % skipX) return;
      draw(svg, 'text', { class: 'axis', x: left + (place + 0.5) * cellWidth, y: top + rows * cellHeight + 16, 'text-anchor': 'middle' }, label);
    });
    const skipY = every(rows, cellHeight, 14);
    heat.y.labels.forEach((label, place) => {
      if (place % skipY) return;
      draw(svg, 'text', { class: 'axis', x: left - 6, y: top + (rows - 0.5 - place) * cellHeight + 4, 'text-anchor': 'end' }, label);
    });
    draw(svg, 'text', { class: 'axis', x: left + (width - left) / 2, y: height - 8, 'text-anchor': 'middle' }, `${heat.x.name} (across), ${heat.y.name} (up)`);
    const legend = document.getElementById('heat-legend'), scale = document.createElement('i');
    scale.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(shade).join(', ')})`;
    const [worse, better] = heat.better > 0 ? [low, high] : [high, low];
    const what = which === 2 ? 'best' : 'mean';
    legend.replaceChildren(`${what} ${heat.figure} of each cell: ${tidyNumber(worse)}`, scale, tidyNumber(better));
    buttons.forEach((button, place) => button.setAttribute('aria-pressed', String(which === place + 2)));
  }

  buttons.forEach((button, place) => button.addEventListener('click', () => {
    which = place + 2;
    render();
  }));
  new ResizeObserver(render).observe(figure);
})();
