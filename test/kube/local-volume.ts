/** A PersistentVolume on the node of a test, as an administrator gives one to a cluster that makes none. */
import { mkdirSync } from 'node:fs'
import { NODE } from './node-names.ts'

/** Its manifest. @param path of the folder, which is made */
export function localVolume(name: string, path: string): object {
  mkdirSync(path)
  const isHere = { key: 'kubernetes.io/hostname', operator: 'In', values: [NODE] }
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '5Gi' },
      accessModes: ['ReadWriteOnce'],
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [isHere] }] } },
    },
  }
}
