// SPDX-License-Identifier: GPL-2.0-only
// The map of the address space: squares in the order of addresses, a line of its own for each
// region where there are few of them.

const MAP_CELL = 14; // pixels, with the gap behind it
const MAP_GAP = 2;
const MAP_REGIONS = 40; // more than these run on
const MAP_NEAR = 16; // squares that nothing is in, within a region

const map = {squares: [], places: [], columns: 1, height: 0, labels: [], current: -1, oldest: 1};

function mapSquares()
{
	return data.map.squares.map(([number, resident, retained, lazy, found, age]) => {
		const young = resident - retained, kept = Math.max(0, retained - lazy);
		const most = Math.max(kept, young, lazy);

		return {number, resident, retained, lazy, found, age,
			kind: most === kept ? "retained" : most === lazy ? "lazy" : "young"};
	});
}

// Of all its pages: those found at the beginning are as old as the watch, at least.
function mapAge(square)
{
	const born = square.resident - square.found;

	return (square.found * data.process.seconds + born * (square.age || 0)) / square.resident;
}

// The mapping that most of a square is of.
function mapMapping(square)
{
	const per = 2 ** (data.map.shift - 12), from = square.number * per, to = from + per;
	let best = null, most = 0;

	for (const mapping of data.map.mappings) {
		const pages = Math.min(to, mapping[1]) - Math.max(from, mapping[0]);

		if (pages > most)
			[best, most] = [mapping, pages];
	}
	return best;
}

function mappingText(mapping)
{
	const [, , kind, name, owner] = mapping;

	return [kind === name ? "" : kind, name, owner ? "mapped by " + owner : ""].filter(text => text).join(" ");
}

// Runs of squares without a long hole.
function mapRegions()
{
	const regions = [];

	for (const [i, square] of map.squares.entries()) {
		if (!i || square.number - map.squares[i - 1].number > MAP_NEAR)
			regions.push({first: i, count: 0, resident: 0});
		regions[regions.length - 1].count++;
		regions[regions.length - 1].resident += square.resident;
	}
	return regions;
}

function mapLayout(width)
{
	const regions = mapRegions(), apart = regions.length <= MAP_REGIONS;
	let cell = 0, row = 0, top = 0;

	map.columns = Math.max(8, Math.floor(width / MAP_CELL));
	map.places = [];
	map.labels = [];
	for (const region of regions) {
		const first = map.squares[region.first].number;

		if (apart) {
			const mapping = mapMapping(map.squares[region.first]);

			top += row || cell ? (row + (cell ? 1 : 0)) * MAP_CELL + 8 : 0;
			map.labels.push({y: top + 12, text: formatAddress(first, data.map.shift) + "  " + formatPages(region.resident) +
				(mapping ? "  " + mappingText(mapping) : "")});
			top += 18;
			cell = row = 0;
		} else if (map.places.length) {
			cell++;
		}
		for (let i = region.first; i < region.first + region.count; i++) {
			if (i > region.first)
				cell += map.squares[i].number - map.squares[i - 1].number - 1;
			row += Math.floor(cell / map.columns);
			cell %= map.columns;
			map.places.push({x: cell * MAP_CELL, y: top + row * MAP_CELL});
			cell++;
		}
	}
	map.height = top + (row + 1) * MAP_CELL + 2;
}

// New pages are pale, old ones full: on a logarithmic scale, as ages differ by orders.
function mapShade(square)
{
	return 0.35 + 0.65 * Math.log1p(mapAge(square)) / Math.log1p(map.oldest);
}

function mapDraw()
{
	const canvas = byId("map-canvas"), width = canvas.parentElement.clientWidth -
		parseFloat(getComputedStyle(canvas.parentElement).paddingLeft) * 2;
	const scale = devicePixelRatio || 1, context = canvas.getContext("2d");
	const colors = {retained: color("retained"), young: color("young"), lazy: color("lazy"), empty: color("empty")};
	const size = MAP_CELL - MAP_GAP, full = 2 ** (data.map.shift - 12);

	mapLayout(width);
	canvas.width = width * scale;
	canvas.height = map.height * scale;
	canvas.style.height = map.height + "px";
	context.scale(scale, scale);
	context.font = "12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
	context.fillStyle = color("muted");
	for (const label of map.labels)
		context.fillText(cutText(label.text, width / context.measureText("0").width), 0, label.y);
	for (const [i, square] of map.squares.entries()) {
		const {x, y} = map.places[i], filled = Math.max(2, Math.round(size * square.resident / full));

		context.fillStyle = colors.empty;
		context.fillRect(x, y, size, size);
		context.globalAlpha = mapShade(square);
		context.fillStyle = colors[square.kind];
		context.fillRect(x, y + size - filled, size, filled);
		context.globalAlpha = 1;
	}
	if (map.current >= 0) {
		context.strokeStyle = color("text");
		context.lineWidth = 2;
		context.strokeRect(map.places[map.current].x - 1, map.places[map.current].y - 1, size + 2, size + 2);
	}
}

function mapLines(square)
{
	const bytes = 2 ** data.map.shift, mapping = mapMapping(square);
	const parts = [["retained", square.retained], ["young", square.resident - square.retained], ["lazily freed", square.lazy]];

	return [
		formatPages(square.resident) + " of " + formatBytes(bytes) + " resident",
		parts.filter(([, pages]) => pages).map(([name, pages]) => formatPages(pages) + " " + name).join(", "),
		square.found === square.resident ? "older than the watch" : "mean age " + formatSeconds(mapAge(square)),
		mapping ? mappingText(mapping) : "",
	];
}

function mapPoint(index, x, y)
{
	const square = map.squares[index];

	map.current = index;
	mapDraw();
	if (!square) {
		tipHide();
		return;
	}
	tipShow(x, y, formatAddress(square.number, data.map.shift), mapLines(square));
	byId("map-readout").textContent = formatAddress(square.number, data.map.shift) + ": " +
		mapLines(square).filter(line => line).join("; ");
}

function mapAt(event)
{
	const box = byId("map-canvas").getBoundingClientRect();
	const x = event.clientX - box.left, y = event.clientY - box.top;

	return map.places.findIndex(place => x >= place.x && x < place.x + MAP_CELL && y >= place.y && y < place.y + MAP_CELL);
}

// The nearest square in the next line that has one, up or down.
function mapBeside(step)
{
	const here = map.places[map.current];
	let best = -1, least = Infinity;

	for (const [i, place] of map.places.entries()) {
		const down = (place.y - here.y) * step, across = Math.abs(place.x - here.x);

		if (down > 0 && down * 1000 + across < least)
			[best, least] = [i, down * 1000 + across];
	}
	return best < 0 ? map.current : best;
}

function mapKey(event)
{
	const last = map.squares.length - 1, here = map.current;
	const keys = {
		"ArrowLeft": () => Math.max(0, here - 1),
		"ArrowRight": () => Math.min(last, here + 1),
		"ArrowUp": () => here < 0 ? 0 : mapBeside(-1),
		"ArrowDown": () => here < 0 ? 0 : mapBeside(1),
		"Home": () => 0,
		"End": () => last,
	};

	if (!keys[event.key] || last < 0 || event.ctrlKey || event.altKey || event.metaKey)
		return;
	event.preventDefault();
	mapPoint(keys[event.key](), 0, 0);
	const box = byId("map-canvas").getBoundingClientRect(), place = map.places[map.current];

	mapPoint(map.current, box.left + place.x, box.top + place.y);
}

function mapFill()
{
	const size = formatBytes(2 ** data.map.shift);
	const resident = map.squares.reduce((sum, square) => sum + square.resident, 0);

	byId("map-text").textContent = "Each square is " + size + " of addresses, filled as far as its pages are resident: " +
		formatCount(map.squares.length) + " squares hold " + formatPages(resident) + ".";
	byId("map-canvas").setAttribute("aria-label", "Map of " + formatCount(map.squares.length) + " squares. Arrow keys go along them.");
	byId("map-key").append(...CLASSES.slice(0, 3).map(one => {
		const swatch = element("i", {class: "swatch"});

		swatch.style.background = "var(--" + one.key + ")";
		return element("li", {}, swatch, "mostly " + one.title.toLowerCase());
	}));
	const ramp = element("i", {class: "ramp"});

	ramp.style.background = "linear-gradient(to right, color-mix(in srgb, var(--retained) 35%, transparent), var(--retained))";
	byId("map-key").append(element("li", {}, "new ", ramp, " old (" + formatSeconds(map.oldest) + ")"));
}

function mapStart()
{
	const canvas = byId("map-canvas");

	map.squares = mapSquares();
	map.oldest = Math.max(0.01, ...map.squares.map(mapAge));
	mapFill();
	mapDraw();
	redraws.push(mapDraw);
	canvas.addEventListener("mousemove", event => {
		const index = mapAt(event);

		if (index >= 0)
			mapPoint(index, event.clientX, event.clientY);
		else
			tipHide();
	});
	canvas.addEventListener("click", event => mapPoint(mapAt(event), event.clientX, event.clientY));
	for (const name of ["mouseleave", "blur"])
		canvas.addEventListener(name, tipHide);
	canvas.addEventListener("keydown", mapKey);
}
