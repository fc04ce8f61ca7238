/** Work that goes in lanes: so much at once in each, and in all of them together. */

/** Takes tasks. */
export interface Lanes {
  /** Runs a task when its lane has room; tasks of one lane begin in their order. It must not reject. */
  run(lane: string, task: () => Promise<void>): void;
}

/** How much goes on at once. */
export interface LaneLimits {
  readonly perLane: number;
  readonly total: number;
}

interface Lane {
  running: number;
  readonly waiting: (() => Promise<void>)[];
}

/** Makes lanes. What waits is bounded by whoever calls. */
export function createLanes({ perLane, total }: LaneLimits): Lanes {
  const lanes = new Map<string, Lane>();
  let running = 0;

  const start = (name: string, lane: Lane, task: () => Promise<void>) => {
    running += 1;
    lane.running += 1;
    void task().finally(() => {
      running -= 1;
      lane.running -= 1;
      if (lane.running === 0 && lane.waiting.length === 0) lanes.delete(name);
      next();
    });
  };
  /** Begins what may begin, one of each lane at a time, so that a long one does not hold up others. */
  const next = () => {
    for (const [name, lane] of [...lanes]) {
      if (running >= total) return;
      if (lane.running >= perLane) continue;
      const task = lane.waiting.shift();
      if (task === undefined) continue;
      // The lane that had its turn is the last to have another.
      lanes.delete(name);
      lanes.set(name, lane);
      start(name, lane, task);
    }
  };
  return {
    run(name, task) {
      const lane = lanes.get(name) ?? { running: 0, waiting: [] };
      lanes.set(name, lane);
      if (running < total && lane.running < perLane && lane.waiting.length === 0)
        start(name, lane, task);
      else lane.waiting.push(task);
    },
  };
}
