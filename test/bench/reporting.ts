/** What a program of the bench tells of itself: lines of JSON, and its memory. It measures no call. */

/** Bytes that are in use after a full collection: on the heap, and in Buffers beside it. */
export function memory(): { heap: number; buffers: number; rss: number } {
  if (!globalThis.gc) throw new Error('run with --expose-gc')
  for (let round = 0; round < 4; round++) globalThis.gc()
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  return { heap: heapUsed, buffers: arrayBuffers, rss }
}

/** One line of JSON on standard output: what the bench reads. */
export function report(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
