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

// ---- memory over time ----

const memory = {graph: null, row: -1};

function memoryColumns()
{
	const names = data.series.names;

	return CLASSES.map(one => names.indexOf(one.key));
}

function memoryColors()
{
	return CLASSES.map(one => color(one.key));
}

// The values at a report, the newest where none is pointed at.
function memoryShow(row)
{
	const rows = data.series.rows, names = data.series.names;
	const at = rows[row >= 0 ? row : rows.length - 1];

	memory.row = row;
	if (!at)
		return;
	for (const one of CLASSES)
		byId("value-" + one.key).textContent = formatBytes(at[names.indexOf(one.key)]);
	byId("readout").textContent = (row >= 0 ? "At " : "At the end, ") + at[0].toFixed(1) + " s: resident set " +
		formatBytes(at[names.indexOf("rss")]) + ", unexplained " + formatBytes(at[names.indexOf("unexplained")], true) +
		(at[names.indexOf("swap")] ? ", swapped out " + formatBytes(at[names.indexOf("swap")]) : "");
}

function memoryLegend()
{
	byId("legend").append(...CLASSES.map((one, i) => {
		const swatch = element("i", {class: "swatch"});
		const button = element("button", {type: "button", "aria-pressed": "true", title: one.help}, swatch, one.title,
				       element("output", {id: "value-" + one.key}));

		swatch.style.background = "var(--" + one.key + ")";
		button.addEventListener("click", () => {
			const shown = button.getAttribute("aria-pressed") !== "true";

			button.setAttribute("aria-pressed", shown);
			memory.graph.setVisibility(i, shown);
		});
		return button;
	}));
}

// Keeps the window within the data.
function memoryWindow(low, high)
{
	const [first, last] = memory.graph.xAxisExtremes();
	const width = Math.min(high - low, last - first);

	low = Math.max(first, Math.min(low, last - width));
	memory.graph.updateOptions({dateWindow: [low, low + width], valueRange: null});
}

function memoryZoom(factor)
{
	const [low, high] = memory.graph.xAxisRange(), middle = (low + high) / 2;

	memoryWindow(middle - (high - low) * factor / 2, middle + (high - low) * factor / 2);
}

function memoryPan(part)
{
	const [low, high] = memory.graph.xAxisRange();

	memoryWindow(low + (high - low) * part, high + (high - low) * part);
}

function memorySelect(row)
{
	row = Math.max(0, Math.min(data.series.rows.length - 1, row));
	memory.graph.setSelection(row);
	memoryShow(row);
}

function memoryKey(event)
{
	const last = data.series.rows.length - 1;
	const keys = {
		"ArrowLeft": () => memorySelect((memory.row < 0 ? last + 1 : memory.row) - 1),
		"ArrowRight": () => memorySelect(memory.row + 1),
		"Home": () => memorySelect(0),
		"End": () => memorySelect(last),
		"+": () => memoryZoom(0.5),
		"=": () => memoryZoom(0.5),
		"-": () => memoryZoom(2),
		"0": () => memory.graph.resetZoom(),
		"Escape": () => memory.graph.resetZoom(),
	};

	if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey)
		return;
	event.preventDefault();
	keys[event.key]();
}

function memoryButtons()
{
	byId("zoom-in").addEventListener("click", () => memoryZoom(0.5));
	byId("zoom-out").addEventListener("click", () => memoryZoom(2));
	byId("pan-left").addEventListener("click", () => memoryPan(-0.5));
	byId("pan-right").addEventListener("click", () => memoryPan(0.5));
	byId("zoom-all").addEventListener("click", () => memory.graph.resetZoom());
	byId("chart").addEventListener("keydown", memoryKey);
}

function memoryStart()
{
	const columns = memoryColumns();
	const rows = data.series.rows.map(row => [row[0], ...columns.map(column => row[column])]);

	if (!rows.length) {
		byId("readout").textContent = "No interval has ended.";
		return;
	}
	memoryLegend();
	memory.graph = new Dygraph(byId("chart"), rows, {
		labels: ["Time", ...CLASSES.map(one => one.title)],
		stackedGraph: true,
		fillAlpha: 0.75,
		strokeWidth: 1,
		colors: memoryColors(),
		legend: "never",
		includeZero: true,
		axes: axisOptions(seconds => seconds + " s", formatBytes, 68),
		rightGap: 8,
		interactionModel: touchModel(),
		animatedZooms: false,
		highlightCircleSize: 3,
		highlightCallback: (event, x, points, row) => memoryShow(row),
		unhighlightCallback: () => memoryShow(-1),
	});
	memoryButtons();
	memoryShow(-1);
	redraws.push(() => {
		memory.graph.updateOptions({
			colors: memoryColors(),
			axes: axisOptions(seconds => seconds + " s", formatBytes, 68),
		}, true);
		memory.graph.resize();
	});
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
