// Parallel coordinates: lines on a canvas, axes and brushes over it.
(function parallel() {
  const figure = document.getElementById('lines');
  if (!figure || !DATA.lines.length) return;
  const { dimensions, lines } = DATA, height = 380, top = 34, bottom = 26, side = 56;
  const tip = new Tip(figure), brushes = dimensions.map(() => null);
  const ranges = dimensions.map((dimension, place) => {
    if (dimension.words) return [0, Math.max(dimension.words.length - 1, 1)];
    let low = Infinity, high = -Infinity;
    for (const line of lines) {
      const value = line[2][place];
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (low > high) return [0, 1];
    return low === high ? [low - 1, high + 1] : [low, high];
  });
  const yOf = (value, place) => height - bottom - ((value - ranges[place][0]) / (ranges[place][1] - ranges[place][0])) * (height - top - bottom);
  const valueOf = (y, place) => ranges[place][0] + ((height - bottom - y) / (height - top - bottom)) * (ranges[place][1] - ranges[place][0]);
  const wordOf = (value, place) => (dimensions[place].words ? dimensions[place].words[value] : tidyNumber(value));

  function render() {
    const width = figure.clientWidth;
    if (!width) return;
    const xOf = (place) => side + (place * (width - 2 * side)) / Math.max(dimensions.length - 1, 1);
    const ratio = window.devicePixelRatio || 1, canvas = document.createElement('canvas');
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    figure.replaceChildren(canvas, tip.box);
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const [low, high] = ranges[DATA.color], better = dimensions[DATA.color].better;
    const kept = (values) => brushes.every((brush, place) => !brush || (values[place] !== null && values[place] >= brush[0] && values[place] <= brush[1]));
    const faint = Math.max(0.06, Math.min(0.5, 250 / lines.length));
    for (const [, best, values] of lines) {
      if (!kept(values)) continue;
      const figureValue = values[DATA.color];
      const share = figureValue === null ? 0.5 : (better > 0 ? figureValue - low : high - figureValue) / (high - low);
      pen.strokeStyle = shade(share);
      pen.globalAlpha = best ? 1 : faint;
      pen.lineWidth = best ? 2 : 1;
      pen.beginPath();
      let drawn = false;
      values.forEach((value, place) => {
        if (value === null) {
          drawn = false;
          return;
        }
        if (drawn) pen.lineTo(xOf(place), yOf(value, place)); else pen.moveTo(xOf(place), yOf(value, place));
        drawn = true;
      });
      pen.stroke();
    }
    const svg = draw(figure, 'svg', { viewBox: `0 0 ${width} ${height}`, height, width });
    dimensions.forEach((dimension, place) => {
      const x = xOf(place);
      draw(svg, 'line', { class: 'spine', x1: x, x2: x, y1: top, y2: height - bottom });
      draw(svg, 'text', { class: 'label', x, y: 14, 'text-anchor': 'middle' }, dimension.name.replace(/_/g, ' '));
      const ticks = dimension.words ? dimension.words.map((_, index) => index) : ranges[place];
      const skip = Math.ceil(ticks.length / 20);
      ticks.forEach((value, index) => {
        if (index % skip) return;
        draw(svg, 'text', { class: 'axis halo', x, y: yOf(value, place) + (dimension.words ? 4 : index ? -6 : 16), 'text-anchor': 'middle' }, wordOf(value, place));
      });
      if (brushes[place]) {
        const [from, to] = brushes[place].map((value) => yOf(value, place));
        draw(svg, 'rect', { class: 'brush', x: x - 9, width: 18, y: to, height: Math.max(from - to, 2) });
      }
    });
    const axisAt = (event) => {
      const x = event.clientX - figure.getBoundingClientRect().left;
      const place = dimensions.reduce((near, _, at) => (Math.abs(xOf(at) - x) < Math.abs(xOf(near) - x) ? at : near), 0);
      return Math.abs(xOf(place) - x) < 24 ? place : null;
    };
    const yAt = (event) => Math.max(top, Math.min(height - bottom, event.clientY - figure.getBoundingClientRect().top));
    svg.addEventListener('pointerdown', (event) => {
      const place = axisAt(event);
      if (place === null) return;
      const start = yAt(event);
      const move = (moved) => {
        const end = yAt(moved);
        brushes[place] = Math.abs(end - start) < 4 ? null : [start, end].map((y) => valueOf(y, place)).sort((a, b) => a - b);
      };
      const stop = (ended) => {
        move(ended);
        window.removeEventListener('pointerup', stop);
        render();
      };
      window.addEventListener('pointerup', stop);
    });
  }

  new ResizeObserver(render).observe(figure);
})();
