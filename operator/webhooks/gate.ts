/** Lets a few through at a time for each key, first come, first served; keys do not wait for one another. */

export interface Gate {
  /** No one more may wait for this key. */
  full(key: string): boolean
  /** Resolves when there is room; what it resolves to makes the room free again. */
  enter(key: string): Promise<Disposable>
}

export interface GateLimits {
  /** Inside at once, for each key. */
  inside: number
  /** Waiting at once, for each key; more may enter, but `full` says so before. */
  waiting: number
}

interface Room {
  inside: number
  waiting: Array<() => void>
}

export function createGate({ inside, waiting }: GateLimits): Gate {
  const rooms = new Map<string, Room>()

  function leave(key: string, room: Room): void {
    const next = room.waiting.shift()
    if (next) return next()
    room.inside--
    if (room.inside === 0) rooms.delete(key)
  }

  return {
    full(key) {
      const room = rooms.get(key)
      return room !== undefined && room.inside >= inside && room.waiting.length >= waiting
    },
    async enter(key) {
      const room = rooms.get(key) ?? { inside: 0, waiting: [] }
      rooms.set(key, room)
      if (room.inside < inside) room.inside++
      // The one who leaves hands its place over.
      else await new Promise<void>((resolve) => room.waiting.push(resolve))
      return { [Symbol.dispose]: () => leave(key, room) }
    },
  }
}
