"use strict";
// What a page computes with: arrays as NumPy has them, a shape and the entries row by row, and one function for
// each kernel. Truth values are 1 and 0. Axes count as NumPy's; `axis` null is all of them.
// kernels: absolute add add_along_axis all any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin astype broadcast_to cbrt ceil concatenate contract copysign cos cosh count_nonzero cumprod cumsum deg2rad divide elu equal exp exp2 expand_dims expm1 fabs floor floor_divide fmax fmin fmod gather greater greater_equal heaviside hypot isfinite isinf isnan leaky_relu less less_equal log log10 log1p log2 log_softmax logaddexp logical_and logical_not logical_or logical_xor logsumexp matmul max maximum mean min minimum multiply negative not_equal positive power probabilities prod rad2deg reciprocal relu remainder reshape rint scatter sigmoid sign sin sinh softmax softplus sqrt square subtract sum sum_to take_along_axis tan tanh transpose trunc where
const engine = (() => {
  const size = shape => shape.reduce((a, b) => a * b, 1);
  const array = (shape, data) => ({shape, data});
  const filled = (shape, value) => array(shape, new Float64Array(size(shape)).fill(value));
  const wrap = x => typeof x === "object" ? x : array([], [Number(x)]);

  function together(shapes) {
    const ndim = Math.max(...shapes.map(s => s.length));
    return Array.from({length: ndim}, (_, k) => {
      const sizes = shapes.map(s => s[k - ndim + s.length] ?? 1);
      return sizes.find(n => n !== 1) ?? 1;
    });
  }

  // How far apart neighbours along each axis of `shape` lie in `own`; 0 along what is repeated.
  function strides(own, shape) {
    const found = new Array(shape.length).fill(0);
    for (let k = own.length - 1, step = 1; k >= 0; step *= own[k--])
      if (own[k] !== 1) found[k + shape.length - own.length] = step;
    return found;
  }

  // Calls visit(place, offsets) for each place of a shape, row by row, with each operand's place.
  function walk(shape, steps, visit) {
    const n = size(shape), ndim = shape.length, at = new Array(ndim).fill(0), offsets = steps.map(() => 0);
    for (let place = 0; place < n; place++) {
      visit(place, offsets);
      for (let k = ndim - 1; k >= 0; k--) {
        at[k]++;
        for (let j = 0; j < steps.length; j++) offsets[j] += steps[j][k];
        if (at[k] < shape[k]) break;
        for (let j = 0; j < steps.length; j++) offsets[j] -= steps[j][k] * shape[k];
        at[k] = 0;
      }
    }
  }

  const elementwise = f => (...operands) => {
    const count = f.length, xs = operands.slice(0, count).map(wrap), settings = operands.slice(count);
    const shape = together(xs.map(x => x.shape)), out = new Float64Array(size(shape));
    const steps = xs.map(x => strides(x.shape, shape)), data = xs.map(x => x.data), g = settings.length ? f(...settings) : f;
    if (count === 1) walk(shape, steps, (i, o) => { out[i] = g(data[0][o[0]]); });
    else if (count === 2) walk(shape, steps, (i, o) => { out[i] = g(data[0][o[0]], data[1][o[1]]); });
    else walk(shape, steps, (i, o) => { out[i] = g(data[0][o[0]], data[1][o[1]], data[2][o[2]]); });
    return array(shape, out);
  };
  // The same with settings: f(settings) is the function of the entries.
  const withSettings = f => (x, settings) => elementwise(f(settings))(x);

  const axesOf = (axis, ndim) => (axis === null || axis === undefined ? [...Array(ndim).keys()] : [axis].flat())
    .map(a => (a + ndim) % ndim).sort((a, b) => a - b);

  // Folds the entries along some axes; `start(n)` begins, `add` takes an entry, `end` finishes.
  const reduction = (start, add, end = (total, n) => total) => (x, {axis = null, keepdims = false} = {}) => {
    x = wrap(x);
    const axes = axesOf(axis, x.shape.length), kept = x.shape.map((n, k) => axes.includes(k) ? 1 : n);
    const out = filled(kept, start), n = axes.reduce((product, a) => product * x.shape[a], 1);
    walk(x.shape, [strides(x.shape, x.shape), strides(kept, x.shape)], (i, o) => {
      out.data[o[1]] = add(out.data[o[1]], x.data[o[0]]);
    });
    const data = out.data.map(total => end(total, n));
    return array(keepdims ? kept : x.shape.filter((_, k) => !axes.includes(k)), data);
  };

  const largest = (a, b) => a !== a || b !== b ? NaN : Math.max(a, b);
  const least = (a, b) => a !== a || b !== b ? NaN : Math.min(a, b);

  // Along one axis, from its first entry on.
  const running = add => (x, {axis = null} = {}) => {
    x = axis === null ? array([x.data.length], x.data) : x;
    const a = axesOf(axis ?? 0, x.shape.length)[0], out = Float64Array.from(x.data);
    const step = size(x.shape.slice(a + 1)), n = x.shape[a];
    for (let i = 0; i < out.length; i++) if (Math.floor(i / step) % n) out[i] = add(out[i - step], out[i]);
    return array(x.shape, out);
  };

  const place = better => (x, {axis = null, keepdims = false} = {}) => {
    x = wrap(x);
    const all = axis === null, a = all ? 0 : axesOf(axis, x.shape.length)[0];
    const shape = all ? [x.data.length] : x.shape, step = size(shape.slice(a + 1)), n = shape[a];
    const kept = shape.map((m, k) => k === a ? 1 : m), out = new Float64Array(size(kept));
    for (let i = 0; i < out.length; i++) {
      const first = Math.floor(i / step) * step * n + i % step;
      for (let k = 1; k < n; k++) if (better(x.data[first + k * step], x.data[first + out[i] * step])) out[i] = k;
    }
    const wide = all ? x.shape.map(() => 1) : kept;
    return array(keepdims ? wide : all ? [] : x.shape.filter((_, k) => k !== a), out);
  };

  function matmul(a, b) {
    const [left, right] = [a.shape.length === 1, b.shape.length === 1];
    if (left) a = array([1, ...a.shape], a.data);
    if (right) b = array([...b.shape, 1], b.data);
    const [n, inner] = a.shape.slice(-2), m = b.shape.at(-1);
    const batch = together([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
    const out = new Float64Array(size(batch) * n * m);
    walk(batch, [strides(a.shape.slice(0, -2), batch), strides(b.shape.slice(0, -2), batch)], (k, o) => {
      const p = o[0] * n * inner, q = o[1] * inner * m, r = k * n * m;
      for (let i = 0; i < n; i++) for (let j = 0; j < inner; j++) {
        const entry = a.data[p + i * inner + j];
        for (let c = 0; c < m; c++) out[r + i * m + c] += entry * b.data[q + j * m + c];
      }
    });
    return array([...batch, ...(left ? [] : [n]), ...(right ? [] : [m])], out);
  }

  // Sums of products over the letters that the result lacks: contract([a, b], {subscripts: "ij,jk->ik"}).
  function contract(...operands) {
    const {subscripts} = operands.pop(), [sides, result] = subscripts.split("->"), names = sides.split(",");
    const lengths = {};
    operands = operands.map(wrap);
    operands.forEach((x, k) => [...names[k]].forEach((c, j) => { if ((lengths[c] ?? 1) === 1) lengths[c] = x.shape[j]; }));
    const letters = [...result, ...Object.keys(lengths).filter(c => !result.includes(c))];
    const shape = letters.map(c => lengths[c]), out = filled([...result].map(c => lengths[c]), 0);
    const stepsOf = (own, name) => letters.map(c => [...name].reduce(
      (total, d, j) => d === c && own[j] !== 1 ? total + size(own.slice(j + 1)) : total, 0));
    const steps = [...operands.map((x, k) => stepsOf(x.shape, names[k])), stepsOf(out.shape, result)];
    walk(shape, steps, (_, o) => {
      let product = 1;
      for (let k = 0; k < operands.length; k++) product *= operands[k].data[o[k]];
      out.data[o[operands.length]] += product;
    });
    return out;
  }

  function transpose(x, {axes = null} = {}) {
    const ndim = x.shape.length, order = axes ? axes.map(a => (a + ndim) % ndim) : [...Array(ndim).keys()].reverse();
    const own = strides(x.shape, x.shape), shape = order.map(k => x.shape[k]), out = new Float64Array(size(shape));
    walk(shape, [order.map(k => own[k])], (i, o) => { out[i] = x.data[o[0]]; });
    return array(shape, out);
  }

  const sum = reduction(0, (total, x) => total + x);
  const shaped = (x, {shape}) => array(shape, wrap(x).data);

  function sum_to(x, {shape}) {
    x = wrap(x);
    const lead = x.shape.length - shape.length;
    const axes = x.shape.flatMap((n, k) => k < lead || (shape[k - lead] === 1 && n !== 1) ? [k] : []);
    return axes.length ? shaped(sum(x, {axis: axes}), {shape}) : shaped(x, {shape});
  }

  function broadcast_to(x, {shape}) {
    x = wrap(x);
    const out = new Float64Array(size(shape));
    walk(shape, [strides(x.shape, shape)], (i, o) => { out[i] = x.data[o[0]]; });
    return array(shape, out);
  }

  function concatenate(...parts) {
    const {axis = 0} = parts.pop();
    parts = parts.map(p => axis === null ? array([wrap(p).data.length], wrap(p).data) : wrap(p));
    const a = axesOf(axis ?? 0, parts[0].shape.length)[0];
    const shape = parts[0].shape.map((n, k) => k === a ? parts.reduce((t, p) => t + p.shape[a], 0) : n);
    const out = new Float64Array(size(shape)), inner = size(shape.slice(a + 1)), row = shape[a] * inner;
    let start = 0;
    for (const part of parts) {
      const n = part.shape[a] * inner;
      for (let i = 0; i < part.data.length; i++) out[Math.floor(i / n) * row + start + i % n] = part.data[i];
      start += n;
    }
    return array(shape, out);
  }

  // Entries by their places, row by row; and the way back, where what meets at a place is added.
  const gather = (x, {shape, places}) => array(shape, Float64Array.from(places, p => wrap(x).data[p]));
  function scatter(x, {shape, places}) {
    const out = filled(shape, 0);
    places.forEach((p, i) => { out.data[p] += wrap(x).data[i]; });
    return out;
  }

  const along = (x, indices, axis, act) => {
    const a = axesOf(axis, x.shape.length)[0], step = size(x.shape.slice(a + 1)), own = strides(x.shape, x.shape);
    own[a] = 0;
    walk(indices.shape, [own], (i, o) => {
      const k = indices.data[i];
      act(i, o[0] + (k < 0 ? k + x.shape[a] : k) * step);
    });
  };
  function take_along_axis(x, indices, {axis}) {
    const out = filled(indices.shape, 0);
    along(x, indices, axis, (i, p) => { out.data[i] = x.data[p]; });
    return out;
  }
  function add_along_axis(x, indices, {axis, length}) {
    const shape = x.shape.map((n, k) => k === axesOf(axis, x.shape.length)[0] ? length : n), out = filled(shape, 0);
    along(out, indices, axis, (i, p) => { out.data[p] += x.data[i]; });
    return out;
  }

  const max = reduction(-Infinity, largest), min = reduction(Infinity, least);
  const exp = elementwise(x => Math.exp(x)), log = elementwise(x => Math.log(x));
  const [add, subtract, divide] = [(a, b) => a + b, (a, b) => a - b, (a, b) => a / b].map(elementwise);
  function logsumexp(x, settings = {}) {
    const top = max(x, {...settings, keepdims: true});
    const total = log(sum(exp(subtract(x, top)), settings));
    return add(total, settings.keepdims ? top : shaped(top, {shape: total.shape}));
  }
  const rounded = x => { const r = Math.round(x); return Math.abs(x % 1) === 0.5 && r % 2 ? r - 1 : r; };
  const sigmoid = z => z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
  const modulo = (a, b) => { const r = a % b; return r && (r < 0) !== (b < 0) ? r + b : r; };

  const entries = {
    absolute: x => Math.abs(x),
    arccos: x => Math.acos(x), arccosh: x => Math.acosh(x), arcsin: x => Math.asin(x), arcsinh: x => Math.asinh(x),
    arctan: x => Math.atan(x), arctan2: (a, b) => Math.atan2(a, b), arctanh: x => Math.atanh(x),
    cbrt: x => Math.cbrt(x), ceil: x => Math.ceil(x),
    copysign: (a, b) => Math.abs(a) * (b < 0 || Object.is(b, -0) ? -1 : 1),
    cos: x => Math.cos(x), cosh: x => Math.cosh(x), deg2rad: x => x * Math.PI / 180,
    equal: (a, b) => +(a === b), exp2: x => 2 ** x, expm1: x => Math.expm1(x), fabs: x => Math.abs(x),
    floor: x => Math.floor(x), floor_divide: (a, b) => Math.floor(a / b),
    fmax: (a, b) => a !== a ? b : b !== b ? a : Math.max(a, b), fmin: (a, b) => a !== a ? b : b !== b ? a : Math.min(a, b),
    fmod: (a, b) => a % b, greater: (a, b) => +(a > b), greater_equal: (a, b) => +(a >= b),
    heaviside: (x, h) => x < 0 ? 0 : x > 0 ? 1 : h, hypot: (a, b) => Math.hypot(a, b),
    isfinite: x => +Number.isFinite(x), isinf: x => +(Math.abs(x) === Infinity), isnan: x => +(x !== x),
    less: (a, b) => +(a < b), less_equal: (a, b) => +(a <= b),
    log10: x => Math.log10(x), log1p: x => Math.log1p(x), log2: x => Math.log2(x),
    logaddexp: (a, b) => a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))),
    logical_and: (a, b) => +(a !== 0 && b !== 0), logical_not: x => +(x === 0),
    logical_or: (a, b) => +(a !== 0 || b !== 0), logical_xor: (a, b) => +((a !== 0) !== (b !== 0)),
    maximum: largest, minimum: least, multiply: (a, b) => a * b, negative: x => -x, not_equal: (a, b) => +(a !== b),
    positive: x => x, power: (a, b) => a ** b, rad2deg: x => x * 180 / Math.PI, reciprocal: x => 1 / x,
    relu: z => largest(z, 0), remainder: modulo, rint: rounded, sigmoid, sign: x => Math.sign(x),
    sin: x => Math.sin(x), sinh: x => Math.sinh(x), softplus: z => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
    sqrt: x => Math.sqrt(x), square: x => x * x, tan: x => Math.tan(x), tanh: x => Math.tanh(x),
    trunc: x => Math.trunc(x), where: (c, a, b) => c ? a : b,
  };
  const kernels = {
    add, add_along_axis, broadcast_to, concatenate, contract, divide, exp, gather, log, logsumexp, matmul, max, min,
    scatter, subtract, sum, sum_to, take_along_axis, transpose,
    all: reduction(1, (t, x) => +(t && x !== 0)), any: reduction(0, (t, x) => +(t || x !== 0)),
    argmax: place((a, b) => a > b), argmin: place((a, b) => a < b),
    astype: (x, {dtype}) => elementwise(dtype === "b" ? v => +(v !== 0) : dtype === "f" ? v => v : v => Math.trunc(v))(x),
    count_nonzero: reduction(0, (t, x) => t + (x !== 0)),
    cumprod: running((a, b) => a * b), cumsum: running((a, b) => a + b),
    elu: withSettings(({alpha}) => z => z > 0 ? z : alpha * Math.expm1(z)),
    expand_dims: shaped, reshape: shaped,
    leaky_relu: withSettings(({slope}) => z => z > 0 ? z : slope * z),
    log_softmax: (z, {axis}) => subtract(z, logsumexp(z, {axis, keepdims: true})),
    mean: reduction(0, (t, x) => t + x, (t, n) => t / n),
    probabilities: x => x, prod: reduction(1, (t, x) => t * x),
    softmax: (z, {axis}) => exp(subtract(z, logsumexp(z, {axis, keepdims: true}))),
  };
  for (const name in entries) kernels[name] ??= elementwise(entries[name]);
  return {array, filled, kernels, size};
})();
