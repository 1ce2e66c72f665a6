/** The network of a node: a bridge with the pods on it, and what CNI must know of it. Nothing leaves the machine: pods have no default route. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandPath } from '../lab/requirements.ts'
import { SERVICES } from './credentials.ts'
import { BRIDGE, HOST_ADDRESS, PODS, folderOfNode, saveSettings } from './node-names.ts'

/** A bridge otherwise takes the lowest address of its ports: it changes when a pod ends, and packets of the others are lost for seconds. */
const HARDWARE_ADDRESS = '0a:58:0a:58:00:01'

/** Throws when the machine has a node already. Returns the folder of the CNI configuration. */
export function startNetwork(folder: string): string {
  const other = folderOfNode()
  if (other !== undefined)
    throw new Error(`a node runs already, in ${other}; if not: node test/kube/keeper.ts ${other} </dev/null`)
  saveSettings(folder)
  const ip = (...words: readonly string[]) => execFileSync(commandPath('ip'), words)
  ip('link', 'add', BRIDGE, 'address', HARDWARE_ADDRESS, 'type', 'bridge')
  ip('link', 'set', BRIDGE, 'alias', folder)
  ip('address', 'add', `${HOST_ADDRESS}/16`, 'dev', BRIDGE)
  ip('link', 'set', BRIDGE, 'up')
  // From pod to Service to pod is routed, and its answer must come back through the translation of addresses.
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
  writeFileSync('/proc/sys/net/bridge/bridge-nf-call-iptables', '1')

  const ipam = {
    type: 'host-local',
    dataDir: join(folder, 'ipam'),
    ranges: [[{ subnet: PODS, gateway: HOST_ADDRESS, rangeStart: '10.88.1.1', rangeEnd: '10.88.250.250' }]],
    routes: [{ dst: SERVICES }],
  }
  const bridge = { type: 'bridge', bridge: BRIDGE, isGateway: true, hairpinMode: true, ipam }
  const configuration = join(folder, 'cni')
  mkdirSync(configuration)
  const list = { cniVersion: '1.0.0', name: BRIDGE, plugins: [bridge] }
  writeFileSync(join(configuration, '10-bridge.conflist'), JSON.stringify(list))
  return configuration
}
