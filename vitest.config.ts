import { defineConfig } from 'vitest/config'
import { featureReporter } from './test/lab/feature-reporter.ts'
import { tagDefinitions } from './test/lab/features.ts'

/** There is one node on a machine, and who kills a part of the product in the middle of a call has nothing else beside it. */
const ALONE = ['test/kube/{chaos,pods,product-image,node,*-node}.test.ts']

/** A busy machine is no failure: what must be fast is asserted by benchmarks. Milliseconds. */
const PATIENT = { expect: { poll: { timeout: 20_000 } } }

/** `unit` needs nothing but Node; `lab` starts real SIP peers and browsers, `kube` a real Kubernetes; `soak` is the long form of them. */
export default defineConfig({
  test: {
    reporters: ['default', featureReporter()],
    tags: tagDefinitions(),
    projects: [
      {
        test: {
          ...PATIENT,
          name: 'unit',
          testTimeout: 30_000,
          include: ['{lib,crds,agent,operator,cli,charts}/**/*.test.ts', 'test/*.test.ts', 'test/regress/*.test.ts'],
          maxWorkers: '100%',
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'lab',
          include: ['test/{integration,e2e}/**/*.test.ts'],
          globalSetup: 'test/lab/requirements.ts',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'kube',
          include: ['test/kube/**/*.test.ts'],
          exclude: ALONE,
          globalSetup: 'test/kube/install.ts',
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          // What takes long here waits for other programs, on a machine that may be busy.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'kube-alone',
          include: ALONE,
          globalSetup: 'test/kube/install.ts',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...PATIENT,
          name: 'soak',
          include: ['test/soak/**/*.test.ts'],
          globalSetup: 'test/kube/install.ts',
          fileParallelism: false,
          testTimeout: 3_600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
