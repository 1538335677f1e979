// The Pareto front: two figures against each other, the front strong and joined by steps.
(function scatter() {
  const figure = document.getElementById('scatter');
  if (!figure || !DATA.front) return;
  const [across, up] = DATA.front, { dimensions } = DATA, height = 360, left = 64, bottom = 44, top = 10, right = 14;
  const points = DATA.lines.filter(([, , values]) => values[across] !== null && values[up] !== null);
  if (!points.length) return;
  const tip = new Tip(figure);
  const range = (place) => {
    const values = points.map(([, , row]) => row[place]);
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    const room = (high - low || 1) * 0.04;
    return [low - room, high + room];
  };
  const [xs, ys] = [range(across), range(up)];

  function render() {
    const width = figure.clientWidth;
    if (!width) return;
    const x = (value) => left + ((value - xs[0]) / (xs[1] - xs[0])) * (width - left - right);
    const y = (value) => height - bottom - ((value - ys[0]) / (ys[1] - ys[0])) * (height - top - bottom);
    figure.replaceChildren(tip.box);
    const svg = draw(figure, 'svg', { viewBox: `0 0 ${width} ${height}`, height });
    const xTicks = valueTicks(xs[0], xs[1], width / 110);
    for (const tick of xTicks.ticks) {
      draw(svg, 'line', { class: 'grid', x1: x(tick), x2: x(tick), y1: top, y2: height - bottom });
      draw(svg, 'text', { class: 'axis', x: x(tick), y: height - bottom + 16, 'text-anchor': 'middle' }, grouped(tick, xTicks.decimals));
    }
    const yTicks = valueTicks(ys[0], ys[1], height / 55);
    for (const tick of yTicks.ticks) {
      draw(svg, 'line', { class: 'grid', x1: left, x2: width - right, y1: y(tick), y2: y(tick) });
      draw(svg, 'text', { class: 'axis', x: left - 6, y: y(tick) + 4, 'text-anchor': 'end' }, grouped(tick, yTicks.decimals));
    }
    const front = points.filter(([, best]) => best).sort((a, b) => a[2][across] - b[2][across]);
    let steps = '';
    front.forEach(([, , values], place) => {
      if (place) steps += `H${x(values[across]).toFixed(1)}`;
      steps += place ? `V${y(values[up]).toFixed(1)}` : `M${x(values[across]).toFixed(1)} ${y(values[up]).toFixed(1)}`;
    });
    if (front.length > 1) draw(svg, 'path', { class: 'step', d: steps });
    for (const [number, best, values] of points) {
      const dot = draw(svg, 'circle', { class: best ? 'best' : 'other', cx: x(values[across]), cy: y(values[up]), r: best ? 6 : 3 });
      dot.addEventListener('pointermove', (event) => tip.show(event, `No. ${number}`, dimensions.map((dimension, place) => [
        dimension.name, dimension.words ? dimension.words[values[place]] ?? '–' : tidyNumber(values[place]),
      ])));
      dot.addEventListener('pointerleave', () => tip.hide());
    }
    const ends = (place) => `${dimensions[place].name.replace(/_/g, ' ')} (${dimensions[place].better > 0 ? 'higher' : 'lower'} is better)`;
    draw(svg, 'text', { class: 'axis', x: left + (width - left - right) / 2, y: height - 8, 'text-anchor': 'middle' }, `${ends(across)} across, ${ends(up)} up`);
  }

  new ResizeObserver(render).observe(figure);
})();
