/** A reporter of Vitest that holds the tables of features in docs/reference to the tests of the lab that passed; a run of a part of them says nothing about it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Reporter, TestModule, TestProject, Vitest } from 'vitest/node'
import { type Evidence, gaps, table, withTable } from './feature-table.ts'
import { type Document, DOCUMENTS, featuresOf } from './features.ts'

const ROOT = join(import.meta.dirname, '../..')

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
      const evidence = await evidenceOfWholeRun(own, project)
      if (!evidence) return
      const updates = vitest.config.snapshotOptions.updateSnapshot === 'all'
      const wrong = DOCUMENTS.flatMap((document) => hold(document, evidence, updates))
      if (wrong.length === 0) return
      vitest.logger.error(`\nFeatures:\n${wrong.map((each) => `  ${each}`).join('\n')}\n`)
      process.exitCode = 1
    },
  }
}

/** What is wrong with the table of a document, one line each. @param updates it is written as the tests show it */
function hold(document: Document, evidence: Evidence, updates: boolean): string[] {
  const path = join(ROOT, document)
  const rows = featuresOf(document)
  const committed = readFileSync(path, 'utf8')
  const made = withTable(committed, table(rows, evidence))
  if (updates && made !== committed) writeFileSync(path, made)
  const wrong = gaps(rows, evidence, committed)
  if (!updates && made !== committed) {
    wrong.push(`${document} is not what the tests show: write it with "npm run lab -- --update"`)
  }
  return wrong
}

/** Of all tests that passed; undefined when a file or a test was left out. */
async function evidenceOfWholeRun(modules: readonly TestModule[], project: TestProject): Promise<Evidence | undefined> {
  const { testFiles } = await project.globTestFiles()
  const ran = new Set(modules.map(({ moduleId }) => moduleId))
  if (testFiles.some((file) => !ran.has(file))) return undefined
  const tests = modules.flatMap(({ children, moduleId }) =>
    [...children.allTests()].map((test) => ({ test, file: relative(ROOT, moduleId) })),
  )
  if (tests.some(({ test }) => test.result().state !== 'passed')) return undefined
  const evidence = new Map<string, Set<string>>()
  for (const { test, file } of tests) {
    for (const tag of test.tags) evidence.set(tag, (evidence.get(tag) ?? new Set()).add(file))
  }
  return evidence
}
