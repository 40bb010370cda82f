// SPDX-License-Identifier: GPL-2.0-only

document.addEventListener("DOMContentLoaded", () => {
	data = JSON.parse(byId("data").textContent);
	themeStart();
	summaryStart();
	memoryStart();
	heapStart();
	invocationsStart();
	flameStart();
	mapStart();
	tableStart();
	widthStart();
	document.documentElement.dataset.ready = "yes";
});
