// SPDX-License-Identifier: GPL-2.0-only
// The charts over time and over invocations: dygraphs draws them.

function axisOptions(xLabel, yLabel, yWidth)
{
	return {
		x: {axisLabelFormatter: xLabel, axisLineColor: color("line"), drawGrid: false, axisLabelWidth: 70},
		y: {axisLabelFormatter: value => yLabel(value), axisLineColor: color("line"), gridLineColor: color("line"), axisLabelWidth: yWidth,
		    labelsKMG2: yLabel === formatBytes},
	};
}

// One finger scrolls the page, two zoom the chart.
function touchModel()
{
	const model = Object.assign({}, Dygraph.defaultInteractionModel);

	for (const name of ["touchstart", "touchmove"]) {
		const all = model[name];

		model[name] = (event, graph, context) => event.touches.length > 1 && all(event, graph, context);
	}
	return model;
}

// ---- classes over time: a stacked chart with a legend and keys ----

// A chart has an id, its classes, names and rows of the data, and a function that says a row.
function classColors(chart)
{
	return chart.classes.map(one => color(one.key));
}

// The values at a report, the newest where none is pointed at.
function chartShow(chart, row)
{
	const at = chart.rows[row >= 0 ? row : chart.rows.length - 1];

	chart.row = row;
	if (!at)
		return;
	for (const one of chart.classes)
		byId("value-" + one.key).textContent = formatBytes(at[chart.names.indexOf(one.column)]);
	byId(chart.id + "-readout").textContent = (row >= 0 ? "At " : "At the end, ") + at[0].toFixed(1) + " s: " +
		chart.say(name => at[chart.names.indexOf(name)]);
}

function chartLegend(chart)
{
	byId(chart.id + "-legend").append(...chart.classes.map((one, i) => {
		const swatch = element("i", {class: "swatch"});
		const button = element("button", {type: "button", "aria-pressed": "true", title: one.help}, swatch, one.title,
				       element("output", {id: "value-" + one.key}));

		swatch.style.background = "var(--" + one.key + ")";
		button.addEventListener("click", () => {
			const shown = button.getAttribute("aria-pressed") !== "true";

			button.setAttribute("aria-pressed", shown);
			chart.graph.setVisibility(i, shown);
		});
		return button;
	}));
}

// Keeps the window within the data.
function chartWindow(chart, low, high)
{
	const [first, last] = chart.graph.xAxisExtremes();
	const width = Math.min(high - low, last - first);

	low = Math.max(first, Math.min(low, last - width));
	chart.graph.updateOptions({dateWindow: [low, low + width], valueRange: null});
}

function chartZoom(chart, factor)
{
	const [low, high] = chart.graph.xAxisRange(), middle = (low + high) / 2;

	chartWindow(chart, middle - (high - low) * factor / 2, middle + (high - low) * factor / 2);
}

function chartPan(chart, part)
{
	const [low, high] = chart.graph.xAxisRange();

	chartWindow(chart, low + (high - low) * part, high + (high - low) * part);
}

function chartSelect(chart, row)
{
	row = Math.max(0, Math.min(chart.rows.length - 1, row));
	chart.graph.setSelection(row);
	chartShow(chart, row);
}

function chartKey(chart, event)
{
	const last = chart.rows.length - 1;
	const keys = {
		"ArrowLeft": () => chartSelect(chart, (chart.row < 0 ? last + 1 : chart.row) - 1),
		"ArrowRight": () => chartSelect(chart, chart.row + 1),
		"Home": () => chartSelect(chart, 0),
		"End": () => chartSelect(chart, last),
		"+": () => chartZoom(chart, 0.5),
		"=": () => chartZoom(chart, 0.5),
		"-": () => chartZoom(chart, 2),
		"0": () => chart.graph.resetZoom(),
		"Escape": () => chart.graph.resetZoom(),
	};

	if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey)
		return;
	event.preventDefault();
	keys[event.key]();
}

function chartStart(chart)
{
	const columns = chart.classes.map(one => chart.names.indexOf(one.column));
	const axes = () => axisOptions(seconds => seconds + " s", formatBytes, 68);

	chartLegend(chart);
	chart.graph = new Dygraph(byId(chart.id), chart.rows.map(row => [row[0], ...columns.map(column => row[column])]), {
		labels: ["Time", ...chart.classes.map(one => one.title)],
		stackedGraph: true,
		fillAlpha: 0.75,
		strokeWidth: 1,
		colors: classColors(chart),
		legend: "never",
		includeZero: true,
		axes: axes(),
		rightGap: 8,
		interactionModel: touchModel(),
		animatedZooms: false,
		highlightCircleSize: 3,
		highlightCallback: (event, x, points, row) => chartShow(chart, row),
		unhighlightCallback: () => chartShow(chart, -1),
	});
	byId(chart.id).addEventListener("keydown", event => chartKey(chart, event));
	chartShow(chart, -1);
	redraws.push(() => {
		chart.graph.updateOptions({colors: classColors(chart), axes: axes()}, true);
		chart.graph.resize();
	});
}

// ---- memory over time ----

const memory = {
	id: "chart", graph: null, row: -1, classes: CLASSES, names: [], rows: [],
	say: value => "resident set " + formatBytes(value("rss")) + ", unexplained " + formatBytes(value("unexplained"), true) +
		(value("swap") ? ", swapped out " + formatBytes(value("swap")) : ""),
};

function memoryStart()
{
	Object.assign(memory, data.series);
	if (!memory.rows.length) {
		byId("chart-readout").textContent = "No interval has ended.";
		return;
	}
	chartStart(memory);
	byId("zoom-in").addEventListener("click", () => chartZoom(memory, 0.5));
	byId("zoom-out").addEventListener("click", () => chartZoom(memory, 2));
	byId("pan-left").addEventListener("click", () => chartPan(memory, -0.5));
	byId("pan-right").addEventListener("click", () => chartPan(memory, 0.5));
	byId("zoom-all").addEventListener("click", () => memory.graph.resetZoom());
}

// ---- what is in the heap ----

const heap = {
	id: "heap-chart", graph: null, row: -1, classes: HEAP_CLASSES, names: [], rows: [],
	say: value => formatBytes(value("live_bytes")) + " in live allocations, of " +
		formatBytes(HEAP_CLASSES.reduce((sum, one) => sum + value(one.column), 0)) + " of heap pages",
};

// How long allocations were followed, and what that leaves out.
function heapText()
{
	const one = data.heap;

	return "Allocations were followed from " + (one.whole ? "before the first one" : formatSeconds(Math.max(0, one.begin)) + " on") +
		(one.end === null ? "" : " until " + formatSeconds(one.end)) + ". At the end " + formatBytes(one.live_bytes) + " are live in " +
		formatCount(one.live_count) + " allocations; " + formatBytes(one.fragmented_bytes) + " are the empty part of fragmented pages." +
		(one.one_in > 1 ? " There were more than are tracked: those of one page in " + one.one_in + " are, and the figures are estimates." : "") +
		(one.lost ? " " + formatCount(one.lost) + " records were lost: what was known before is not any more." : "");
}

function heapStart()
{
	byId("heap").hidden = byId("nav-heap").hidden = !data.heap;
	if (!data.heap)
		return;
	Object.assign(heap, {names: data.heap.names, rows: data.heap.rows});
	byId("heap-text").textContent = heapText();
	chartStart(heap);
}

// ---- invocations ----

function lineChart(id, rows, options)
{
	const settings = () => Object.assign({colors: [color("accent")], axes: options.axes()}, {});
	const graph = new Dygraph(byId(id), rows, Object.assign({
		legend: "never",
		includeZero: true,
		strokeWidth: 2,
		rightGap: 12,
		interactionModel: touchModel(),
	}, settings(), options.more));

	redraws.push(() => {
		graph.updateOptions(settings(), true);
		graph.resize();
	});
	return graph;
}

function laterText(later)
{
	return later ? formatCount(later) + " later" : "at its end";
}

// The points are 1, 10, 100, ... invocations apart, so they stand side by side.
function survivalStart()
{
	const points = data.invocations.survival;
	const shares = points.map(point => 100 * point.resident / point.born);
	const texts = points.map((point, i) => laterText(point.later) + " " + shares[i].toFixed(1) + "%");

	byId("survival").setAttribute("aria-label", "Survival: " + texts.join(", "));
	byId("survival-points").append(...points.map((point, i) =>
		element("li", {title: formatCount(point.invocations) + " invocations, " + formatCount(point.born) + " pages"},
			laterText(point.later) + " ", element("b", {}, shares[i].toFixed(1) + "%"))));
	if (!points.length) {
		byId("survival-points").append(element("li", {}, "No invocation has ended that touched a page first."));
		return;
	}
	lineChart("survival", points.map((point, i) => [i, shares[i]]), {
		axes: () => {
			const axes = axisOptions(() => "", share => share + "%", 44);

			axes.x.ticker = () => points.map((point, i) => ({v: i, label: laterText(point.later)}));
			return axes;
		},
		more: {
			labels: ["later", "survival"],
			drawPoints: true,
			pointSize: 4,
			highlightCircleSize: 6,
			valueRange: [0, 105],
			dateWindow: [-0.35, Math.max(points.length - 1, 1) + 0.35],
			xRangePad: 20,
			interactionModel: {},
		},
	});
}

function endsShow(row)
{
	const rows = data.invocations.ends, at = rows[row >= 0 ? row : rows.length - 1];

	byId("ends-readout").textContent = at ? "After " + formatCount(at[0]) + " ends: " + formatPages(at[1]) : "";
}

function endsStart()
{
	const rows = data.invocations.ends;

	if (!rows.length)
		return;
	byId("ends").setAttribute("aria-label", "Resident memory first touched in ended invocations: from " +
		formatPages(rows[0][1]) + " to " + formatPages(rows[rows.length - 1][1]));
	lineChart("ends", rows.map(row => [row[0], row[1] * data.page_bytes]), {
		axes: () => axisOptions(at => formatCount(at), formatBytes, 68),
		more: {
			labels: ["ends", "retained"],
			fillGraph: true,
			highlightCallback: (event, x, points, row) => endsShow(row),
			unhighlightCallback: () => endsShow(-1),
		},
	});
	endsShow(-1);
}

function growthText()
{
	const [at, low, high] = ["", "low_", "high_"].map(end => (figure("invocation_growth_" + end + "bytes") || {value: null}).value);

	if (at === null)
		return "too few to tell their growth";
	return formatBytes(at, true) + " per invocation (" + formatBytes(low) + " to " + formatBytes(high) + ")" +
		(low > 0 ? "" : ", no growth shown");
}

function invocationsStart()
{
	byId("invocations").hidden = byId("nav-invocations").hidden = !data.invocations;
	if (!data.invocations)
		return;
	byId("invocations-text").textContent = data.invocations.counts + "; " + growthText();
	survivalStart();
	endsStart();
}
