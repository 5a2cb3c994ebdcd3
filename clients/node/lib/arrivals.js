'use strict';
// What arrived, in order, and who waits for more of it: hub events and webhook deliveries.

class Arrivals {
  constructor() {
    this.all = [];
    this.waiting = new Set();
  }

  add(arrival) {
    this.all.push(arrival);
    for (const look of this.waiting) look();
  }

  // The arrivals that `matches`, as soon as there are `count` of them.
  atLeast(count, matches = () => true, patienceMs = 10_000) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.all.filter(matches);
        if (found.length < count) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        const seen = JSON.stringify(this.all, null, 1);
        reject(new Error(`not ${count} within ${patienceMs} ms; arrived: ${seen}`));
      }, patienceMs);
      this.waiting.add(look);
      look();
    });
  }

  async first(matches, patienceMs) {
    return (await this.atLeast(1, matches, patienceMs))[0];
  }
}

module.exports = { Arrivals };
