/** Where an agent binds its sockets: all addresses of the machine. Which of them a peer is told is decided where packets to it leave from. */
import { networkInterfaces } from 'node:os'

/** `::`, which takes IPv4 too, where the machine has IPv6; a kernel without it cannot bind that. */
export function everywhere(interfaces: Interfaces = networkInterfaces()): '::' | '0.0.0.0' {
  const hasIPv6 = Object.values(interfaces).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'))
  return hasIPv6 ? '::' : '0.0.0.0'
}

type Interfaces = Readonly<Record<string, ReadonlyArray<{ family: string }> | undefined>>
