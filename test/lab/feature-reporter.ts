/** A reporter of Vitest that holds the table of features in docs/reference/sip.md to the tests of the lab that passed; a run of a part of them says nothing about it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Reporter, TestModule, TestProject, Vitest } from 'vitest/node'
import { gaps, table, withTable } from './feature-table.ts'

const DOCUMENT = join(import.meta.dirname, '../../docs/reference/sip.md')

export function featureReporter(): Reporter {
  let vitest: Vitest | undefined
  return {
    onInit(context) {
      vitest = context
    },
    async onTestRunEnd(modules, _errors, reason) {
      const project = vitest?.projects.find(({ name }) => name === 'lab')
      // A run with failures has failed already.
      if (!vitest || !project || reason !== 'passed') return
      const own = modules.filter((module) => module.project === project)
      const tags = await tagsOfWholeRun(own, project)
      if (!tags) return
      const committed = readFileSync(DOCUMENT, 'utf8')
      const made = withTable(committed, table(tags))
      const updates = vitest.config.snapshotOptions.updateSnapshot === 'all'
      if (updates && made !== committed) writeFileSync(DOCUMENT, made)
      const wrong = gaps(tags)
      if (!updates && made !== committed) {
        wrong.push('docs/reference/sip.md is not what the tests show: write it with "npm run lab -- --update"')
      }
      if (wrong.length === 0) return
      vitest.logger.error(`\nFeatures of the SIP user agent:\n${wrong.map((line) => `  ${line}`).join('\n')}\n`)
      process.exitCode = 1
    },
  }
}

/** The tags of all tests that passed; undefined when a file or a test was left out. */
async function tagsOfWholeRun(
  modules: readonly TestModule[],
  project: TestProject,
): Promise<ReadonlySet<string> | undefined> {
  const { testFiles } = await project.globTestFiles()
  const ran = new Set(modules.map(({ moduleId }) => moduleId))
  if (testFiles.some((file) => !ran.has(file))) return undefined
  const tests = modules.flatMap(({ children }) => [...children.allTests()])
  if (tests.some((test) => test.result().state !== 'passed')) return undefined
  return new Set(tests.flatMap(({ tags }) => tags))
}
