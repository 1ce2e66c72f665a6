/** Which port of a range a socket is bound to: the first one that is free. */

/** Both included; `from` 0 is any free port. */
export interface PortRange {
  from: number
  to: number
}

/** @throws what `bind` throws, but for a port in use while there is another one */
export async function bindOneOf<Bound>(
  { from, to }: PortRange,
  bind: (port: number) => Promise<Bound>,
): Promise<Bound> {
  for (let port = from; ; port++) {
    try {
      return await bind(port)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error) || error.code !== 'EADDRINUSE' || from === to) throw error
      if (port < to) continue
      const message = `all ports from ${from} to ${to} are in use`
      throw Object.assign(new Error(message, { cause: error }), { code: error.code })
    }
  }
}
