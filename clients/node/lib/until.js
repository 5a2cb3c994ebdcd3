'use strict';
// Awaits a condition. Nothing in these tests sleeps for a time and hopes.

const LOOK_MS = 20;

// Looks until `condition` gives something truthy, and returns that.
async function until(what, condition, patienceMs = 10_000) {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const met = await condition();
    if (met) return met;
    if (Date.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await new Promise((look) => setTimeout(look, LOOK_MS));
  }
}

module.exports = { until };
