// Where the nodes of a graph are drawn: layers of nodes from top to bottom, ordered so that few edges cross.
// After Sugiyama: ranks, dummies on long edges, order by barycentres, positions by least squares. All steps are linear
// in nodes and dummies, but for sorting.

const widestRank = 24,
  longestRouted = 60,
  sweeps = 8;

/** Positions x_i closest to `wanted` (weighted squares) with x_(i+1) - x_i >= gaps[i]: pools of adjacent violators. */
function separate(wanted, weights, gaps) {
  const pools = [];
  let offset = 0;
  wanted.forEach((want, i) => {
    if (i) offset += gaps[i - 1];
    let pool = { value: want - offset, weight: weights[i], count: 1 };
    while (pools.length && pools[pools.length - 1].value > pool.value) {
      const other = pools.pop(),
        weight = other.weight + pool.weight;
      pool = { value: (other.value * other.weight + pool.value * pool.weight) / weight, weight, count: other.count +
          pool.count };
    }
    pools.push(pool);
  });
  const result = [];
  offset = 0;
  for (const pool of pools)
    for (let i = 0; i < pool.count; ++i) {
      if (result.length) offset += gaps[result.length - 1];
      result.push(pool.value + offset);
    }
  return result;
}

/** The rank of each node, sources first; ranks of too many nodes become several. */
function rankNodes(nodes) {
  nodes.forEach((node) => (node.rank = Math.max(-1, ...node.sources.map((source) => source.rank)) + 1));
  nodes.filter((node) => !node.sources.length && node.targets.length).forEach((node) => {
    node.rank = Math.max(0, Math.min(...node.targets.map((target) => target.rank)) - 1);
  });
  const rows = [];
  nodes.forEach((node) => (rows[node.rank] = rows[node.rank] || []).push(node));
  let next = 0;
  rows.filter(Boolean).forEach((row) => {
    row.forEach((node, i) => (node.rank = next + Math.floor(i / widestRank)));
    next += Math.ceil(row.length / widestRank);
  });
}

/** Ranks of nodes and dummies. A node's long edges share their dummies; edges that would need too many have none. */
function makeRanks(nodes, edges) {
  const ranks = [];
  const put = (place) => (ranks[place.rank] = ranks[place.rank] || []).push(place);
  nodes.forEach((node) => {
    node.up = [];
    node.down = [];
    node.dummies = [];
    put(node);
  });
  const spans = edges.reduce((sum, edge) => sum + edge.to.rank - edge.from.rank - 1, 0);
  const link = (a, b) => {
    if (a.down.includes(b)) return;
    a.down.push(b);
    b.up.push(a);
  };
  for (const edge of edges) {
    edge.path = [];
    edge.isLong = spans > 20000 && edge.to.rank - edge.from.rank > longestRouted;
    if (edge.isLong) continue;
    let last = edge.from;
    for (let rank = edge.from.rank + 1; rank < edge.to.rank; ++rank) {
      let dummy = edge.from.dummies[rank];
      if (!dummy) {
        dummy = edge.from.dummies[rank] = { isDummy: true, rank, width: 8, height: 0, up: [], down: [] };
        put(dummy);
      }
      link(last, dummy);
      edge.path.push(dummy);
      last = dummy;
    }
    link(last, edge.to);
  }
  return ranks;
}

function orderRanks(ranks) {
  const number = (row) => row.forEach((place, i) => (place.position = i));
  ranks.forEach(number);
  for (let sweep = 0; sweep < sweeps; ++sweep) {
    const [rows, side] = sweep % 2 ? [
      [...ranks].reverse(), "down"
    ] : [ranks, "up"];
    for (const row of rows) {
      row.forEach((place) => {
        const near = place[side];
        place.key = near.length ? near.reduce((sum, other) => sum + other.position, 0) / near.length : place
          .position;
      });
      row.sort((a, b) => a.key - b.key || a.position - b.position);
      number(row);
    }
  }
}

function placeRanks(ranks, gap) {
  const half = (place) => place.width / 2;
  const gapsOf = (row) => row.slice(1).map((place, i) => half(row[i]) + half(place) + gap);
  ranks.forEach((row) => {
    const gaps = gapsOf(row);
    const width = gaps.reduce((sum, value) => sum + value, 0);
    let x = -width / 2;
    row.forEach((place, i) => (place.x = i ? (x += gaps[i - 1]) : x));
  });
  for (let sweep = 0; sweep < sweeps; ++sweep) {
    const rows = sweep % 2 ? [...ranks].reverse() : ranks;
    const last = sweep >= sweeps - 2;
    for (const row of rows) {
      const wanted = row.map((place) => {
        const near = last ? [...place.up, ...place.down] : place[sweep % 2 ? "down" : "up"];
        if (!near.length) return place.x;
        const xs = near.map((other) => other.x).sort((a, b) => a - b),
          middle = (xs.length - 1) / 2;
        return (xs[Math.floor(middle)] + xs[Math.ceil(middle)]) / 2;
      });
      const weights = row.map((place) => (place.isDummy ? 4 : 1 + place.up.length + place.down.length));
      separate(wanted, weights, gapsOf(row)).forEach((x, i) => (row[i].x = x));
    }
  }
}

/**
 * Gives each of `nodes` (topological order; width, height, sources, targets) a centre x and a top y, and each of `edges`
 * (from, to) the places it passes; returns the width and height of the drawing.
 */
function layOut(nodes, edges, gap, rowGap) {
  rankNodes(nodes);
  const ranks = makeRanks(nodes, edges);
  orderRanks(ranks);
  placeRanks(ranks, gap);
  let y = 0,
    left = Infinity,
    right = -Infinity;
  for (const row of ranks) {
    const height = Math.max(...row.map((place) => place.height));
    for (const place of row) {
      place.y = y + (height - place.height) / 2;
      left = Math.min(left, place.x - place.width / 2);
      right = Math.max(right, place.x + place.width / 2);
    }
    y += height + rowGap;
  }
  ranks.forEach((row) => row.forEach((place) => (place.x -= left)));
  return { width: right - left, height: y - rowGap };
}